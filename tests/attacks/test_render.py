"""Texts and names that are slow to look at: they cost whoever hands them in, and hold nobody up.

That nothing has held the event loop is seen after each test (`the_loop_is_not_held` in tests/conftest.py).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app_process import AppProcess
from tests.faults.http import press
from tests.faults.sharing import Visitor, shared, wait_until
from tests.faults.test_uploads import upload
from tests.scripted import ScriptedProvider

LANGUAGES = ("xpp", "systemd", "verifpal", "urlencoded", "csharp", "c", "python", "yaml", "console", "terraform")
SLOW_SIGNS = ("abcd\n\n\n", " \t\n\x0b\x0c", "a\n", "<a &", "a.:=")
LONG = 5_000


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    with (
        ScriptedProvider() as provider,
        shared(provider, tmp_path_factory.mktemp("render"), AETHER_LOG_LEVEL="INFO") as app,
    ):
        yield app


def answered(text: str) -> dict[str, Any]:
    """Return a turn whose answer holds a text."""
    origin = {"protocol": "", "base_url": "", "account": "", "model": "x"}
    step = {"provider": "x", "model": "x", "origin": origin, "parts": [{"kind": "text", "text": text}]}
    return {"prompt": [{"kind": "text", "text": "q"}], "answers": [{"steps": [step]}]}


def hand_in(visitor: Visitor, *turns: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Import a conversation of these turns."""
    data = json.dumps({"version": 2, "turns": list(turns), **more}).encode()
    [path] = upload(visitor, ("c.json", data))
    return visitor.call("import", {"path": path, "meta": {"_type": "gradio.FileData"}})


def look(visitor: Visitor) -> str:
    """Return what the page shows of the conversation."""
    return press(visitor, "settle")


def slow_code(signs: str) -> str:
    choose = random.Random(1)
    return "".join(choose.choice(signs) for _ in range(LONG))


def test_x1_code_in_any_language_holds_nobody_up(link: AppProcess) -> None:
    visitor = Visitor(link, session="x1")
    fences = [f"```{language}\n{slow_code(signs)}\n```\nend" for language in LANGUAGES for signs in SLOW_SIGNS[:2]]
    imported = hand_in(visitor, *(answered(fence) for fence in fences))
    assert imported["turns"] == len(fences), imported
    assert look(visitor).count("<figure class") == look(visitor).count("<figure class") == len(fences)


@pytest.mark.parametrize("signs", SLOW_SIGNS)
def test_x1_a_model_that_writes_such_code_holds_nobody_up(link: AppProcess, signs: str) -> None:
    visitor = Visitor(link, session=f"x1-{SLOW_SIGNS.index(signs)}")
    visitor.ask(f"```csharp\n{slow_code(signs)[:2_000]}\n```")  # the scripted model says it again
    assert "<figure class" in look(visitor)


def test_x2_a_snapshot_is_shown_in_a_window(link: AppProcess) -> None:
    visitor = Visitor(link, session="x2")
    count = 400
    conversation = hand_in(visitor, *(answered(f"answer number {n} of *many*") for n in range(count)))["conversation"]
    path = f"/api/conversations/{conversation}/share"
    wait_until(link, lambda: visitor.http.post(path).status_code == 200)  # it is saved in the background
    share = visitor.http.post(path).json()["share"]
    reader = Visitor(link, session="x2-reader")
    shown = press(reader, "open", f"s:{share}")
    assert f"answer number {count - 1} " in shown
    assert f"answer number {count - 25} " not in shown
    wider = press(reader, "earlier")
    assert f"answer number {count - 25} " in wider
    assert f"answer number {count - 45} " not in wider


def test_x2_long_texts_hold_nobody_up(link: AppProcess) -> None:
    visitor = Visitor(link, session="x2-long")
    lists = "- item and more\n" * 12_400
    tables = "|a|b|\n|-|-|\n" + "|x|y|\n" * 1_600
    formulas = "$\\frac{a}{b}$ " * 600
    quotes = "> - 1. a\n" * 3_000
    imported = hand_in(visitor, *map(answered, (lists, tables, formulas, quotes, "\\\n$$" * 900, lists + "x")))
    assert imported["turns"] == 6, imported
    first, second = look(visitor), look(visitor)
    assert first.count("<article") == second.count("<article") == 6


def test_x5_as_many_cuts_as_a_file_may_hold_hold_nobody_up(link: AppProcess) -> None:
    visitor = Visitor(link, session="x5")
    turns = [answered("a")] * 1_500
    hand_in(visitor, *turns, cuts=[{"first": 0, "last": len(turns) - 1}] * 20_000)  # taken or refused
    visitor.choose("messages", "echo-small")
    visitor.choose("chat", "echo-small")


def resident(app: AppProcess) -> int:
    """Return the resident memory of an application in bytes."""
    return int(Path(f"/proc/{app.pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("call", ["select_model", "rerun"])
def test_c1_a_model_id_without_end_is_looked_up_nowhere(link: AppProcess, call: str) -> None:
    visitor = Visitor(link, session=f"c1-{call}")
    head: list[Any] = [0.0] if call == "rerun" else []
    for id_ in ("x" * 700_000, "a\nb", "ä" * 10, "x" * 201):
        value = visitor.call(call, *head, "openrouter", id_)
        assert len(json.dumps(value)) < 2_000
        assert not any(len(line) > 3_000 for line in link.lines), "a line of the log is as long as the id"


def test_c2_ids_that_nobody_lists_leave_nothing_behind(link: AppProcess) -> None:
    visitor = Visitor(link, session="c2")
    visitor.call("select_model", "openrouter", "warm")
    before = resident(link)
    for number in range(60):
        visitor.call("select_model", "openrouter", f"{number:06d}" + "x" * 700_000)
    assert resident(link) - before < 40_000_000

"""Cases 16 to 20: visitors and their tabs never meet, an id opens nothing, a session does one thing at a time."""

from __future__ import annotations

import ast
import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.app_process import AppProcess, scripted_providers
from tests.faults.http import press
from tests.faults.sharing import Visitor
from tests.scripted import ScriptedProvider

TURNS = 1000 if os.environ.get("AETHER_LONG") else 8
NOTHING = "There is no such conversation."
SQL = "'; DROP TABLE conversations; --"


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database: begun by the oldest version that there is."""
    path = tmp_path_factory.mktemp("store") / "aether.db"
    shutil.copy(Path(__file__).parent.parent / "store" / "versions" / "0001.db", path)
    return path


@pytest.fixture(scope="module")
def app(provider: ScriptedProvider, file: Path) -> Iterator[AppProcess]:
    with AppProcess(
        file.parent,
        providers=scripted_providers(provider.url),
        AETHER_DATABASE_URL=f"sqlite:///{file}",
        AETHER_DEFAULT="chat/echo-small",
        SCRIPTED_KEY="sk-CANARY-cases",
    ) as process:
        yield process


def rows(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that the tables of conversations hold, once nothing is on its way into them."""
    with closing(sqlite3.connect(file)) as raw:
        end = time.monotonic() + 20
        for unsettled in ("answers WHERE is_open", "conversations WHERE held_until > 0 OR bytes IS NULL"):
            while raw.execute(f"SELECT count(*) FROM {unsettled}").fetchone() != (0,) and time.monotonic() < end:
                time.sleep(0.05)
        names = ("conversations", "turns", "answers", "steps", "texts", "shares")
        return {name: raw.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall() for name in names}


def kept(visitor: Visitor, words: str = "") -> list[dict[str, Any]]:
    return visitor.http.get("/api/conversations", params={"q": words}).json()["entries"]


def saved(visitor: Visitor) -> str:
    """Ask something, wait until it is kept, and return its id."""
    visitor.ask("precious pelican")
    return str(kept(visitor)[0]["id"])


def test_case_16_no_word_crosses_between_sessions_at_once(app: AppProcess) -> None:
    """Two visitors with two tabs each, all at once, each with a word of its own; half of them on another model."""
    first, second = Visitor(app, session="16-a"), Visitor(app, session="16-b")
    tabs = {"alpaca": first, "badger": second}
    for word, visitor, session in (("cormorant", first, "16-c"), ("dormouse", second, "16-d")):
        tabs[word] = Visitor(app, session=session, cookie=False)
        tabs[word].http.cookies.update(visitor.http.cookies)
        tabs[word].call("select_model", "messages", "echo-large")

    def talk(word: str) -> None:
        tab = tabs[word]
        for number in range(TURNS):
            value = tab.ask(f"{word} {number}")
            assert not [other for other in tabs if other != word and other in json.dumps(value)]
            assert value["text"] == f"You said: {word} {number}"
            assert value["steps"][0]["provider"] == ("chat" if word in ("alpaca", "badger") else "messages")
        whole = tab.call("transcript")
        assert [t["prompt"][0]["text"] for t in whole["turns"]] == [f"{word} {n}" for n in range(TURNS)]
        assert not [other for other in tabs if other != word and other in json.dumps(whole)]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(talk, tabs))
    for visitor, mine in ((first, {"alpaca", "cormorant"}), (second, {"badger", "dormouse"})):
        for word in tabs:
            assert len(kept(visitor, word)) == (word in mine)


def test_case_17_a_fresh_session_knows_nothing_of_those_before(app: AppProcess) -> None:
    earlier = Visitor(app, session="17-a")
    earlier.call("select_model", "responses", "echo-large")
    earlier.ask("a word that stays here")
    fresh = Visitor(app, session="17-b")
    assert fresh.call("transcript")["turns"] == []
    assert fresh.call("list_models")["current"] == {"provider": "chat", "model": "echo-small"}
    assert kept(fresh) == []


def test_case_17_nothing_in_the_house_is_shared_by_a_default_or_a_cache() -> None:
    """A default argument and Gradio's caches are; what is at module level, `test_house.py` looks at."""
    for path in (Path(__file__).parent.parent.parent / "aether").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
                assert not [d for d in given if isinstance(d, ast.List | ast.Dict | ast.Set)], f"{path}: {node.name}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "gr":
                assert node.attr not in ("Examples", "cache"), path


@pytest.mark.parametrize("how", ["open", "change", "share", "revoke", "list"])
def test_case_19_anothers_conversation_is_as_little_there_as_none(app: AppProcess, file: Path, how: str) -> None:
    victim, thief = Visitor(app, session=f"19-{how}"), Visitor(app, session=f"19-thief-{how}")
    mine = saved(victim)
    before = rows(file)
    seen: set[str] = set()
    for id_ in (mine, f"{int(mine, 16) + 1:032x}", "0" * 32, "g" * 32, SQL, "%", mine.upper(), mine + " "):
        match how:
            case "open":
                answer = press(thief, "open", id_)
                assert NOTHING in answer
                assert "pelican" not in answer
                seen.add(NOTHING)
            case "change":
                wanted = {"title": "stolen", "deleted": True, "pinned": True}
                got = thief.http.post(f"/api/conversations/{id_}", json=wanted)
                seen.add(f"{got.status_code} {got.text}")
            case "share":
                got = thief.http.post(f"/api/conversations/{id_}/share")
                seen.add(f"{got.status_code} {got.text}")
            case "revoke":
                got = thief.http.delete(f"/api/conversations/{id_}/share")
                seen.add(f"{got.status_code} {got.text}")
            case _:
                got = thief.http.get("/api/conversations", params={"q": "pelican", "after": f"9e9:{id_}"})
                seen.add(got.text)
    assert len(seen) == 1, seen
    assert rows(file) == before
    assert kept(victim, "pelican")[0]["id"] == mine


class Listening:
    """The stream of one call, read in the background."""

    def __init__(self, tab: Visitor, event: str) -> None:
        self.lines: list[str] = []
        self._where = (tab.http, f"/gradio_api/call/chat/{event}")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        http, path = self._where
        with http.stream("GET", path) as stream:
            for line in stream.iter_lines():
                self.lines.append(line)

    @property
    def completed(self) -> list[dict[str, Any]]:
        """Return the last value of each event that has ended."""
        pairs = list(pairwise(self.lines))
        return [json.loads(data[6:])[0] for event, data in pairs if event == "event: complete"]

    def to_the_end(self) -> list[dict[str, Any]]:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.completed


def test_case_20_of_two_turns_at_once_one_is_refused_and_the_order_holds(
    app: AppProcess, provider: ScriptedProvider
) -> None:
    tab = Visitor(app, session="20")
    tab.call("select_model", "chat", "gate-3")
    heard = Listening(tab, tab.join("chat", "the first"))
    provider.wait_for(lambda s: s.log.held_streams)
    for _ in range(3):
        (refused,) = Listening(tab, tab.join("chat", "at once")).to_the_end()
        assert refused["error"]["kind"] == "busy"
    provider.release()
    assert [v["status"] for v in heard.to_the_end()] == ["done"]
    tab.call("select_model", "chat", "echo-small")
    with ThreadPoolExecutor(6) as threads:
        begun = list(threads.map(lambda n: tab.join("chat", f"question {n}"), range(6)))
    values = [value for event in begun for value in Listening(tab, event).to_the_end()]
    answered = sorted((v for v in values if v["status"] == "done"), key=lambda v: v["turn"])
    done = [v["text"].removeprefix("You said: ") for v in answered]
    turns = tab.call("transcript")["turns"]
    assert len(values) == 6
    assert {v["error"]["kind"] for v in values if v["status"] != "done"} <= {"busy"}
    assert [t["prompt"][0]["text"] for t in turns] == ["the first", *done]
    assert all(len(t["answers"]) == 1 for t in turns)
    for turn in turns[1:]:
        assert turn["answers"][0]["steps"][0]["parts"][0]["text"] == f"You said: {turn['prompt'][0]['text']}"


def test_case_37a_sql_in_any_field_is_only_text(app: AppProcess, file: Path) -> None:
    """In a message, a title, a search, a page's mark, a model's name, a session's name: kept or refused, never run."""
    victim, hacker = Visitor(app, session="37-victim"), Visitor(app, session=SQL)
    saved(victim)
    before = rows(file)
    for text in (SQL, '" OR 1=1 --', "x' UNION SELECT owner FROM conversations --", "\\'; VACUUM; --", "%_[]"):
        hacker.call("new_conversation")
        assert hacker.call("select_model", text, text)["event_type"] == "model_update_failed"
        assert hacker.ask(text)["text"] == f"You said: {text}"
        (mine,) = [e for e in kept(hacker) if e["title"] == text]
        renamed = hacker.http.post(f"/api/conversations/{mine['id']}", json={"title": f"named {text}"}).json()
        assert renamed["title"] == f"named {text}"
        for query in ({"q": text}, {"after": text}, {"q": text, "after": text}):
            assert hacker.http.get("/api/conversations", params=query).status_code == 200
    after = rows(file)
    assert {n: [r for r in after[n] if r in before[n]] for n in before} == before
    assert len(after["conversations"]) == len(before["conversations"]) + 5


def test_case_37f_the_oldest_file_was_brought_up_to_date(app: AppProcess, file: Path) -> None:
    """The application of these tests was started on it; the newest schema is in it, and what it held."""
    with closing(sqlite3.connect(file)) as raw:
        names = {name for (name,) in raw.execute("SELECT name FROM sqlite_master")}
        assert {"ledger_totals", "alembic_version"} <= names
        assert raw.execute("SELECT count(*) FROM turns WHERE conversation_id = ?", ["e" * 32]).fetchone() == (3,)
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)

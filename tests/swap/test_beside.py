"""Several answers to one turn, and the verbs on cells: no answer that is not chosen reaches a request."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aether.errors import BusyError, CellError, EmptyMessage, SwapError
from aether.runtime import AgentRuntime
from tests.scripted import ScriptedProvider
from tests.swap.rig import Rig, say

THREE = ["chat/echo-small", "messages/echo-large", "responses/think"]


def references(runtime: AgentRuntime, turn: int = -1) -> list[str]:
    return [a.steps[-1].reference if a.steps else "" for a in runtime.transcript.turns[turn].answers]


async def test_several_models_answer_one_message_and_none_sees_another(rig: Rig) -> None:
    runtime = rig.runtime()
    await say(runtime, "before")
    runtime.compare("the question", THREE)
    await runtime.settle()
    assert references(runtime) == THREE
    assert runtime.transcript.turns[-1].chosen == 0
    bodies = [json.dumps(r.body) for r in rig.scripted.requests[-3:]]
    assert all("You said: before" in body and "You said: the question" not in body for body in bodies)
    assert not any(r.refused for r in rig.scripted.requests)


async def test_one_that_fails_does_not_stop_the_others(rig: Rig) -> None:
    runtime = rig.runtime()
    runtime.compare("hello", ["chat/error-400", "messages/echo-small", "chat/html-502"])
    await runtime.settle()
    turn = runtime.transcript.turns[0]
    assert [a.status for a in turn.answers] == ["error", "done", "error"]
    assert turn.chosen == 1


async def test_stop_stops_all_and_keeps_what_each_has_said(rig: Rig) -> None:
    runtime = rig.runtime()
    lives = runtime.compare("hello", ["chat/stall-3", "messages/stall-3", "chat/silent"])
    while not all(live.draft and live.draft.text.endswith("t3") for live in lives.answers[:2]):
        await lives.changed(lives.version, 5)
    assert await runtime.stop()
    assert not runtime.busy
    answers = runtime.transcript.turns[0].answers
    assert [a.status for a in answers] == ["stopped"] * 3
    assert [a.text.strip() for a in answers] == ["t1 t2 t3", "t1 t2 t3", ""]
    rig.scripted.wait_for(lambda s: all(r.ended == "client closed" for r in s.requests), timeout_s=5)


async def test_a_comparison_is_never_pending_whatever_is_chosen_meanwhile(rig: Rig) -> None:
    runtime = rig.runtime()
    lives = runtime.compare("hello", ["chat/stall-1", "messages/stall-1"])
    await lives.changed(lives.version, 5)
    runtime.select("responses", "echo-large")
    assert not runtime.pending
    await runtime.stop()
    await say(runtime, "and now?")
    assert rig.scripted.requests[-1].model == "echo-large"


@pytest.mark.parametrize("names", [[], ["chat/a"], ["chat/a"] * 5, ["chat/a", "nobody/x"], ["chat/a", ""]])
async def test_a_comparison_that_cannot_be_changes_nothing(rig: Rig, names: list[str]) -> None:
    runtime = rig.runtime()
    with pytest.raises((CellError, SwapError)):
        runtime.compare("hello", names)
    assert not runtime.busy
    assert runtime.transcript.turns == ()


async def test_another_answer_is_gone_on_from_and_what_was_built_stays_valid(rig: Rig) -> None:
    runtime = rig.runtime()
    await say(runtime, "one")
    runtime.rerun(0, reference="messages/length")
    await runtime.settle()
    assert runtime.transcript.turns[0].chosen == 1
    runtime.choose(0, 0)
    await say(runtime, "two")
    assert "cut off" not in json.dumps(rig.scripted.requests[-1].body)
    runtime.choose(0, 1)
    assert len(runtime.transcript.turns) == 1
    await say(runtime, "three")
    body = json.dumps(rig.scripted.requests[-1].body)
    assert "cut off" in body and "You said: one" not in body and "two" not in body
    runtime.choose(0, 0)
    assert [t.text for t in runtime.transcript.turns] == ["one", "two"]


async def test_a_rerun_in_the_middle_keeps_what_the_conversation_goes_on_from(rig: Rig) -> None:
    runtime = rig.runtime()
    await say(runtime, "one")
    await say(runtime, "two")
    runtime.rerun_with(0, ["messages/echo-large", "chat/length"])
    await runtime.settle()
    assert (len(runtime.transcript.turns[0].answers), runtime.transcript.turns[0].chosen) == (3, 0)
    assert len(runtime.transcript.turns) == 2


async def test_an_edited_message_is_asked_on_a_branch_and_nothing_is_overwritten(rig: Rig) -> None:
    runtime = rig.runtime()
    await say(runtime, "wun")
    await say(runtime, "two")
    before = runtime.transcript
    runtime.edit(0, "one")
    await runtime.settle()
    assert [t.text for t in runtime.transcript.turns] == ["one"]
    assert "wun" not in json.dumps(rig.scripted.requests[-1].body)
    runtime.walk(0)
    assert runtime.transcript.turns == before.turns
    with pytest.raises(EmptyMessage):
        runtime.edit(0, " ")


async def test_a_deleted_cell_is_not_sent_and_comes_back(rig: Rig) -> None:
    runtime = rig.runtime()
    for word in ("one", "two", "three"):
        await say(runtime, word)
    before = runtime.transcript
    runtime.delete(1)
    runtime.delete(0)
    runtime.undo()
    runtime.undo()
    assert runtime.transcript == before
    runtime.delete(1)
    await say(runtime, "four")
    assert "two" not in json.dumps(rig.scripted.requests[-1].body)
    with pytest.raises(CellError):
        runtime.undo()


VERBS: list[Callable[[AgentRuntime], Any]] = [
    lambda r: r.choose(0, 0),
    lambda r: r.go_on_from(0),
    lambda r: r.walk(0),
    lambda r: r.delete(0),
    lambda r: r.undo(),
    lambda r: r.edit(0, "x"),
    lambda r: r.rerun_with(0, ["chat/a"]),
    lambda r: r.compare("x", ["chat/a", "chat/b"]),
    lambda r: r.load(r.transcript),
]


@pytest.mark.parametrize("number", range(len(VERBS)))
async def test_nothing_changes_the_cells_while_an_answer_is_written(rig: Rig, number: int) -> None:
    runtime = rig.runtime()
    runtime.compare("one", ["chat/stall-1", "messages/stall-1"])
    before = runtime.transcript
    with pytest.raises(BusyError):
        VERBS[number](runtime)
    assert runtime.transcript is before
    await runtime.stop()


@pytest.mark.parametrize("turn", [-1, 5])
async def test_a_cell_that_is_not_there_is_said_in_words(rig: Rig, turn: int) -> None:
    runtime = rig.runtime()
    await say(runtime, "one")
    before = runtime.transcript
    for verb in (
        lambda: runtime.choose(turn, 0),
        lambda: runtime.choose(0, turn),
        lambda: runtime.go_on_from(turn),
        lambda: runtime.delete(turn),
        lambda: runtime.edit(turn, "x"),
        lambda: runtime.rerun(turn),
        lambda: runtime.walk(turn),
        runtime.undo,
    ):
        with pytest.raises(CellError):
            verb()
    assert runtime.transcript is before


DEEDS = ("ask", "rerun", "compare", "choose", "edit", "walk", "branch", "delete", "undo")
MARK = re.compile(r"\[\[r\d+:")
"""What stands in each answer of these models, another number in each."""


def shown(body: Any) -> tuple[set[str], list[str]]:
    """Return the marks of the answers in a request, and the messages of the user."""
    said = [m for m in body.get("messages") or body["input"] if m.get("role") == "user"]
    return set(MARK.findall(json.dumps(body))), re.findall(r"\bq\d+\b", json.dumps(said))


async def do(runtime: AgentRuntime, deed: str, at: int, name: str) -> int | None:
    """Do something to the cells; return the turn that was answered by it, if one was."""
    turns = runtime.transcript.turns
    turn = at % len(turns) if turns else 0
    match deed:
        case "rerun" if turns:
            return runtime.rerun(turn, reference=f"messages/fast-{2 + at}").turn
        case "compare":
            return runtime.compare(name, [f"chat/fast-{2 + at}", f"responses/fast-{3 + at}"]).turn
        case "edit" if turns:
            return runtime.edit(turn, name).turn
        case "choose" if turns:
            runtime.choose(turn, at % len(turns[turn].answers))
        case "walk" if runtime.transcript.branches:
            runtime.walk(at % len(runtime.transcript.branches))
        case "branch" if turns:
            runtime.go_on_from(turn)
        case "delete" if turns:
            runtime.delete(turn)
        case "undo" if runtime.undoable:
            runtime.undo()
        case "ask":
            return runtime.ask(name).turn
        case _:
            pass
    return None


@settings(
    max_examples=200 if os.environ.get("AETHER_LONG") else 10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 5)), max_size=8))
async def test_no_answer_that_is_not_chosen_ever_reaches_a_request(
    rig: Rig, scripted: ScriptedProvider, deeds: list[tuple[str, int]]
) -> None:
    runtime = rig.runtime("chat/fast-2")
    for number, (deed, at) in enumerate([("ask", 0), *deeds, ("ask", 0)]):
        before = len(scripted.requests)
        turn = await do(runtime, deed, at, f"q{number}")
        await runtime.settle()
        if turn is None:
            assert len(scripted.requests) == before
            continue
        way = runtime.transcript.turns[: turn + 1]
        chosen = {mark for t in way[:-1] if t.answer for mark in MARK.findall(t.answer.text)}
        for request in scripted.requests[before:]:
            assert shown(request.body) == (chosen, [t.text for t in way])

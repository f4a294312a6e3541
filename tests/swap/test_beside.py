"""Several answers to one turn, and the verbs on cells: no answer that is not chosen reaches a request."""

from __future__ import annotations

import json
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


DEEDS = st.lists(
    st.tuples(st.sampled_from(["ask", "rerun", "compare", "choose", "edit", "walk"]), st.integers(0, 5)), max_size=6
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DEEDS)
async def test_no_answer_that_is_not_chosen_ever_reaches_a_request(
    rig: Rig, scripted: ScriptedProvider, deeds: list[tuple[str, int]]
) -> None:
    runtime = rig.runtime()
    await say(runtime, "q0")
    for number, (deed, at) in enumerate(deeds, start=1):
        turn = at % len(runtime.transcript.turns)
        match deed:
            case "ask":
                runtime.ask(f"q{number}")
            case "rerun":
                runtime.rerun(turn, reference=f"messages/fast-{number + 2}")
            case "compare":
                runtime.compare(f"q{number}", [f"chat/fast-{number + 2}", f"responses/fast-{number + 3}"])
            case "edit":
                runtime.edit(turn, f"q{number}")
            case "choose":
                runtime.choose(turn, at % len(runtime.transcript.turns[turn].answers))
            case "walk" if runtime.transcript.branches:
                runtime.walk(at % len(runtime.transcript.branches))
        await runtime.settle()
    await say(runtime, "last")
    body = json.dumps(scripted.requests[-1].body)
    chosen = {a.text for t in runtime.transcript.turns if (a := t.answer)}
    all_ways = [t for way in [runtime.transcript.turns, *(b.turns for b in runtime.transcript.branches)] for t in way]
    other = {a.text for t in all_ways for a in t.answers} - chosen
    marks = {word for text in other for word in text.split() if word.startswith("[[r")}
    assert not any(mark in body for mark in marks)
    asked = {t.text for t in all_ways} - {t.text for t in runtime.transcript.turns}
    assert not any(f'"{words}"' in body for words in asked)

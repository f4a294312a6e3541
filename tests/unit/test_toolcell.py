"""Tool calls on the screen: accordions that say how each call does, and hide nothing of what it asks for."""

from __future__ import annotations

import json

import pytest

from aether.transcript import Answer, Failure, Text, ToolCall, ToolResult, Transcript, Turn
from aether.ui import render, toolcell
from aether.ui.toolcell import brief, group, readable
from tests.unit.test_render import elements, step


def folds(markup: str) -> list[dict[str, str | None]]:
    return [attrs for tag, attrs in elements(markup) if tag == "details"]


def made(status: str = "ok", *, ms: float | None = 1200.0) -> tuple[ToolCall, ToolResult]:
    call = ToolCall("c1", "read_file", '{"path": "a.md"}')
    return call, ToolResult("c1", "read_file", (Text("what came out"),), status, ms)  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "word"), [("ok", "1.2 s"), ("error", "failed · 1.2 s"), ("not_run", "stopped")])
def test_a_settled_call_is_closed_and_says_how_it_went(status: str, word: str) -> None:
    markup = group([made(status)])
    (fold,) = folds(markup)
    assert fold["class"] == f"tool {status}" and "open" not in fold
    assert f"<span>{word}</span>" in markup and "what came out" in markup and "path=&quot;a.md&quot;" in markup


def test_a_running_call_is_open_and_one_that_waits_is_closed_and_names_its_question() -> None:
    call, _ = made()
    (running,) = folds(group([(call, None)], waiting={}))
    assert running["class"] == "tool running" and "open" in running and "data-question" not in running
    (asking,) = folds(group([(call, None)], waiting={id(call): "q1"}))
    assert asking["class"] == "tool asking" and "open" not in asking and asking["data-question"] == "q1"
    assert folds(group([(call, None)]))[0]["class"] == "tool not_run"


def test_of_two_equal_calls_only_the_one_that_was_asked_about_waits() -> None:
    one, other = ToolCall("c", "send", "{}"), ToolCall("c", "send", "{}")
    markup = group([(one, None), (other, None)], waiting={id(other): "q"})
    assert [f["class"] for f in folds(markup)] == ["tools running", "tool running", "tool asking"]


def test_calls_of_one_step_stand_in_an_accordion_of_their_own() -> None:
    call, result = made()
    failed = ToolResult("c2", "look", (Text("no"),), "error", 90.0)
    markup = group([(call, result), (ToolCall("c2", "look", "{}"), failed)])
    outer, *inner = folds(markup)
    assert outer["class"] == "tools error" and "open" not in outer and len(inner) == 2
    assert "2 calls" in markup and "1 failed · 1.2 s" in markup and "read_file, look" in markup
    half = group([(call, result), (ToolCall("c2", "look", "{}"), None)], waiting={})
    assert "1 of 2 done" in half and "open" in folds(half)[0]


def test_a_step_of_a_cell_shows_each_call_with_its_own_result() -> None:
    twins = (ToolCall("same", "look", '{"word": "one"}'), ToolCall("same", "look", '{"word": "two"}'))
    results = (ToolResult("same", "look", (Text("first"),)), ToolResult("same", "look", (Text("second"),)))
    markup = render.steps([step(parts=(Text("Looking."), *twins), results=results)])
    assert [m for m in ("one", "first", "two", "second") if m in markup] == ["one", "first", "two", "second"]
    assert markup.index("first") < markup.index("two") < markup.index("second")


@pytest.mark.parametrize(
    "raw",
    ["{", "", "null", "[1]", '{"a": NaN}', '{"a":' * 3000 + "1" + "}" * 3000, "\x00", '"' + "x" * 9000],
    ids=lambda r: repr(r)[:16],
)
def test_whatever_a_model_wrote_as_arguments_can_be_shown(raw: str) -> None:
    assert len(brief(raw)) <= toolcell.BRIEF_CHARS
    assert isinstance(readable(raw), str)
    assert folds(group([(ToolCall("c", "x", raw), None)]))


def test_arguments_hide_nothing_from_the_person_who_allows_them() -> None:
    assert "\\u202e" in readable('{"path": "a\u202etxt.exe"}') and "\\u200b" in readable('{"a\u200bb": 1}')
    assert "\\u202e" in brief('{"path": "a\u202etxt"}')
    twice = '{"to": "me@home", "to": "thief@away"}'
    assert readable(twice) == twice  # laid out, one of the two would be gone
    assert json.loads(readable('{"ä": "ö"}')) == {"ä": "ö"} and "ä" in readable('{"ä": "ö"}')


def test_what_a_tool_gave_back_is_text_whatever_it_is() -> None:
    evil = "<img src=x onerror=alert(1)></details><script>alert(1)</script>\n\n# heading"
    call = ToolCall("c", "<b>x</b>", json.dumps({"<i>": evil}))
    markup = group([(call, ToolResult("c", "x", (Text(evil),)))])
    assert {tag for tag, _ in elements(markup)} <= {
        *("details", "summary", "b", "code", "span", "figure", "figcaption", "button", "pre")
    }


def test_a_limit_is_no_failure_of_the_model_and_offers_to_go_on() -> None:
    failure = Failure("limit_steps", "The model asked for tools 24 times. Send “continue”.")
    turn = Turn((Text("go"),), (Answer((step(),), failure),))
    markup = render.messages(Transcript(turns=(turn,)))[-1]["content"][0]["text"]
    assert 'class="notice limit"' in markup and "notice error" not in markup
    assert 'data-message="continue"' in markup and "at a limit" in markup

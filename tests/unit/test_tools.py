"""Tools: from a function to a schema, and the toolbox that runs them for a session."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from aether.tools.base import Approval, Draft, NoTools, Tool, ToolError, tool
from aether.tools.builtin import drafts
from aether.tools.toolbox import LONGEST_RESULT, NOBODY, REFUSED, SessionTools
from aether.transcript import ToolCall
from tests.calls import run, text


class Place(BaseModel):
    city: str
    days: int = 1


@tool(reads_only=True, quotes=False)
async def weather(place: Place, unit: Literal["C", "F"] = "C", wind: bool = False) -> str:
    """Tell the weather.

    It is always fine.

    place: Where.
    unit: Degrees.
    """
    return f"{place.city} {place.days} {unit} {wind}"


@tool(reads_only=True, quotes=False)
def add(a: int, b: Annotated[int, Field(ge=0)] = 1, *, offset: int) -> str:
    """Add two numbers."""
    return f"{a + b + offset}"


@tool(reads_only=False)
async def write(text: str) -> str:
    """Write."""
    return f"wrote {text}"


@tool(reads_only=True, timeout_s=0.05)
async def endless() -> str:
    """Never end."""
    await asyncio.Event().wait()
    return ""


@tool(reads_only=True)
async def broken() -> str:
    """Break."""
    raise RuntimeError("sk-CANARY in /srv/secret/path")


@tool(reads_only=True)
async def picky() -> str:
    """Say no."""
    raise ToolError("Not on a Tuesday. Try tomorrow.")


@tool(reads_only=True)
async def long() -> str:
    """Say a lot."""
    return "y" * (LONGEST_RESULT * 3)


@tool(reads_only=True)
async def surrogate() -> str:
    """Say what is no text."""
    return "a\udc80b"


ALL = (weather, add, write, endless, broken, picky, long, surrogate)


def made(*which: Draft) -> tuple[Tool, ...]:
    return tuple(d.made({"offset": 100}) for d in which or ALL)


def box(*which: Draft, **more: Any) -> SessionTools:
    tools = made(*which)
    return SessionTools(lambda: tools, **more)


def test_a_schema_follows_from_the_signature_and_the_docstring() -> None:
    spec = made(weather)[0].spec
    assert spec.name == "weather"
    assert spec.description == "Tell the weather.\n\nIt is always fine."
    properties = spec.parameters["properties"]
    assert list(properties) == ["place", "unit", "wind"]
    assert properties["unit"] == {"default": "C", "description": "Degrees.", "enum": ["C", "F"], "type": "string"}
    assert properties["place"]["description"] == "Where."
    assert spec.parameters["required"] == ["place"]
    assert spec.parameters["additionalProperties"] is False
    assert spec.parameters["type"] == "object"
    json.dumps(spec.parameters)


def test_what_the_app_gives_is_not_shown_to_the_model() -> None:
    assert "offset" not in json.dumps(made(add)[0].parameters)
    assert add.needs == ("offset",)


def test_a_tool_without_what_it_needs_is_not_made() -> None:
    with pytest.raises(KeyError):
        add.made({})


def test_a_function_that_a_model_could_not_use_is_refused() -> None:
    def bare(a: int) -> str:
        return ""

    def untyped(a) -> str:  # type: ignore[no-untyped-def]
        """Do."""
        return ""

    def many(*a: int) -> str:
        """Do."""
        return ""

    def größe(a: int) -> str:
        """Do."""
        return ""

    for function in (bare, untyped, many, größe):
        with pytest.raises(TypeError):
            tool(reads_only=True)(function)


async def test_arguments_arrive_with_their_types() -> None:
    result = await run(box(weather), "weather", place={"city": "Bonn"}, wind=True)
    assert text(result) == "Bonn 1 C True" and result.status == "ok"
    assert text(await run(box(add), "add", a="20", b=3)) == "123"
    assert result.total_ms is not None and result.call_id == "call_1" and result.name == "weather"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "The argument place is missing."),
        ({"place": {"city": "Bonn"}, "winds": 1}, "There is no argument winds."),
        ({"place": {"town": "Bonn"}}, "The argument place.city is missing."),
        ({"place": {"city": "Bonn"}, "unit": "K"}, "unit: Input should be 'C' or 'F'"),
    ],
)
async def test_a_mistake_is_told_with_what_is_expected(arguments: dict[str, Any], words: str) -> None:
    result = await run(box(weather), "weather", **arguments)
    assert result.status == "error"
    assert words in text(result) and 'unit (string, "C" if left out)' in text(result)


async def test_a_plain_function_runs_off_the_event_loop() -> None:
    where: list[int] = []

    @tool(reads_only=True)
    def here() -> str:
        """Tell the thread."""
        where.append(threading.get_ident())
        return ""

    await run(box(here), "here")
    assert where and where[0] != threading.get_ident()


async def test_an_unknown_tool_is_answered_with_the_nearest_and_all_names() -> None:
    told = text(await run(box(weather, add), "wether"))
    assert "no tool named wether" in told and "Did you mean weather?" in told and "weather, add" in told
    assert "no other tool" in text(await NoTools().run(ToolCall("1", "x", "")))


async def test_a_tool_that_takes_too_long_is_ended_and_said_so() -> None:
    result = await run(box(endless), "endless")
    assert result.status == "error" and "more than 0.05 seconds" in text(result)
    assert 40 < (result.total_ms or 0) < 2000


async def test_an_unexpected_failure_tells_the_model_nothing_of_the_house(caplog: pytest.LogCaptureFixture) -> None:
    result = await run(box(broken), "broken")
    assert result.status == "error" and "CANARY" not in text(result) and "/srv" not in text(result)
    assert "RuntimeError" in caplog.text


async def test_a_tools_own_words_reach_the_model() -> None:
    assert text(await run(box(picky), "picky")) == "Not on a Tuesday. Try tomorrow."


async def test_a_long_result_is_cut_and_says_how_to_go_on() -> None:
    told = text(await run(box(long), "long"))
    assert len(told) < LONGEST_RESULT + 200 and "Ask for a smaller part" in told


async def test_what_is_no_text_is_made_text() -> None:
    assert "a\ufffdb" in text(await run(box(surrogate), "surrogate"))


async def test_a_tool_that_writes_is_refused_where_nobody_can_be_asked() -> None:
    result = await run(box(write), "write", text="a")
    assert result.status == "error" and text(result) == NOBODY


class Person:
    """Somebody who is asked, and answers in turn."""

    def __init__(self, *answers: Approval) -> None:
        self.answers = list(answers)
        self.asked: list[ToolCall] = []

    async def __call__(self, call: ToolCall) -> Approval:
        self.asked.append(call)
        await asyncio.sleep(0)
        return self.answers.pop(0)


async def test_once_allows_one_call_with_the_exact_arguments_shown() -> None:
    person = Person("once", "refused")
    tools = box(write, approve=person)
    assert "wrote a" in text(await run(tools, "write", text="a"))
    assert text(await run(tools, "write", text="b")) == REFUSED
    assert [c.arguments for c in person.asked] == ['{"text": "a"}', '{"text": "b"}']


async def test_session_allows_all_further_calls_of_this_tool_in_this_session_alone() -> None:
    person = Person("session")
    tools = box(write, approve=person)
    results = await asyncio.gather(*(run(tools, "write", text=str(i)) for i in range(5)))
    assert [r.status for r in results] == ["ok"] * 5 and len(person.asked) == 1
    other = Person("refused")
    assert text(await run(box(write, approve=other), "write", text="a")) == REFUSED and len(other.asked) == 1


async def test_waiting_for_the_person_is_no_time_of_the_tool() -> None:
    @tool(reads_only=False, timeout_s=0.05)
    async def quick() -> str:
        """Be quick."""
        return "done"

    async def slowly(call: ToolCall) -> Approval:
        await asyncio.sleep(0.2)
        return "once"

    result = await run(box(quick, approve=slowly), "quick")
    assert result.status == "ok" and (result.total_ms or 0) < 100


async def test_a_tool_that_is_switched_off_while_the_person_thinks_does_not_run() -> None:
    async def allows(call: ToolCall) -> Approval:
        tools.switch("write", on=False)
        return "session"

    tools = box(write, approve=allows)
    result = await run(tools, "write", text="a")
    assert result.status == "error" and "switched it off" in text(result)


async def test_an_approver_that_fails_allows_nothing() -> None:
    async def fails(call: ToolCall) -> Approval:
        raise RuntimeError("the page is gone")

    assert text(await run(box(write, approve=fails), "write", text="a")) == REFUSED


async def test_a_switch_takes_a_tool_out_of_the_offer_for_this_session() -> None:
    tools, other = box(weather, add), box(weather, add)
    assert tools.switch("add", on=False) is False
    assert [s.name for s in tools.specs] == ["weather"] and [s.name for s in other.specs] == ["weather", "add"]
    assert "switched it off" in text(await run(tools, "add", a=1))
    assert [(s.name, s.on) for s in tools.states] == [("weather", True), ("add", False)]
    assert tools.switch("add", on=True) is True
    assert tools.switch("nothing", on=True) is False
    assert text(await run(tools, "add", a=1)) == "102"


async def test_cancelling_a_call_ends_the_tool() -> None:
    ended = asyncio.Event()
    began = asyncio.Event()

    @tool(reads_only=True)
    async def waits() -> str:
        """Wait."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    task = asyncio.create_task(run(box(waits), "waits"))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_no_more_than_four_calls_run_at_the_same_time() -> None:
    now = most = 0

    @tool(reads_only=True)
    async def counts() -> str:
        """Count."""
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return ""

    tools = box(counts)
    await asyncio.gather(*(run(tools, "counts") for _ in range(20)))
    assert most == 4


def test_the_shipped_tools_are_those_of_the_contract() -> None:
    found = {d.tool.name: d.tool for d in drafts()}
    wanted = {
        "list_files": {"path": ".", "depth": 1},
        "read_file": {"path": None, "start_line": 1, "lines": 200},
        "search_text": {"query": None, "path": ".", "regex": False},
        "calculate": {"expression": None},
        "current_time": {"timezone": "UTC"},
    }
    assert set(found) == set(wanted)
    for name, arguments in wanted.items():
        properties = found[name].parameters["properties"]
        assert {k: v.get("default") for k, v in properties.items()} == arguments
        assert found[name].reads_only and all(p["description"] for p in properties.values())

"""Consent: a question is shown with its exact call, answered once, by its own session alone."""

from __future__ import annotations

import asyncio
import json

import pytest

from aether.tools.base import Tool, tool
from aether.tools.consent import Consent
from aether.tools.running import LONGEST_STEP, MOST_CALLS, run_calls
from aether.tools.toolbox import NOBODY, REFUSED, SessionTools
from aether.transcript import ToolCall, ToolResult
from tests.calls import text

sent: list[str] = []


@tool(reads_only=False)
async def send(text: str) -> str:
    """Send a text."""
    sent.append(text)
    return "sent"


@tool(reads_only=True, quotes=False)
async def long(letters: int) -> str:
    """Return so many letters."""
    return "x" * letters


TOOLS: tuple[Tool, ...] = (send.made({}), long.made({}))


class Session:
    """A toolbox with a page that shows its questions."""

    def __init__(self) -> None:
        self.box = SessionTools(lambda: TOOLS)
        self.box.consent.attended = True
        self.news = asyncio.Event()
        self.box.consent.on_change = self.news.set

    def call(self, text: str) -> asyncio.Task[ToolResult]:
        return asyncio.create_task(self.box.run(ToolCall("call_1", "send", json.dumps({"text": text}))))

    async def asked(self) -> str:
        """Wait for a question; return its id."""
        async with asyncio.timeout(5):
            while not self.box.consent.waiting:
                self.news.clear()
                await self.news.wait()
        return self.box.consent.waiting[0].id


@pytest.fixture(autouse=True)
def nothing_sent() -> None:
    sent.clear()


async def test_a_question_shows_the_exact_call_and_waits_for_its_answer() -> None:
    session = Session()
    task = session.call("hello")
    question_id = await session.asked()
    assert session.box.consent.waiting[0].call == ToolCall("call_1", "send", '{"text": "hello"}')
    assert sent == [] and not task.done()
    assert session.box.consent.answer(question_id, "once")
    assert session.box.consent.waiting == ()
    assert (await task).status == "ok" and sent == ["hello"]


async def test_the_second_answer_is_none() -> None:
    session = Session()
    task = session.call("a")
    question_id = await session.asked()
    assert session.box.consent.answer(question_id, "refused")
    assert not session.box.consent.answer(question_id, "session")
    assert text(await task) == REFUSED and sent == []
    assert not session.box.consent.answer(question_id, "once")
    again = session.call("b")  # and the answer that came too late allows nothing later
    assert await session.asked() != question_id
    again.cancel()


async def test_an_answer_to_another_sessions_question_is_none() -> None:
    mine, other = Session(), Session()
    task = mine.call("a")
    question_id = await mine.asked()
    assert not other.box.consent.answer(question_id, "session")
    for wrong in ("", "x", question_id[:-1], question_id.swapcase()):
        assert not mine.box.consent.answer(wrong, "once")
    for wrong in ("", "nobody", "ONCE", "yes"):
        assert not mine.box.consent.answer(question_id, wrong)
    assert not task.done() and sent == []
    task.cancel()


async def test_a_stop_takes_the_question_away() -> None:
    session = Session()
    task = session.call("a")
    question_id = await session.asked()
    task.cancel()
    await asyncio.wait({task})
    assert session.box.consent.waiting == () and not session.box.consent.answer(question_id, "once")
    assert sent == []


async def test_where_no_page_shows_it_nothing_is_asked_and_nothing_runs() -> None:
    session = Session()
    session.box.consent.attended = False
    assert text(await session.call("a")) == NOBODY and sent == []


async def test_a_question_that_nobody_answers_ends_by_itself() -> None:
    consent = Consent(patience_s=0.01)
    consent.attended = True
    assert await consent.ask(ToolCall("1", "send", "{}")) == "nobody"
    assert consent.waiting == ()


async def test_what_is_allowed_for_the_session_is_not_asked_again_until_it_is_taken_back() -> None:
    session = Session()
    first = session.call("a")
    assert session.box.consent.answer(await session.asked(), "session")
    await first
    await session.call("b")
    assert sent == ["a", "b"]
    assert [s.allowed for s in session.box.states] == [True, False]
    session.box.switch("send", on=False)
    session.box.switch("send", on=True)
    third = session.call("c")
    assert session.box.consent.answer(await session.asked(), "refused")
    assert text(await third) == REFUSED and sent == ["a", "b"]


async def test_several_questions_of_one_tool_come_one_by_one() -> None:
    session = Session()
    tasks = [session.call(str(i)) for i in range(3)]
    for choice in ("once", "refused", "once"):
        question_id = await session.asked()
        assert len(session.box.consent.waiting) == 1
        assert session.box.consent.answer(question_id, choice)
        session.news.clear()
        await asyncio.sleep(0)
    results = await asyncio.gather(*tasks)
    assert [r.status for r in results] == ["ok", "error", "ok"] and sent == ["0", "2"]


async def test_arguments_too_long_to_be_read_are_never_asked_about() -> None:
    session = Session()
    result = await session.call("x" * 100_001)
    assert result.status == "error" and "longer than 100,000" in text(result) and sent == []


async def test_one_step_runs_a_bounded_number_of_calls_with_bounded_results() -> None:
    box = SessionTools(lambda: TOOLS)
    calls = [ToolCall(f"c{i}", "long", '{"letters": 50000}') for i in range(1000)]
    last: tuple[ToolResult, ...] = ()
    async for results in run_calls(box, calls):
        last = results
    assert [r.call_id for r in last] == [c.id for c in calls]
    assert [r.status for r in last] == ["ok"] * MOST_CALLS + ["error"] * (1000 - MOST_CALLS)
    assert sum(len(text(r)) for r in last[:MOST_CALLS]) < LONGEST_STEP * 1.1

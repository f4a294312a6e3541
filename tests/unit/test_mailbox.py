"""Results that wait to be fetched: each call's own, bounded for each visitor and for all."""

from __future__ import annotations

import asyncio
import json

import pytest
from gradio.server_messages import EstimationMessage, EventMessage, ProcessCompletedMessage, ProcessGeneratingMessage

from aether import visitors
from aether.ui import mailbox
from aether.ui.mailbox import GONE, Mailboxes

A, B = (visitors.own_session(visitors.new_session(), "tab") for _ in range(2))


def done(event: str, text: str = "x") -> EventMessage:
    return ProcessCompletedMessage(output={"data": [text]}, success=True, event_id=event)


def growing(event: str, text: str) -> EventMessage:
    return ProcessGeneratingMessage(output={"data": [text]}, success=True, event_id=event)


@pytest.fixture
def listening() -> set[str]:
    return set()


@pytest.fixture
def boxes(listening: set[str]) -> Mailboxes:
    return Mailboxes(lambda event: event.startswith("call"), listening.__contains__)


async def read(boxes: Mailboxes, event: str) -> str:
    call, reader = boxes.calls[event], object()
    call.read_by(reader)
    value, is_last = await call.next(reader)
    assert is_last
    return value.decode()


async def test_each_call_has_a_box_of_its_own(boxes: Mailboxes) -> None:
    for number in range(3):
        boxes[A].put_nowait(EstimationMessage(queue_size=1, event_id=f"call{number}"))
    for number in (2, 0, 1):
        boxes[A].put_nowait(done(f"call{number}", f"value {number}"))
    for number in range(3):
        assert await read(boxes, f"call{number}") == f'event: complete\ndata: ["value {number}"]\n\n'
    assert boxes[A].empty()


async def test_who_reads_slowly_is_sent_the_newest_value(boxes: Mailboxes) -> None:
    for length in range(1_000):
        boxes[A].put_nowait(growing("call", "x" * length))
    reader = object()
    boxes.calls["call"].read_by(reader)
    value, is_last = await boxes.calls["call"].next(reader)
    assert not is_last and len(value) > 999
    boxes[A].put_nowait(done("call"))
    assert (await boxes.calls["call"].next(reader))[1]


async def test_a_later_reader_takes_over(boxes: Mailboxes) -> None:
    boxes[A].put_nowait(EstimationMessage(queue_size=1, event_id="call"))
    call, first, second = boxes.calls["call"], object(), object()
    call.read_by(first)
    waiting = asyncio.create_task(call.next(first))
    await asyncio.sleep(0)
    call.read_by(second)
    assert await waiting == (b"", True)
    boxes[A].put_nowait(done("call"))
    assert (await call.next(second))[1]


async def test_unread_results_of_one_visitor_push_out_his_own_alone(
    boxes: Mailboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "VISITOR_BYTES", 100_000)
    boxes[B].put_nowait(done("call of the other"))
    for number in range(40):
        boxes[A].put_nowait(done(f"call{number}", "x" * 10_000))
        boxes[A].put_nowait(done(f"event{number}", "x" * 10_000))
    assert boxes.unread.bytes_of[visitors.owner_of_session(A)] <= 100_000
    assert GONE in await read(boxes, "call0")
    assert "xxx" in await read(boxes, "call39")
    assert "complete" in await read(boxes, "call of the other")
    first = boxes[A].get_nowait()
    assert json.loads(json.dumps(first.model_dump()))["output"] == {"error": GONE}


async def test_all_together_are_bounded(boxes: Mailboxes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "ALL_BYTES", 200_000)
    for number in range(100):
        session = visitors.own_session(visitors.new_session(), "tab")
        boxes[session].put_nowait(done(f"call{number}", "x" * 10_000))
    assert boxes.unread.bytes_of.total() <= 200_000


async def test_nothing_is_counted_once_it_is_fetched_or_forgotten(boxes: Mailboxes, listening: set[str]) -> None:
    for number in range(5):
        boxes[A].put_nowait(done(f"call{number}"))
        boxes[A].put_nowait(done(f"event{number}"))
    await read(boxes, "call0")
    assert boxes[A].get_nowait().model_dump()["output"] == {"data": ["x"]}
    boxes.forget(A)
    assert not boxes.unread.bytes_of and not boxes.calls and A not in boxes
    listening.add(B)
    boxes[B].put_nowait(done("event"))
    assert not boxes.unread.bytes_of, "who listens is sent it at once"


async def test_a_result_that_nobody_fetches_is_forgotten(boxes: Mailboxes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "UNREAD_S", 0.01)
    boxes[A].put_nowait(done("call"))
    async with asyncio.timeout(10):
        while boxes.calls:
            await asyncio.sleep(0.01)
    assert not boxes.unread.bytes_of

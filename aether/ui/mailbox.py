"""Results of events until they are fetched: a box for each call of a program, one line for a page's events.

Gradio puts all messages of a session into one queue, so that two readers take each other's.
Here a call has a box of its own, which holds its newest value and its last one. What nobody
listens to is held as bytes, bounded for each visitor and for all: the oldest goes first. The result
of a call goes after a minute, those of a page's events with its session.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import orjson
from gradio.server_messages import (
    EventMessage,
    ProcessCompletedMessage,
    ProcessGeneratingMessage,
    UnexpectedErrorMessage,
)
from pydantic import BaseModel

from aether import visitors

UNREAD_S = 60.0
VISITOR_BYTES, PROGRAMS_BYTES, ALL_BYTES = 16_000_000, 64_000_000, 256_000_000
"""Bytes that wait for one visitor, for all programs without a cookie, and for all."""
OVERHEAD_BYTES = 4_000
"""What a result takes beside its own bytes."""
GONE = "The result was not fetched in time."

Drop = Callable[[], None]


class Unread:
    """What waits to be fetched, the oldest first."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[object, tuple[str, int, Drop]] = OrderedDict()
        self.bytes_of: Counter[str] = Counter()

    def add(self, item: object, owner: str, size: int, drop: Drop) -> None:
        """Count an item; drop the oldest of its owner, and of all, that are too many. `drop` is called once at most."""
        size += OVERHEAD_BYTES
        self._waiting[item] = (owner, size, drop)
        self.bytes_of[owner] += size
        limit = PROGRAMS_BYTES if owner == visitors.PROGRAM else VISITOR_BYTES
        while self.bytes_of[owner] > limit:
            self._drop(next(old for old, (its, _, _) in self._waiting.items() if its == owner))
        while self.bytes_of.total() > ALL_BYTES:
            largest = self.bytes_of.most_common(1)[0][0]
            self._drop(next(old for old, (its, _, _) in self._waiting.items() if its == largest))

    def remove(self, item: object) -> None:
        """Count an item no more: it was fetched, or is not here any longer."""
        if (entry := self._waiting.pop(item, None)) is not None:
            self.bytes_of[entry[0]] -= entry[1]
            if self.bytes_of[entry[0]] <= 0:
                del self.bytes_of[entry[0]]

    def _drop(self, item: object) -> None:
        drop = self._waiting[item][2]
        self.remove(item)
        drop()


class Call:
    """The values of one call. `reader` is who reads it now; a later one takes over."""

    def __init__(self, session: str, unread: Unread) -> None:
        self.session = session
        self.reader: object = None
        self._unread = unread
        self._newest: ProcessGeneratingMessage | None = None
        self._last: bytes | None = None
        self._news = asyncio.Event()

    def put(self, message: EventMessage) -> bool:
        """Take a message; return whether it is the last one."""
        if isinstance(message, ProcessGeneratingMessage):
            self._newest = message
        elif isinstance(message, ProcessCompletedMessage | UnexpectedErrorMessage):
            self._newest, self._last = None, _frame(message)
            if self.reader is None:
                self._unread.add(self, visitors.owner_of_session(self.session), len(self._last), self._gone)
        else:
            return False
        self._news.set()
        return self._last is not None

    def read_by(self, reader: object) -> None:
        """Let a reader take over from the one before, who is woken to leave."""
        self.reader = reader
        self._unread.remove(self)
        self._news.set()

    async def next(self, reader: object) -> tuple[bytes, bool]:
        """Return the newest value and whether it is the last; nothing, and True, for who reads no longer."""
        while self.reader is reader:
            if self._last is not None:
                return self._last, True
            if self._newest is not None:
                message, self._newest = self._newest, None
                return _frame(message), False
            self._news.clear()
            await self._news.wait()
        return b"", True

    def close(self) -> None:
        """Count it no more, and let a reader go."""
        self._unread.remove(self)
        self.reader = None
        self._news.set()

    def _gone(self) -> None:
        self._last = _event("error", {"error": GONE})


class Packed(ProcessCompletedMessage):
    """The last message of an event that nobody listens to, as bytes until it is read."""

    packed: bytes = b""

    def model_dump(self, **_: Any) -> dict[str, Any]:
        return orjson.loads(self.packed)


class Mailbox(asyncio.Queue[EventMessage]):
    """What Gradio takes for the queue of a session."""

    def __init__(self, session: str, mailboxes: Mailboxes) -> None:
        super().__init__()
        self._session = session
        self._mailboxes = mailboxes

    def put_nowait(self, item: EventMessage) -> None:
        if not self._mailboxes.deliver(self._session, item):
            super().put_nowait(self._bounded(item))

    def _bounded(self, message: EventMessage) -> EventMessage:
        """Return a message as it is held: the last one of an event is packed if nobody listens."""
        if not isinstance(message, ProcessCompletedMessage) or self._mailboxes.listens(self._session):
            return message
        packed = Packed(success=message.success, output={}, packed=orjson.dumps(message.model_dump(), default=str))
        packed.event_id = message.event_id

        def gone() -> None:
            told = ProcessCompletedMessage(output={"error": GONE}, success=False, event_id=packed.event_id)
            packed.packed = orjson.dumps(told.model_dump(), default=str)

        self._mailboxes.unread.add(id(packed), visitors.owner_of_session(self._session), len(packed.packed), gone)
        return packed

    def _get(self) -> EventMessage:
        message = super()._get()
        self._mailboxes.unread.remove(id(message))
        return message

    def clear(self) -> None:
        """Forget what waits here."""
        while not self.empty():
            self.get_nowait()


class Mailboxes(dict[str, Mailbox]):
    """The queues of all sessions. `is_call`: whether an event was called by a program; `listens`: to a session."""

    def __init__(self, is_call: Callable[[str], bool], listens: Callable[[str], bool]) -> None:
        super().__init__()
        self._is_call = is_call
        self.listens = listens
        self.unread = Unread()
        self.calls: dict[str, Call] = {}

    def __missing__(self, session: str) -> Mailbox:
        self[session] = None
        return self[session]

    def __setitem__(self, session: str, value: object) -> None:  # Gradio brings a queue of its own
        super().__setitem__(session, Mailbox(session, self))

    def __delitem__(self, session: str) -> None:
        self[session].clear()
        super().__delitem__(session)

    def deliver(self, session: str, message: EventMessage) -> bool:
        """Put the message of a call into its box; return whether it is one of a call."""
        id_ = message.event_id or ""
        call = self.calls.get(id_)
        if call is None:
            if not id_ or not self._is_call(id_):
                return False
            call = self.calls[id_] = Call(session, self.unread)
        if call.put(message) and call.reader is None:
            asyncio.get_running_loop().call_later(UNREAD_S, self._expire, id_)
        return True

    def close(self, id_: str) -> None:
        """Forget a call."""
        if (call := self.calls.pop(id_, None)) is not None:
            call.close()

    def forget(self, session: str) -> None:
        """Forget all that waits for a session."""
        for id_ in [id_ for id_, call in self.calls.items() if call.session == session]:
            self.close(id_)
        if session in self:
            del self[session]

    def _expire(self, id_: str) -> None:
        call = self.calls.get(id_)
        if call is not None and call.reader is None:
            self.close(id_)


def _frame(message: EventMessage) -> bytes:
    if isinstance(message, UnexpectedErrorMessage):
        return _event("error", message.message)
    completed: Any = message
    if not completed.success:
        return _event("error", completed.output)
    is_last = isinstance(message, ProcessCompletedMessage)
    return _event("complete" if is_last else "generating", completed.output.get("data"))


def _event(kind: str, data: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data, default=_plain)}\n\n".encode()


def _plain(value: object) -> object:
    """Return the fields of a model of Gradio's inside a message: to copy the whole message would hold the loop."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} is not JSON")

"""The streams that tell who listens: the values of one call, and the heartbeat of a tab.

Each call is read by itself, by the visitor who made it, so that one call of a session can be
stopped by another. Whoever reads it listens to the session of that call, and to no other. A
heartbeat begins nothing: Gradio's own makes a whole session when one ends that was never used.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from aether import visitors
from aether.gate.places import PLACE, Place
from aether.gate.presence import Presence
from aether.ui.mailbox import Call, Mailboxes

PATH = "/gradio_api/call/{name}/{event}"
HEARTBEAT = "/gradio_api/heartbeat/{session}"
BEAT_S = 15.0
_EVENT = re.compile(r"/gradio_api/call/[^/]+/([^/]+)")
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Heartbeats:
    """The heartbeats of all tabs; `leave` is told the session whose tab has gone."""

    def __init__(self, leave: Callable[[str], Awaitable[None]]) -> None:
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Beat until the tab has gone. The gate has made the session in the path the visitor's own."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        leaving = asyncio.create_task(_leave(receive))
        try:
            while not leaving.done():
                await send({"type": "http.response.body", "body": b"data: ALIVE\n\n", "more_body": True})
                await asyncio.wait({leaving}, timeout=BEAT_S)
        finally:
            leaving.cancel()
            await self._leave(scope["path"].rpartition("/")[2])


class Calls:
    """The calls of all programs, over the event queue of a page."""

    def __init__(self, page: gr.Blocks, presence: Presence) -> None:
        self._queue: Any = page._queue  # pyright: ignore[reportPrivateUsage]
        self._presence = presence
        self.mailboxes = Mailboxes(self._is_call, presence.listens)
        self._queue.pending_messages_per_session = self.mailboxes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the values of a call until its last one; 404 for one that is not there, or another visitor's."""
        match = _EVENT.fullmatch(scope["path"])
        call = self.mailboxes.calls.get(match[1]) if match else None
        owner = Headers(scope=scope).get(visitors.HEADER) or visitors.PROGRAM
        if match is None or call is None or visitors.owner_of_session(call.session) != owner:
            await JSONResponse({"detail": "Not Found"}, 404, {"Cache-Control": "no-store"})(scope, receive, send)
            return
        if isinstance(place := scope.get(PLACE), Place):
            place.session = call.session
        with self._presence.here(call.session):
            await self._read(match[1], call, receive, send)

    def pending(self, owner: str) -> int:
        """Return how many events of a visitor's sessions have begun and not ended."""
        events = self._queue.event_ids_to_events.values()
        return sum(visitors.owner_of_session(event.session_hash) == owner for event in events)

    async def forget(self, session: str) -> None:
        """End the events of a session and forget their results."""
        await self._queue.clean_events(session_hash=session)
        self._queue.pending_event_ids_session.pop(session, None)
        self.mailboxes.forget(session)

    async def _read(self, id_: str, call: Call, receive: Receive, send: Send) -> None:
        reader = object()
        call.read_by(reader)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        sending = asyncio.create_task(self._send(id_, reader, send))
        leaving = asyncio.create_task(_leave(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait({sending, leaving})
            if call.reader is reader:  # he has left before the last value
                self._forget_call(id_, call)
                await self._queue.clean_events(event_id=id_)

    async def _send(self, id_: str, reader: object, send: Send) -> None:
        call, is_last = self.mailboxes.calls[id_], False
        while not is_last:
            try:
                async with asyncio.timeout(BEAT_S):
                    value, is_last = await call.next(reader)
            except TimeoutError:
                value = b"event: heartbeat\ndata: null\n\n"
            if is_last and call.reader is reader:
                self._forget_call(id_, call)
            await send({"type": "http.response.body", "body": value, "more_body": not is_last})

    def _forget_call(self, id_: str, call: Call) -> None:
        self.mailboxes.close(id_)
        self._queue.pending_event_ids_session.get(call.session, set()).discard(id_)

    def _is_call(self, id_: str) -> bool:
        event = self._queue.event_ids_to_events.get(id_)
        return event is not None and event.data is not None and bool(event.data.simple_format)


async def _leave(receive: Receive) -> None:
    """Return when the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass

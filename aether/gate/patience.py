"""One connection: what it may send, how long it may say nothing, how long it may leave its answer unread.

A head is handed to the parser when all of it is here and can be read in one way (`framing.py`).
One request at a time: what comes behind a request before it is answered is dropped, and the
connection closed after the answer. So is one whose request is answered before all of it is here: the
answer says so, and the rest is read, so that the answer is. When the process runs out of connections,
those go first that have been silent longest.
"""

from __future__ import annotations

import asyncio
import http
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from aether.gate import framing

MOST_HELD = 16 * 1024
"""Bytes that wait for a reader before no more is written, beside what is written last; asyncio's own are 64 kB."""
MAX_REQUEST_BYTES = 48_000_000
"""A request as it comes over the wire, with all that frames it: more than the largest upload."""
MARGIN = 16
"""Near the limit, room is made for this many connections at once; above it by as many, a new one is closed."""


class Connection(h11.Connection):
    """The parser of one connection; an answer that comes before the end of its request says that it is the last."""

    def send(self, event: h11.Event) -> bytes | None:  # pyright: ignore[reportIncompatibleMethodOverride]: an overload
        is_early = isinstance(event, h11.Response) and self.their_state is h11.SEND_BODY
        output: bytes | None = super().send(event)
        if not is_early or output is None or self.our_state is h11.MUST_CLOSE:
            return output
        return output.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"  # h11 would end it before the rest is read


class Patient(H11Protocol):
    """HTTP as the server speaks it, for those who say within a while what they want."""

    head_s = 15.0
    unread_s = 60.0
    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _silent_since = 0.0
    _received = 0
    _is_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(MOST_HELD)
        self.conn = Connection(h11.SERVER, self.config.h11_max_incomplete_event_size or framing.MAX_HEAD_BYTES)
        self._head = bytearray()
        self._silent_since = self.loop.time()
        self._wait()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return  # what is left of a request that is answered already
        if self._is_silent:
            self._take_head(data)
        elif self.conn.their_state is h11.DONE:
            self.cycle.keep_alive = False
        else:
            self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        self._read_on()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._read_on()
        super().resume_writing()

    def on_response_complete(self) -> None:
        self._silent_since = self.loop.time()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self._is_over = True  # the rest of the request is read, so that the answer is; then the connection ends
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            self._wait()
        else:
            super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()
        if not self._is_silent:  # the application answers what has been answered here; it would fail at that
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    @property
    def _is_silent(self) -> bool:
        """Return whether no request is under way here."""
        return cast(Any, self.cycle) is None or self.cycle.response_complete

    def _take_head(self, data: bytes) -> None:
        """Collect a head; hand it on once it is whole, refuse it if it cannot be read in one way."""
        self._unset_keepalive_if_required()
        before = len(self._head)
        self._head += data
        while self._head.startswith(b"\r\n"):
            del self._head[:2]
        end = framing.end_of(self._head, since=before)
        if end < 0 and len(self._head) <= framing.MAX_HEAD_BYTES:
            self._wait()
            return
        too_large = (431, "The request's headers are too large.")
        if (
            fault := framing.fault(bytes(self._head[:end])) if 0 <= end <= framing.MAX_HEAD_BYTES else too_large
        ) is not None:
            self._refuse(*fault)
            return
        self._rest()
        self._received, request = 0, bytes(self._head)
        self._head.clear()
        self._take(request)

    def _take(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > MAX_REQUEST_BYTES:
            self.transport.abort()
            return
        super().data_received(data)
        if not self._is_silent and self.conn.their_state is h11.DONE and self.conn.trailing_data[0]:
            self.cycle.keep_alive = False  # a second request came behind the first: it is not looked at

    def _refuse(self, status: int, sentence: str) -> None:
        body = sentence.encode()
        head = (
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self._is_over = True
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.head_s, self._give_up)

    def _rest(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _give_up(self) -> None:
        self._waiting = None
        if not self.transport.is_closing() and self._is_silent:
            self.transport.close()

    def _make_room(self) -> None:
        """Near the limit, close the connections that have been silent longest; above it, this one."""
        limit = self.limit_concurrency
        if limit is None or len(self.connections) < limit - MARGIN:
            return
        others = [cast(Patient, other) for other in self.connections if other is not self]
        lasting = [other for other in others if not other.transport.is_closing()]
        if len(lasting) < limit - MARGIN:
            return  # those that were closed a moment ago are still counted
        silent = sorted((o for o in lasting if o._is_silent), key=lambda other: other._silent_since)
        for other in silent[: MARGIN + limit // 16]:
            other.transport.abort()
        if not silent and len(lasting) > limit + MARGIN:
            self.transport.abort()

"""HTTP/1.1 on a raw socket: requests in, bytes out, and the moment when the client leaves.

h11 reads the requests; bodies go out as they are given, one HTTP chunk for each piece. The
connection tells at once when the other side has closed, be anything on its way or not. It
knows no path and no protocol above HTTP.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import h11

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER, on, zero seconds: closing drops what is unsent and sends RST."""


@dataclass(frozen=True)
class Request:
    """One HTTP request. The names of `headers` are in small letters; `path` is with its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Serve = Callable[["Connection", Request], Awaitable[None]]


class Connection(asyncio.Protocol):
    """One client's connection; it serves one request after the other.

    `serve` is called for each request and cancelled when the client leaves; `changed` is
    called with +1 and -1 when the connection opens and closes.
    """

    def __init__(self, serve: Serve, changed: Callable[[Connection, int], None]) -> None:
        self._serve = serve
        self._changed = changed
        self._parser = h11.Connection(h11.SERVER)
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._chunked = False
        self.client_left = False

    # what asyncio calls

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._changed(self, +1)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.receive_data(data)
            self._read()
        except h11.RemoteProtocolError:
            self.close()

    def eof_received(self) -> bool:
        self._leave()
        return False

    def connection_lost(self, _exc: Exception | None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._leave()
        self._changed(self, -1)

    def _leave(self) -> None:
        self.client_left = True
        if self._task is not None:
            self._task.cancel()

    def _read(self) -> None:
        """Take what has arrived; start to serve once a request is whole."""
        while self._task is None:
            event = self._parser.next_event()
            match event:
                case h11.Request():
                    self._head, self._body = event, bytearray()
                    if self._parser.they_are_waiting_for_100_continue:
                        self._send(h11.InformationalResponse(status_code=100, headers=[]))
                case h11.Data():
                    self._body += event.data
                case h11.EndOfMessage():
                    self._start()
                case _:
                    return

    def _start(self) -> None:
        assert self._head is not None
        headers = {k.decode().lower(): v.decode("latin-1") for k, v in self._head.headers}
        request = Request(self._head.method.decode(), self._head.target.decode(), headers, bytes(self._body))
        self._task = asyncio.get_running_loop().create_task(self._run(request))

    async def _run(self, request: Request) -> None:
        try:
            await self._serve(self, request)
        except asyncio.CancelledError:
            self.close()
            return
        except Exception:
            self.close()
            raise
        self._task = None
        if self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE:
            self._parser.start_next_cycle()
            self._read()
        else:
            self.close()

    # what the server calls

    def head(self, status: int, headers: Mapping[str, str], *, length: int | None) -> None:
        """Send the status line and headers; a body of `length` bytes follows, or chunks if None."""
        self._chunked = length is None
        frame = ("transfer-encoding", "chunked") if length is None else ("content-length", str(length))
        fields = [(k.encode(), v.encode("latin-1")) for k, v in (*headers.items(), frame)]
        self._send(h11.Response(status_code=status, headers=fields))

    def write(self, data: bytes) -> None:
        """Send bytes as they are; for a body in chunks they must be framed with `chunk`."""
        if self._transport is not None and not self.client_left:
            self._transport.write(data)

    def end(self) -> None:
        """End the response; the connection stays for the next request."""
        if self._chunked:
            self._send(h11.EndOfMessage())

    def body(self, data: bytes) -> None:
        """Send a whole body, whose length the head has told, and end the response."""
        self._send(h11.Data(data=data))
        self._send(h11.EndOfMessage())

    def close(self) -> None:
        """Close the socket, whatever was promised."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Break the connection with a TCP RST."""
        if self._transport is None:
            return
        raw: socket.socket | None = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._transport.abort()

    def _send(self, event: h11.Event) -> None:
        data = self._parser.send(event)
        if data:
            self.write(data)


def chunk(data: bytes) -> bytes:
    """Frame bytes as one HTTP chunk; an empty one would end the body, so it becomes nothing."""
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def parsed(data: bytes) -> dict[str, Any] | None:
    """Return a JSON object, or None where the bytes are something else."""
    try:
        value = json.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

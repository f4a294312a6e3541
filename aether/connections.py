"""The process's connections to services: kept open, shared, and in a crowd read once a frame.

A service sends each token by itself, and to read one costs far more than what is done with
it. Few streams are read as they come. Of many, each is left alone for a moment after it was
read, and then gives all that has come meanwhile at once.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import httpcore2
import httpx2

from aether.bounds import ERROR_BYTES
from aether.rounds import Rounds, frame_s

FEW = 8
"""Streams that are read as they come."""
AT_ONCE = 4
"""Reads of an answer that never wait: its head, and its first words."""
AT_A_TIME = 4096
"""Bytes that are read of a stream before others have their turn: some fifteen tokens. A model that never pauses
would else hold the event loop for as long as it takes to go through all that has come."""
IN_A_ROUND = 16
"""Streams of a crowd that have their turn in one round of the event loop, at most."""


def _nothing() -> None:
    return None


_on_write: ContextVar[Callable[[], None]] = ContextVar("on_write", default=_nothing)


@contextmanager
def sending(on_write: Callable[[], None]) -> Generator[None]:
    """Call `on_write` before each write of the request that is sent meanwhile; shaking hands is none."""
    token = _on_write.set(on_write)
    try:
        yield
    finally:
        _on_write.reset(token)


class Crowd:
    """How many answers are being read."""

    def __init__(self) -> None:
        self.reading = 0
        self._rounds = Rounds(IN_A_ROUND)

    async def turn(self) -> float:
        """Wait for one's turn to do something, where there are many; say how many seconds to rest after it."""
        if self.reading <= FEW:
            return 0.0
        return max(frame_s(self.reading), await self._rounds.turn())

    @contextmanager
    def one(self) -> Generator[None]:
        """Count one more meanwhile."""
        self.reading += 1
        try:
            yield
        finally:
            self.reading -= 1


class Transport(httpx2.AsyncHTTPTransport):
    """HTTP over connections that know of the crowd."""

    def __init__(self, crowd: Crowd, *, certificates: ssl.SSLContext, limits: httpx2.Limits) -> None:
        super().__init__(verify=certificates, trust_env=False, limits=limits)
        # The one argument of the pool that its own constructor does not hand on.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=certificates,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Network(crowd),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer; the body of a refusal ends after `ERROR_BYTES`: an SDK reads it whole."""
        answer = await super().handle_async_request(request)
        if answer.status_code >= 400:
            answer.stream = _Bounded(cast(httpx2.AsyncByteStream, answer.stream))
        return answer


class _Bounded(httpx2.AsyncByteStream):
    """The beginning of a body."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = ERROR_BYTES
        async for piece in self._stream:
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Network(httpcore2.AsyncNetworkBackend):
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._backend: httpcore2.AsyncNetworkBackend = cast(Any, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._crowd)


class _Stream(httpcore2.AsyncNetworkStream):
    """One connection. What is written begins a new answer."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, crowd: Crowd) -> None:
        self._stream, self._crowd = stream, crowd
        self._reads = 0
        self._rests_until = 0.0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        now = asyncio.get_running_loop().time
        if self._reads >= AT_ONCE and (rest_s := self._rests_until - now()) > 0:
            await asyncio.sleep(rest_s)
        most = min(max_bytes, AT_A_TIME)
        data = await self._stream.read(most, timeout)
        self._reads += 1
        rest_s = await self._crowd.turn()
        # Where as much came as was asked for, more waits.
        self._rests_until = now() + rest_s if len(data) < most else 0.0
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._reads = 0
        _on_write.get()()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._crowd)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

"""Play a reply on a connection: headers, pieces at their times, the end that was asked for.

It knows bytes, tokens and clocks; which bytes they are is the business of the protocols.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.scripted.http1 import Connection, chunk
from tests.scripted.log import Exchange, Log
from tests.scripted.reply import Frame, Reply


@dataclass(frozen=True)
class Score:
    """A body ready to be sent: what comes before the first token, one burst a token, what comes after."""

    opening: bytes
    bursts: tuple[bytes, ...]
    closing: bytes


def score(frames: Iterable[Frame], reply: Reply) -> Score:
    """Gather frames into bursts that end with a token each, every event an HTTP chunk of its own."""
    opening, waiting = b"", b""
    bursts: list[bytes] = []
    cut = Cutter(reply.chunks)
    for data, is_token in frames:
        if reply.line_end != "\n":
            data = data.replace(b"\n", reply.line_end.encode())
        waiting += cut(data)
        if is_token:
            bursts.append(waiting)
            waiting = b""
        elif not bursts:
            opening, waiting = opening + waiting, b""
    return Score(opening, tuple(bursts), waiting)


class Cutter:
    """Cut bytes into HTTP chunks of given lengths, the last length repeated; by events if there are none."""

    def __init__(self, lengths: tuple[int, ...]) -> None:
        self._lengths = lengths
        self._index = 0

    def __call__(self, data: bytes) -> bytes:
        if not self._lengths:
            return chunk(data)
        return b"".join(chunk(piece) for piece in self._pieces(data))

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            length = max(1, self._lengths[min(self._index, len(self._lengths) - 1)])
            self._index += 1
            yield data[:length]
            data = data[length:]


class Player:
    """Send one reply; what it does goes into the exchange's record."""

    def __init__(self, connection: Connection, exchange: Exchange, log: Log, permits: asyncio.Semaphore) -> None:
        self._connection = connection
        self._exchange = exchange
        self._log = log
        self._permits = permits

    def head(self, status: int, headers: dict[str, str], *, length: int | None = None) -> None:
        """Send the headers."""
        self._exchange.status = status
        self._connection.head(status, headers, length=length)

    async def whole(self, body: bytes, reply: Reply, *, headers: dict[str, str]) -> str:
        """Send a body in one piece; return how it ended."""
        await asyncio.sleep(reply.first_delay_s)
        if reply.end in ("cut", "reset", "stall"):
            self.head(reply.status, headers, length=len(body))
            self._write(body[: len(body) // 2])
            return await self._break(reply)
        if reply.chunks:
            self.head(reply.status, headers)
            self._write(Cutter(reply.chunks)(body))
            self._connection.end()
            return "complete"
        self.head(reply.status, headers, length=len(body))
        self._sent(0)
        self._connection.body(body)
        return "complete"

    async def stream(self, frames: Iterable[Frame], reply: Reply, *, headers: dict[str, str], error: bytes) -> str:
        """Send a body in pieces; return how it ended. `error` is the event of a fault inside the stream."""
        notes = score(frames, reply)
        bursts = notes.bursts if reply.end_after is None else notes.bursts[: reply.end_after]
        self.head(reply.status, headers)
        self._write(notes.opening)
        await asyncio.sleep(reply.first_delay_s)
        held = len(bursts) if reply.hold_after is None else reply.hold_after
        await self._pace(bursts[:held], reply.rate_per_s)
        if reply.hold_after is not None:
            await self._hold()
            await self._pace(bursts[held:], reply.rate_per_s)
        match reply.end:
            case "complete":
                self._write(notes.closing)
            case "error" | "failed":
                self._write(chunk(error))
            case "unended":
                pass
            case "stall" | "cut" | "reset":
                return await self._break(reply)
        self._connection.end()
        return reply.end

    async def _break(self, reply: Reply) -> str:
        """Leave the body without its end: silent for ever, closed, or reset."""
        if reply.end == "stall":
            await asyncio.Event().wait()
        if reply.end == "reset":
            self._connection.reset()
        else:
            self._connection.close()
        return reply.end

    async def _hold(self) -> None:
        self._exchange.held = True
        self._log.touch()
        try:
            await self._permits.acquire()
        finally:
            self._exchange.held = False

    async def _pace(self, bursts: tuple[bytes, ...], rate_per_s: float) -> None:
        """Write the bursts at their times: by callbacks of the loop's clock, which cost less than a task's naps."""
        if not rate_per_s:
            for place in range(0, len(bursts), 64):
                some = bursts[place : place + 64]
                self._write(b"".join(some), tokens=len(some))
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        start, queue = loop.time(), iter(enumerate(bursts, start=1))

        def step() -> None:
            place, burst = next(queue, (0, b""))
            if done.done():
                return  # the client left
            if not place:
                done.set_result(None)
                return
            self._write(burst, tokens=1)
            loop.call_at(start + place / rate_per_s, step)

        step()
        await done

    def _write(self, data: bytes, *, tokens: int = 0) -> None:
        if data:
            self._connection.write(data)
            self._sent(tokens)

    def _sent(self, tokens: int) -> None:
        self._exchange.first_byte_at = self._exchange.first_byte_at or time.time()
        self._exchange.tokens += tokens
        self._log.touch()

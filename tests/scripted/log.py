"""What arrived and how it ended: one record a request, readable from any thread, and worth waiting for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.scripted.reply import JSON


@dataclass
class Exchange:
    """One request and what became of it. Times are in seconds since the epoch; 0: not yet.

    `ended`: empty while it runs; `complete`; `client closed`; how a fault was meant to end
    (`cut`, `reset`, `unended`, `error`, `failed`); `server stopped`; `broke: …` for a mistake in here.
    `refused`: the sentence with which the request was refused. `tokens`: sent so far.
    `held`: the stream waits for `release()`.
    """

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: JSON | None
    protocol: str = ""
    model: str = ""
    strictness: str = ""
    arrived_at: float = 0.0
    first_byte_at: float = 0.0
    ended_at: float = 0.0
    ended: str = ""
    status: int = 0
    tokens: int = 0
    held: bool = False
    refused: str = ""

    @property
    def is_open(self) -> bool:
        return not self.ended

    @property
    def is_answer(self) -> bool:
        """Tell whether a model was asked, and not for a list or something unknown."""
        return bool(self.protocol)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Log:
    """All exchanges since the start, and the counts of what is open. Safe to read from any thread."""

    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    connections: int = 0
    total_connections: int = 0
    peak_streams: int = 0
    _streams: int = 0
    _waiting: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    @property
    def open_streams(self) -> int:
        """Count the answers on their way now."""
        return self._streams

    @property
    def held_streams(self) -> int:
        """Count the answers that wait for `release()`."""
        return sum(e.held for e in self.exchanges)

    def state(self) -> dict[str, int]:
        """Return the counts of streams and connections."""
        return {
            "open_streams": self._streams,
            "held_streams": self.held_streams,
            "peak_streams": self.peak_streams,
            "connections": self.connections,
            "total_connections": self.total_connections,
            "requests": len(self.exchanges),
            "answers": sum(e.is_answer for e in self.exchanges),
        }

    def open(self, exchange: Exchange) -> None:
        """Put a new exchange on record."""
        exchange.arrived_at = time.time()
        with self._changed:
            self.exchanges.append(exchange)
            self._streams += exchange.is_answer
            self.peak_streams = max(self.peak_streams, self._streams)
            self._changed.notify_all()

    def close(self, exchange: Exchange, ended: str) -> None:
        """Put on record how an exchange ended; the first word counts."""
        with self._changed:
            if exchange.is_open:
                exchange.ended, exchange.ended_at = ended, time.time()
                self._streams -= exchange.is_answer
            self._changed.notify_all()

    def connected(self, change: int) -> None:
        """Count a connection that opened (+1) or closed (-1)."""
        with self._changed:
            self.connections += change
            self.total_connections += max(change, 0)
            self._changed.notify_all()

    def touch(self) -> None:
        """Wake those who wait: something in an exchange is different now."""
        if self._waiting:
            with self._changed:
                self._changed.notify_all()

    def wait_for(self, is_true: Callable[[], Any], timeout_s: float) -> bool:
        """Wait until `is_true()`, asked again at each change; False if it never was in time."""
        with self._changed:
            self._waiting += 1
            try:
                return bool(self._changed.wait_for(is_true, timeout_s))
            finally:
                self._waiting -= 1

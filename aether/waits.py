"""Many short waits, each with a bound, for the price of one timer.

A time-out of its own for each token costs as much as to read the token. Here one timer runs for
all waits of an answer; when it rings, it ends the wait that has lasted too long, or is set anew.
"""

from __future__ import annotations

import asyncio


class Waits:
    """The waits of one answer: each at most `each_s` seconds, and none beyond `whole_s` from now.

    `async with waits.one()` around each wait raises TimeoutError. Between two waits no time is
    counted but that of the whole. `close` it at the end.
    """

    def __init__(self, *, each_s: float, whole_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._each_s = each_s
        self._end = self._loop.time() + whole_s
        self._began = 0.0
        self._wait: asyncio.Timeout | None = None
        self._timer: asyncio.TimerHandle | None = None

    def one(self) -> asyncio.Timeout:
        """Return the next wait."""
        self._began = self._loop.time()
        self._wait = asyncio.timeout(None)
        if self._timer is None:
            self._set(self._due())
        return self._wait

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> float:
        return min(self._began + self._each_s, self._end)

    def _set(self, at: float) -> None:
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        now = self._loop.time()
        self._timer = None
        if self._wait is None:
            return
        if now < self._due():
            self._set(self._due())
            return
        try:
            self._wait.reschedule(now)
        except RuntimeError:  # it is over, and nobody waits now: the next wait sets the timer
            self._wait = None

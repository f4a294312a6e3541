"""How many answers share one event loop: how often each has its turn, and how many in one round.

The loop runs all that is ready before it looks for more. Where two hundred answers have
something to read, that takes a third of a second, and who opens a page meanwhile waits for
it at each of a dozen steps. What is let through here waits its turn instead: as much is
done, and whatever else there is comes in between.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

FRAME_S = 0.045
SHARE_S = 0.0016
"""Seconds that each of many answers adds to a frame."""
ROUND_S = 0.008
"""Seconds of one round of the loop that answers may take before others have their turn."""
REST = 2
"""How many times as long as one waited for its turn one rests after it: who is behind is not made more so by haste."""
LONGEST_REST_S = 0.5
"""The longest of such rests: a reader that has gone is noticed only where something is handed over."""


def frame_s(answers: int) -> float:
    """Return the seconds from one turn of an answer to its next, where there are so many."""
    return max(FRAME_S, answers * SHARE_S)


class Rounds:
    """Let answers through in the order in which they came: as many in a round as have taken `ROUND_S` so far.

    At least one, and `most` at most. What one takes is measured from its turn to the next wait.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._most = self._left = most
        self._clock = clock
        self._each_s = 0.0
        self._began = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_due = False

    async def turn(self) -> float:
        """Return in a round in which there is room; say how many seconds to rest after it, where the loop is behind."""
        if self._left and not self._waiting:
            self._left -= 1
            self._call()
            return 0.0
        came = self._clock()
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._call()
        await waiting
        return min(REST * (self._clock() - came), LONGEST_REST_S)

    def _call(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._is_due, self._left = False, self._room()
        loop, passed = asyncio.get_running_loop(), 0
        loop.call_soon(self._begin)  # the loop keeps the order: what is between the two is theirs alone
        while self._waiting and self._left:
            first = self._waiting.popleft()
            if not first.done():  # who was cancelled needs no place
                first.set_result(None)
                self._left -= 1
                passed += 1
        loop.call_soon(self._end, passed)
        if self._waiting or passed:
            self._call()

    def _room(self) -> int:
        return max(1, min(self._most, int(ROUND_S / self._each_s))) if self._each_s else self._most

    def _begin(self) -> None:
        self._began = self._clock()

    def _end(self, passed: int) -> None:
        if passed:
            each_s = (self._clock() - self._began) / passed
            self._each_s += (each_s - self._each_s) / 4 if self._each_s else each_s

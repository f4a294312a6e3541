"""How many answers share one event loop: how often each has its turn, and how many in one round.

The loop runs all that is ready before it looks for more. Where two hundred answers have
something to read, that takes a third of a second, and who opens a page meanwhile waits for
it at each of a dozen steps. What is let through here waits its turn instead: as much is
done, and whatever else there is comes in between.
"""

from __future__ import annotations

import asyncio
from collections import deque

FRAME_S = 0.045
SHARE_S = 0.0016
"""Seconds that each of many answers adds to a frame."""


def frame_s(answers: int) -> float:
    """Return the seconds from one turn of an answer to its next, where there are so many."""
    return max(FRAME_S, answers * SHARE_S)


class Rounds:
    """Let `most` through in each round, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_due = False

    async def turn(self) -> None:
        """Return in a round in which there is room."""
        if self._left and not self._waiting:
            self._left -= 1
            self._call()
            return
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._call()
        await waiting

    def _call(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._is_due, self._left = False, self._most
        while self._waiting and self._left:
            first = self._waiting.popleft()
            if not first.done():  # who was cancelled needs no place
                first.set_result(None)
                self._left -= 1
        if self._waiting or self._left < self._most:
            self._call()

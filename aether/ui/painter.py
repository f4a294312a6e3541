"""When to paint an answer that grows: at once for the first word, then a few times a second.

It waits on news of answers, and knows neither components nor markup. A wait for news is
never longer than `HEARTBEAT_S`, because a program that has left is noticed only where a value is handed over.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from aether.live import News
from aether.rounds import FRAME_S, Rounds, frame_s

HEARTBEAT_S = 0.5
IN_A_ROUND = 16
"""Answers that are rendered in one round of the event loop."""
SHARE = 6
"""A frame lasts at least so many times what it took to render it."""

Value = TypeVar("Value")
Growing = TypeVar("Growing", bound=News)


class Painter:
    """Pace all the answers that one process paints."""

    def __init__(self) -> None:
        self.painting = 0
        self._rounds = Rounds(IN_A_ROUND)

    async def turn(self) -> float:
        """Wait for a round of the loop that has room, to render or to begin; say how many seconds to rest after it."""
        return await self._rounds.turn()

    async def frames(self, live: Growing, render: Callable[[Growing], Awaitable[Value]]) -> AsyncIterator[Value]:
        """Yield what `render` makes of `live` until it is finished; the finished state is not yielded."""
        self.painting += 1
        try:
            version = await live.changed(0, FRAME_S)
            while not live.is_over:
                rest_s = await self.turn()
                began = time.perf_counter()
                value = await render(live)
                spent_s = time.perf_counter() - began
                has_words = live.has_words
                yield value
                if has_words:
                    await live.over(max(frame_s(self.painting), SHARE * spent_s, rest_s))
                version = await live.changed(version, HEARTBEAT_S)
        finally:
            self.painting -= 1

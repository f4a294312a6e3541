"""The pulse of the process: whether its store answers. Asked in a thread of its own, at most once a second.

A probe waits for no other work: neither for a thread that a visitor holds nor for a database
that hangs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

FRESH_S = 1.0
ANSWER_S = 2.0
"""How long a probe waits for the store."""
LATE_S = 10.0
"""How long ago the store may have answered last while an answer is late."""


class Pulse:
    """Know whether `check` passes; what it raises means no."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pulse")
        self._asking: asyncio.Future[bool] | None = None
        self._answered_at = self._well_at = -LATE_S

    async def beats(self) -> bool:
        """Return whether the store answers now, or did a moment ago."""
        if time.monotonic() - self._answered_at >= FRESH_S:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.get_running_loop().run_in_executor(self._thread, self._ask)
            done, _ = await asyncio.wait({self._asking}, timeout=ANSWER_S)
            if not done:
                return time.monotonic() - self._well_at < LATE_S
        return self._well_at == self._answered_at

    def _ask(self) -> bool:
        try:
            self._check()
        except Exception:
            self._answered_at = time.monotonic()
            return False
        self._answered_at = self._well_at = time.monotonic()
        return True

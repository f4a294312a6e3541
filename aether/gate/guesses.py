"""Wrong tokens: slowed down and logged, all together, because an address tells nobody apart.

A right token and a visitor's cookie never come here, so no crowd of guesses can keep them out.
"""

from __future__ import annotations

import asyncio
import logging

log = logging.getLogger("aether")

WINDOW_S = 60.0
AT_ONCE = 20
"""Wrong tokens in a window that are answered at once; people mistype a few."""
DELAY_S = 1.0
MAX_WAITING = 64
"""Wrong ones that wait at once; more are answered without waiting, and cost nothing else."""


class Guesses:
    """Count the wrong tokens for one lock, which `name` says in the log."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = self._waiting = 0

    async def wrong(self) -> None:
        """Count a wrong token; return late when there were many."""
        self._count += 1
        if self._count == 1:
            log.warning("A wrong token was tried for the %s", self._name)
            asyncio.get_running_loop().call_later(WINDOW_S, self._end)
        if self._count > AT_ONCE and self._waiting < MAX_WAITING:
            self._waiting += 1
            try:
                await asyncio.sleep(DELAY_S)
            finally:
                self._waiting -= 1

    def _end(self) -> None:
        if self._count > 1:
            log.warning("%d wrong tokens were tried for the %s in a minute", self._count, self._name)
        self._count = 0

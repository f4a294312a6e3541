"""What is done to the store every hour while Aether runs: purge what was deleted, count what was not counted yet.

Each piece is a short transaction in a thread; a piece that fails is tried again at the next round.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from aether.store.blobs import Blobs
from aether.store.conversations import StoreError
from aether.store.ledger import Ledger
from aether.store.room import UNSENT_S, Room

log = logging.getLogger("aether")

FIRST_S = 5.0
ROUND_S = 3600.0
"""Seconds between two rounds."""
PAUSE_S = 0.05
"""Seconds between two pieces of what an older version left uncounted."""
DAY_S = 24 * 3600.0


@dataclass(frozen=True)
class Housekeeping:
    """Keep a store tidy. `keep_days`: days that a conversation is kept which nobody goes on with; 0: for good."""

    room: Room
    blobs: Blobs
    ledger: Ledger
    keep_days: int = 0

    async def run(self) -> None:
        """Look after the store until cancelled."""
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                await self.round()
            except StoreError:
                log.warning("The store could not be tidied up; it is tried again")
            except Exception:
                log.exception("The store could not be tidied up")
            await asyncio.sleep(ROUND_S)

    def _count(self) -> None:
        while self.room.count_next():
            time.sleep(PAUSE_S)

    async def round(self) -> None:
        """Do all of it once."""
        await asyncio.to_thread(self._count)
        idle_before = time.time() - self.keep_days * DAY_S if self.keep_days else None
        purged = await asyncio.to_thread(self.room.purge, idle_before=idle_before)
        digests = await asyncio.to_thread(self.room.sweep)
        await asyncio.to_thread(self.blobs.keep_only, digests, before=time.time() - UNSENT_S)
        if purged:
            await asyncio.to_thread(self.room.forget)
        await asyncio.to_thread(self.ledger.prune)

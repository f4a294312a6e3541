"""How much may be kept: the disk's reserve, what all conversations may take, what one visitor may.

It is asked before anything is saved. On one's own machine only the disk's reserve holds.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aether.refusals import NoRoom, VisitorFull
from aether.store.conversations import StoreError
from aether.store.room import Room, Usage

MB = 1_000_000
FULL_DISK = "There is no room left on the disk of this server."
FULL_LINK = "All the room that this demo has for conversations is used up."
FULL_VISITOR = "Your conversations here take all the room that one visitor has."
USAGE_S = 5.0
"""Seconds for which the sum of all is believed; what is admitted meanwhile is added to it."""
SHARES_OF_DISK = 8
"""One visitor takes at most this part of a disk that is smaller than the limits."""


@dataclass(frozen=True)
class Bounds:
    """Bytes. `visitor`, `all`: None where nothing is limited. `reserve`: what the disk must have left."""

    reserve: int
    reserve_share: float
    visitor: int | None = None
    all: int | None = None


class Quota:
    """Admit bytes, or say what is full. `folders` are those that are written to."""

    def __init__(self, room: Room, bounds: Bounds, *, folders: Sequence[Path]) -> None:
        self._room = room
        self.bounds = bounds
        self._folders = tuple(folders)
        self._all, self._read_at = 0, -USAGE_S

    async def admit(self, owner: str, size: int) -> None:
        """Raise NoRoom or VisitorFull where `size` bytes more of a visitor cannot be kept."""
        free = await asyncio.to_thread(self._check_disk, size)
        if self.bounds.visitor is None or self.bounds.all is None:
            return
        try:
            await asyncio.to_thread(self._check, owner, size, free, self.bounds.visitor, self.bounds.all)
        except StoreError:  # the conversation is kept in memory until the database answers
            return
        self._all += size

    def check_disk(self) -> None:
        """Raise NoRoom where the disk has no more than its reserve. Blocks."""
        self._check_disk(0)

    def _check_disk(self, size: int) -> int:
        """Return the bytes that may still be written; raise NoRoom where `size` is more. Blocks."""
        free: list[int] = []
        for folder in self._folders:
            there = next((f for f in (folder, *folder.absolute().parents) if f.exists()), Path("/"))
            usage = shutil.disk_usage(there)
            free.append(usage.free - min(self.bounds.reserve, int(usage.total * self.bounds.reserve_share)))
        if min(free) >= size:
            return min(free)
        try:
            inside = self._room.free_pages_bytes()  # what was deleted is room that SQLite uses again
        except StoreError:
            inside = 0
        if min(free) + inside < size:
            raise NoRoom(FULL_DISK)
        return min(free) + inside

    def _check(self, owner: str, size: int, free: int, visitor: int, most: int) -> None:
        usage = self._usage(owner)
        limit = min(visitor, (free + usage.all) // SHARES_OF_DISK)
        if usage.visitor + size > limit and self._room.purge(before=time.time() + 1, owner=owner):
            usage = self._usage(owner, anew=True)  # what the visitor has deleted makes room first
        if usage.visitor + size > limit:
            raise VisitorFull(FULL_VISITOR)
        if usage.all + size > most and self._room.purge(before=time.time() + 1):
            usage = self._usage(owner, anew=True)
        if usage.all + size > most:
            raise NoRoom(FULL_LINK)

    def _usage(self, owner: str, *, anew: bool = False) -> Usage:
        if anew or time.monotonic() - self._read_at > USAGE_S:
            self._all = self._room.all_bytes()
            self._read_at = time.monotonic()
        return Usage(self._room.visitor_bytes(owner), self._all)

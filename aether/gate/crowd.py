"""What one visitor may hand in, so that there is room for the others."""

from __future__ import annotations

import shutil
from pathlib import Path

from starlette.types import Scope

from aether.gate import body
from aether.gate.answers import Refused
from aether.guard.rates import KEYS, SESSIONS, UPLOADS, Rates

FREE_BYTES = 300_000_000
"""Space that the disk must have left before a file is taken."""
TOO_MUCH = "You have handed in as much as this demo takes in an hour."
FULL = "There is no room for files at this moment."


class Crowd:
    """Count what each visitor hands in; `rates`: what a shared link counts."""

    def __init__(self, rates: Rates | None, *, folder: Path) -> None:
        self._rates = rates
        self._folder = folder

    async def check(self, scope: Scope, visitor: str, *, size: int) -> None:
        """Raise Refused for what a visitor has done often enough."""
        if body.is_upload(scope):
            await self._upload(visitor, size)
        elif scope["method"] == "POST" and scope["path"] == "/api/key":
            await self._key(visitor)

    async def session(self, visitor: str) -> None:
        """Count a session that a visitor begins; raise Refused for one too many. Programs share places."""
        if self._rates is not None and visitor and not await self._rates.allow(SESSIONS, visitor):
            raise Refused(429, "You have opened this page too often. Try again in a minute.")

    async def _key(self, visitor: str) -> None:
        if self._rates is not None and not await self._rates.allow(KEYS, visitor or "program"):
            raise Refused(429, "These were many keys. Try again in a minute.")

    async def _upload(self, visitor: str, size: int) -> None:
        if not size:
            raise Refused(411, "Say how much is handed in.")
        if shutil.disk_usage(self._folder if self._folder.exists() else Path.cwd()).free < FREE_BYTES:
            raise Refused(507, FULL)
        if self._rates is None:
            return
        who = visitor or "program"
        is_within = await self._rates.allow(UPLOADS, who)
        if not is_within or not await self._rates.allow(self._rates.uploads, who, cost=size // 1000 + 1):
            raise Refused(429, TOO_MUCH)

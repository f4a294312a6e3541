"""How many answers may be written at once, for all and for each visitor; who comes later waits in a line.

A turn that nobody listens to gets no place: it waits a moment for a listener, outside the line,
and ends once its listener has been away for a while. Of too many that wait so the longest
waiting ends: who means to listen does so at once, so a flood drives out only itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aether.errors import CrowdedError
from aether.guard import Who

CROWDED = "Many people use this link just now."
TOO_MANY = "You have as many answers under way as this link allows at once."
UNHEARD = "Nobody listens to this answer."


@dataclass(frozen=True)
class Room:
    """How many places there are. `unheard`: turns that may wait for a listener at once."""

    running: int = 32
    waiting: int = 64
    each: int = 4
    unheard: int = 16
    listener_s: float = 5.0
    away_s: float = 10.0


class Admission:
    """Give places to turns, first come, first served."""

    def __init__(self, room: Room, listens: Callable[[str], bool] | None) -> None:
        self.room = room
        self._listens = listens or _always
        self._of: Counter[str] = Counter()  # turns of each visitor: admitted, waiting or running
        self._line: deque[asyncio.Future[None]] = deque()
        self._unheard: deque[asyncio.Event] = deque()
        self.running = 0

    @property
    def waiting(self) -> int:
        """Return how many stand in the line."""
        return len(self._line)

    def claim(self, who: Who) -> None:
        """Count a turn before anything of it is saved; raise CrowdedError where there will be no place for it."""
        if self._of[who.visitor] >= self.room.each:
            raise CrowdedError(TOO_MANY)
        if self.running >= self.room.running and len(self._line) >= self.room.waiting:
            raise CrowdedError(CROWDED)
        self._of[who.visitor] += 1

    def withdraw(self, who: Who) -> None:
        """Count a turn no longer that was claimed and never waited."""
        self._forget(who)

    async def enter(self, who: Who) -> None:
        """Claim a place and wait for it; raise CrowdedError where there will be none."""
        self.claim(who)
        await self.wait(who)

    async def wait(self, who: Who) -> None:
        """Wait for the place of a turn that was claimed; raise CrowdedError, and then it is claimed no longer."""
        try:
            await self._heard(who)
            await self._place()
        except BaseException:
            self._forget(who)
            raise

    def leave(self, who: Who) -> None:
        """Free a place, and give it to the first in the line."""
        self._forget(who)
        self._free()

    def _free(self) -> None:
        self.running -= 1
        while self._line and self.running < self.room.running:
            first = self._line.popleft()
            if not first.done():
                self.running += 1
                first.set_result(None)

    async def until_away(self, who: Who) -> None:
        """Return once nobody has listened to a session for a while."""
        silent_s, look_s = 0.0, min(1.0, self.room.away_s / 4)
        while silent_s < self.room.away_s:
            await asyncio.sleep(look_s)
            silent_s = 0.0 if self._listens(who.session) else silent_s + look_s

    async def _heard(self, who: Who) -> None:
        if self._listens(who.session):
            return
        if len(self._unheard) >= self.room.unheard:
            self._unheard.popleft().set()
        driven_out = asyncio.Event()
        self._unheard.append(driven_out)
        try:
            async with asyncio.timeout(self.room.listener_s):
                while not self._listens(who.session):  # a listener is another request, and asks nobody
                    if driven_out.is_set():
                        raise CrowdedError(UNHEARD)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise CrowdedError(UNHEARD) from None
        finally:
            if driven_out in self._unheard:
                self._unheard.remove(driven_out)

    async def _place(self) -> None:
        if self.running < self.room.running:
            self.running += 1
            return
        if len(self._line) >= self.room.waiting:
            raise CrowdedError(CROWDED)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free()  # the place came in the moment of leaving
            elif turn in self._line:
                self._line.remove(turn)
            raise

    def _forget(self, who: Who) -> None:
        self._of[who.visitor] -= 1
        if self._of[who.visitor] <= 0:
            del self._of[who.visitor]


async def end_unheard(admission: Admission, who: Who, end: Callable[[], object]) -> None:
    """End a turn once nobody has listened to it for a while."""
    with suppress(asyncio.CancelledError):
        await admission.until_away(who)
        end()


def _always(session: str) -> bool:
    return True

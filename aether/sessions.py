"""The live sessions of this process, by the name that the gate gives each tab: how many, and for how long.

A tab that was closed may be a phone that sleeps: its session is kept for a while, so that it
finds its conversation as it was. What is forgotten here is kept in the store. A visitor's new
session pushes out one of his own before it can push out another's.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from aether.runtime import AgentRuntime
from aether.visitors import PROGRAM, owner_of_session

IDLE_S = 2 * 3600.0
"""Seconds that a session is kept to which nobody listens."""
AWAY = 100
"""Sessions of closed tabs that are kept."""
MOST = 2_000
"""Sessions that are kept at all."""
OF_VISITOR, OF_PROGRAMS = 16, 256
"""Sessions of one visitor, and of all programs without a cookie together."""
LOOK_S = 10.0


@dataclass
class _Held:
    runtime: AgentRuntime | None
    used_at: float
    is_away: bool = False

    @property
    def is_busy(self) -> bool:
        return self.runtime is not None and self.runtime.busy

    @property
    def is_used(self) -> bool:
        return self.runtime is not None and bool(self.runtime.transcript.turns)


def _nothing(session: str) -> None: ...


def _none(owner: str) -> int:
    return 0


class Sessions:
    """Know which runtime a tab works with. `listens` tells whether a tab is there now."""

    def __init__(
        self,
        listens: Callable[[str], bool],
        *,
        of_programs: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listens = listens
        self._of_programs = of_programs
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._leaving: set[asyncio.Task[None]] = set()
        self.on_attach = self.on_forget = _nothing
        self.pending: Callable[[str], int] = _none

    def __len__(self) -> int:
        """Count the sessions whose tab is open, as far as is known."""
        return sum(not held.is_away for held in self._held.values())

    def is_busy(self, session: str) -> bool:
        """Return whether an answer of a session is being written."""
        held = self._held.get(session)
        return held is not None and held.is_busy

    def knows(self, session: str) -> bool:
        """Return whether a session is here."""
        return session in self._held

    def enter(self, session: str) -> None:
        """Make room for a session that is about to be used: of the same visitor's first, then of all."""
        if session not in self._held:
            owner = owner_of_session(session)
            own = [name for name in self._held if owner_of_session(name) == owner]
            limit = self._of_programs if owner == PROGRAM else OF_VISITOR if owner else MOST
            if len(own) >= limit:
                self._let_go(min(own, key=self._worth))
            elif len(self._held) >= MOST:
                self._let_go(min(self._held, key=self._worth))
            self._held[session] = _Held(None, self._clock())
        self._held[session].used_at = self._clock()
        self._held.move_to_end(session)

    def _worth(self, session: str) -> tuple[bool, bool, bool, float]:
        """Return what keeps a session, the least worth going first: its answer, its listener, its turns, its use."""
        held = self._held[session]
        return held.is_busy, self._listens(session), held.is_used, held.used_at

    def attach(self, session: str, runtime: AgentRuntime, *, owner: str) -> None:
        """Remember which runtime a tab works with, and whose it is."""
        runtime.keeper.belong(owner)
        self.enter(session)
        self._held[session].runtime, self._held[session].is_away = runtime, False
        self.on_attach(session)

    async def leave(self, session: str) -> None:
        """End the turn of a tab that was closed, and keep its session for a while."""
        if (held := self._held.get(session)) is None:
            return
        held.is_away, held.used_at = True, self._clock()
        if held.runtime is not None:
            await held.runtime.stop()
            await held.runtime.keeper.flush()
        self._prune()

    async def stop_all(self) -> None:
        """End every turn; the sessions go on."""
        await asyncio.gather(*(held.runtime.stop() for held in self._held.values() if held.runtime))

    async def aclose(self) -> None:
        """End every turn and forget every session."""
        for session in list(self._held):
            self._let_go(session)
        while self._leaving:
            await asyncio.wait(set(self._leaving))

    async def run(self) -> None:
        """Look after the sessions until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """See who is there, and forget sessions to which nobody has listened for long."""
        now = self._clock()
        for session, held in list(self._held.items()):
            held.is_away = not (held.is_busy or self._listens(session))  # a tab may go without a word
            if not held.is_away:
                held.used_at = now
            elif now - held.used_at > IDLE_S:
                self._let_go(session)
        self._prune()

    def _prune(self) -> None:
        """Forget closed tabs that are too many: unused ones first, then of who has most, those closed longest ago."""
        away = [session for session, held in self._held.items() if held.is_away and not self._listens(session)]
        if len(away) <= AWAY:
            return
        of = Counter(map(owner_of_session, away))
        away.sort(key=lambda name: (self._held[name].is_used, -of[owner_of_session(name)], self._held[name].used_at))
        for session in away[: len(away) - AWAY]:
            self._let_go(session)

    def _let_go(self, session: str) -> None:
        held = self._held.pop(session)
        self.on_forget(session)
        if held.runtime is None:
            return
        task = asyncio.get_running_loop().create_task(_ended(held.runtime))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def _ended(runtime: AgentRuntime) -> None:
    await runtime.stop()
    runtime.records.clear()
    await runtime.keeper.flush()

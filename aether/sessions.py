"""The live sessions of this process, by the name that the gate gives each tab: how many, and for how long.

A tab that was closed may be a phone that sleeps: its session is kept for a while, so that it
finds its conversation as it was. What is forgotten here is kept in the store.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from aether.runtime import AgentRuntime

IDLE_S = 2 * 3600.0
"""Seconds that a session is kept to which nobody listens."""
AWAY = 100
"""Sessions of closed tabs that are kept."""
MOST = 2_000
"""Sessions that are kept at all; those that were used longest ago go first."""
LOOK_S = 10.0


@dataclass
class _Held:
    runtime: AgentRuntime
    used_at: float
    is_away: bool = False


def _nothing(session: str) -> None: ...


class Sessions:
    """Know which runtime a tab works with. `listens` tells whether a tab is there now."""

    def __init__(self, listens: Callable[[str], bool], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._listens = listens
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._leaving: set[asyncio.Task[None]] = set()
        self.on_attach = self.on_forget = _nothing

    def __len__(self) -> int:
        """Count the sessions whose tab is open, as far as is known."""
        return sum(not held.is_away for held in self._held.values())

    def is_busy(self, session: str) -> bool:
        """Return whether an answer of a session is being written."""
        held = self._held.get(session)
        return held is not None and held.runtime.busy

    def attach(self, session: str, runtime: AgentRuntime, *, owner: str) -> None:
        """Remember which runtime a tab works with, and whose it is."""
        runtime.keeper.belong(owner)
        self._held[session] = _Held(runtime, self._clock())
        self._held.move_to_end(session)
        self.on_attach(session)
        if len(self._held) > MOST:
            self._let_go(next(iter(self._held)))

    async def leave(self, session: str) -> None:
        """End the turn of a tab that was closed, and keep its session for a while."""
        if (held := self._held.get(session)) is None:
            return
        held.is_away, held.used_at = True, self._clock()
        await held.runtime.stop()
        await held.runtime.keeper.flush()
        self._prune()

    async def stop_all(self) -> None:
        """End every turn; the sessions go on."""
        await asyncio.gather(*(held.runtime.stop() for held in self._held.values()))

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
            held.is_away = not (held.runtime.busy or self._listens(session))  # a tab may go without a word
            if not held.is_away:
                held.used_at = now
            elif now - held.used_at > IDLE_S:
                self._let_go(session)
        self._prune()

    def _prune(self) -> None:
        """Forget those of the closed tabs that were closed longest ago."""
        away = [session for session, held in self._held.items() if held.is_away and not self._listens(session)]
        away.sort(key=lambda session: self._held[session].used_at)
        for session in away[: max(0, len(away) - AWAY)]:
            self._let_go(session)

    def _let_go(self, session: str) -> None:
        held = self._held.pop(session)
        self.on_forget(session)
        task = asyncio.get_running_loop().create_task(_ended(held.runtime))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def _ended(runtime: AgentRuntime) -> None:
    await runtime.stop()
    runtime.records.clear()
    await runtime.keeper.flush()

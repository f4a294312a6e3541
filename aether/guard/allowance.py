"""The guard of a shared link: a place in the line, a count of turns, and money set aside before it is spent."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aether.errors import AllowanceError, CrowdedError, LinkPaused, TooLongHere, UnpricedError
from aether.guard import Asking, Pass, Who
from aether.guard.admission import TOO_MANY, Admission
from aether.guard.cost import input_tokens, true_nano_usd, worst_nano_usd
from aether.guard.places import OwnPlaces, Places
from aether.guard.rates import Rates
from aether.share import Share
from aether.store.ledger import NANO, Ledger, Scope
from aether.usage import Price, Usage

INPUT_MOST = 160_000
"""Tokens, at the worst, of one request on a shared link. Below it no service asks its higher price for long ones."""
LINK = "link"
SPENT = {
    "link": "This demo has used up what its operator gave it.",
    "day": "This demo has used up what its operator gave it for today.",
    "visitor": "You have used up what this demo gives to one visitor.",
    "turn": "This answer has used up what one answer may cost here.",
}


@dataclass(frozen=True)
class Rest:
    """What is left to a visitor. None: no cap."""

    turns: int | None
    usd: float | None
    paused: bool = False


class SharedGuard:
    """Give out passes over one ledger and one line."""

    def __init__(
        self,
        share: Share,
        *,
        ledger: Ledger,
        admission: Admission,
        pause: Path,
        rates: Rates | None = None,
        places: Places | None = None,
    ) -> None:
        self.share = share
        self.ledger = ledger
        self.admission = admission
        self.rates = rates
        self.places = places or OwnPlaces()
        self._pause = pause

    @property
    def paused(self) -> bool:
        """Tell whether the operator has stopped the link; a file says so, which outlives the process."""
        return self._pause.exists()

    def set_paused(self, paused: bool) -> None:
        """Stop the link, or open it again."""
        if paused:
            self._pause.parent.mkdir(parents=True, exist_ok=True)
            self._pause.touch()
        else:
            self._pause.unlink(missing_ok=True)

    def open(self, who: Who) -> Pass:
        """Return a pass for one answer."""
        return SharedPass(self, who)

    def scopes(self, who: Who, turn: str) -> tuple[Scope, ...]:
        """Return what a request counts in, always in the same order."""
        share, day = self.share, time.strftime("%Y-%m-%d", time.gmtime())
        return (
            Scope(LINK, _nano(share.budget_usd)),
            Scope(f"day:{day}", _nano(share.day_budget_usd)),
            Scope(visitor_scope(who), _nano(share.visitor_budget_usd), share.visitor_turns or None),
            Scope(f"turn:{turn}", _nano(share.turn_budget_usd)),
        )

    async def rest(self, who: Who) -> Rest:
        """Tell what is left to a visitor: of money the least that any cap leaves, but for that of one answer."""
        *scopes, _ = self.scopes(who, "")
        totals = await asyncio.to_thread(lambda: [self.ledger.total(scope.name) for scope in scopes])
        both = list(zip(scopes, totals, strict=True))
        money = [scope.nano_usd - spent.nano_usd for scope, spent in both if scope.nano_usd is not None]
        turns = [scope.turns - counted.turns for scope, counted in both if scope.turns is not None]
        usd = max(0, min(money)) / NANO if money else None
        return Rest(max(0, min(turns)) if turns else None, usd, self.paused)


class SharedPass:
    """The way of one answer: place, turn, reservation after reservation, and out."""

    def __init__(self, guard: SharedGuard, who: Who) -> None:
        self._guard = guard
        self._who = who
        self._turn = secrets.token_hex(12)
        self._scopes = guard.scopes(who, self._turn)
        self._entry: tuple[str, Price] | None = None
        self._placed = False
        self._inside = False
        self._counted = False
        self._answered = False
        self._watch: asyncio.Task[None] | None = None
        self.seconds: float | None = guard.share.turn_s

    async def enter(self) -> None:
        guard, visitor = self._guard, self._who.visitor
        if guard.rates is not None and not await guard.rates.allow(guard.rates.messages, visitor or "program"):
            raise CrowdedError("That was more messages in a minute than this demo takes from one visitor.")
        self._placed = await guard.places.take(visitor, self._turn)
        if not self._placed:
            raise CrowdedError(TOO_MANY)
        await guard.admission.enter(self._who)
        self._inside = True
        task = asyncio.current_task()
        if task is not None and self._guard.share.on:
            self._watch = asyncio.create_task(_end_unheard(self._guard.admission, self._who, task.cancel))

    async def reserve(self, asking: Asking) -> None:
        guard = self._guard
        await self.refused()  # a request before this one that was not settled was not taken
        if guard.paused:
            raise LinkPaused("The operator has paused this demo.")
        if asking.free:
            self._answered = True
            return
        if (tokens := input_tokens(asking)) > INPUT_MOST:
            raise TooLongHere("This conversation has grown too long for this demo.")
        if not self._counted:
            if await asyncio.to_thread(guard.ledger.begin_turn, self._scopes) is not None:
                raise AllowanceError("You have used up the messages that this demo gives to one visitor.")
            self._counted = True
        price = asking.price or guard.share.unknown_price
        if price is None:
            raise UnpricedError(f"The price of {asking.label} is not known, so it cannot be used in this demo.")
        entry, worst = secrets.token_hex(16), worst_nano_usd(tokens, asking.answer_tokens, price)
        short = await asyncio.to_thread(guard.ledger.reserve, entry, worst, self._scopes, reference=asking.reference)
        if short is not None:
            raise AllowanceError(SPENT[short.name.partition(":")[0]])
        self._entry = (entry, price)

    async def settle(self, usage: Usage) -> None:
        self._answered = True
        if self._entry is not None and (usage.input or usage.output):
            entry, price = self._entry
            await asyncio.to_thread(self._guard.ledger.settle, entry, true_nano_usd(usage, price))
        self._entry = None

    async def refused(self) -> None:
        if self._entry is not None:
            entry, self._entry = self._entry[0], None
            await asyncio.to_thread(self._guard.ledger.settle, entry, 0)

    async def leave(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._inside:
            self._inside = False
            self._guard.admission.leave(self._who)
        if self._placed:
            self._placed = False
            await self._guard.places.give_back(self._who.visitor, self._turn)
        if self._counted and not self._answered and self._entry is None:
            await asyncio.to_thread(self._guard.ledger.forget_turn, self._scopes)


async def _end_unheard(admission: Admission, who: Who, end: Callable[[], object]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await admission.until_away(who)
        end()


def visitor_scope(who: Who) -> str:
    """Name the scope of a visitor; programs without a cookie are one visitor together."""
    return f"visitor:{who.visitor or 'program'}"


def _nano(usd: float | None) -> int | None:
    return None if usd is None else round(usd * NANO)

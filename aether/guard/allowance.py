"""The guard of a shared link: a place in the line, a count of turns, and money set aside before it is spent."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aether.errors import AllowanceError, CrowdedError, LinkPaused, TooLongHere, UnpricedError, UnsoundRequest
from aether.guard import Asking, Keeps, NotAdmitted, Permit, Proposal, Who
from aether.guard.admission import TOO_MANY, Admission, end_unheard
from aether.guard.conditions import INPUT_MOST, NO_MESSAGES, SPENT, check
from aether.guard.cost import text_tokens, true_nano_usd, worst_nano_usd
from aether.guard.media import Scale
from aether.guard.places import OwnPlaces, Places
from aether.guard.rates import Rates
from aether.guard.uninterrupted import uninterrupted
from aether.share import Share
from aether.store.ledger import NANO, Ledger, Scope
from aether.usage import Price, Usage

log = logging.getLogger("aether")

LINK = "link"


def _nothing() -> None:
    return None


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
        quota: Keeps | None = None,
        rates: Rates | None = None,
        places: Places | None = None,
        scale: Scale | None = None,
        overrun: Callable[[], None] = _nothing,
    ) -> None:
        self.share = share
        self.ledger = ledger
        self.admission = admission
        self.rates = rates
        self.places = places or OwnPlaces()
        self._scale = scale or Scale()
        self._overrun = overrun
        self._pause = pause
        self._quota = quota

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

    def open(self, who: Who) -> SharedPass:
        """Return a pass for one answer, which has no place yet."""
        return SharedPass(self, who)

    async def admit(self, who: Who, proposal: Proposal) -> Permit:
        """Return leave to begin a turn; raise GuardError where its first request could not be sent."""
        await check(self, who, proposal)
        passes = [self.open(who) for _ in proposal.targets]
        try:
            for unplaced in passes:
                await unplaced.claim()
        except BaseException:
            for one in passes:
                await one.leave()
            raise
        return Permit(passes)

    async def admit_bytes(self, owner: str, size: int) -> None:
        """Raise GuardError where a visitor cannot keep so many bytes more."""
        if self._quota is not None:
            await self._quota.admit(owner, size)

    def unasked(self, count: int) -> Permit:
        """Raise NotAdmitted: on a link everybody has to ask."""
        raise NotAdmitted

    def scopes(self, who: Who, turn: str) -> tuple[Scope, ...]:
        """Return what a request counts in, always in the same order."""
        share, day = self.share, time.strftime("%Y-%m-%d", time.gmtime())
        return (
            Scope(LINK, _nano(share.budget_usd)),
            Scope(f"day:{day}", _nano(share.day_budget_usd)),
            Scope(visitor_scope(who), _nano(share.visitor_budget_usd), share.visitor_turns or None),
            Scope(f"turn:{turn}", _nano(share.turn_budget_usd)),
        )

    async def weigh(self, asking: Asking, owner: str) -> tuple[int, int]:
        """Return the most tokens that a request shows, and how many pictures and pages; raise TooLongHere."""
        tokens, pictures = text_tokens(asking), 0
        if tokens <= INPUT_MOST:
            for medium in asking.media:
                weight = await self._scale.weigh(medium.sha256, owner)
                tokens, pictures = tokens + weight.tokens, pictures + weight.pictures
        if tokens > INPUT_MOST:
            raise TooLongHere("This conversation has grown too long for this demo.")
        return tokens, pictures

    def charge(self, entry: str, usage: Usage, price: Price, pictures: int) -> None:
        """Charge what a request has truly cost; more than was set aside for it is an alarm. Blocks."""
        cost = true_nano_usd(usage, price, pictures=pictures)
        reserved = self.ledger.settle(entry, cost)
        if reserved is not None and cost > reserved:
            self._overrun()
            log.warning("A request cost more than was set aside: %d of %d nano-dollars", cost, reserved)

    async def rest(self, who: Who) -> Rest:
        """Tell what is left to a visitor: of money the least that any cap leaves, but for that of one answer."""
        *scopes, _ = self.scopes(who, "")
        totals = await asyncio.to_thread(self.ledger.totals, [scope.name for scope in scopes])
        both = list(zip(scopes, totals, strict=True))
        money = [scope.nano_usd - spent.nano_usd for scope, spent in both if scope.nano_usd is not None]
        turns = [scope.turns - counted.turns for scope, counted in both if scope.turns is not None]
        usd = max(0, min(money)) / NANO if money else None
        return Rest(max(0, min(turns)) if turns else None, usd, self.paused)


@dataclass(frozen=True)
class _Open:
    """A reservation that is not settled, and what settles it."""

    entry: str
    price: Price
    pictures: int
    is_billable: Callable[[], bool]


class SharedPass:
    """The way of one answer: place, turn, reservation after reservation, and out."""

    def __init__(self, guard: SharedGuard, who: Who) -> None:
        self._guard = guard
        self._who = who
        self._turn = secrets.token_hex(12)
        self._scopes: tuple[Scope, ...] = ()
        self._open: _Open | None = None
        self._placed = False
        self._claimed = False
        self._inside = False
        self._counted = False
        self._answered = False
        self._watch: asyncio.Task[None] | None = None
        self.seconds: float | None = guard.share.turn_s

    async def claim(self) -> None:
        """Count the message, and claim a place for its answer; raise CrowdedError for one too many."""
        guard, visitor = self._guard, self._who.visitor
        if guard.rates is not None and not await guard.rates.allow(guard.rates.messages, visitor or "program"):
            raise CrowdedError("That was more messages in a minute than this demo takes from one visitor.")
        self._placed = True  # given back also where the answer to it was never heard
        self._placed = await guard.places.take(visitor, self._turn)
        if not self._placed:
            raise CrowdedError(TOO_MANY)
        guard.admission.claim(self._who)
        self._claimed = True

    async def enter(self) -> None:
        guard = self._guard
        if not self._claimed:
            await self.claim()
        self._claimed = False
        await guard.admission.wait(self._who)
        self._inside = True
        task = asyncio.current_task()
        if task is not None and guard.share.on:
            self._watch = asyncio.create_task(end_unheard(guard.admission, self._who, task.cancel))

    async def reserve(self, asking: Asking) -> None:
        guard = self._guard
        await self._close()
        if guard.paused:
            raise LinkPaused("The operator has paused this demo.")
        if asking.violations:
            raise UnsoundRequest(f"{asking.label} would be sent what its service does not take, so nothing was sent.")
        # A request that another pays for is still read, kept and sent here: its size has the same bound.
        bounded = guard.share.on or not asking.free
        tokens, pictures = await guard.weigh(asking, self._who.visitor) if bounded else (0, 0)
        if asking.free:
            self._answered = True
            return
        await self._count_turn()
        price = asking.price or guard.share.unknown_price
        if price is None:
            raise UnpricedError(f"The price of {asking.label} is not known, so it cannot be used in this demo.")
        if price.unbounded:
            raise UnpricedError(f"{asking.label} has fees that cannot be bounded, so it cannot be used in this demo.")
        if asking.answer_tokens is None:
            raise UnpricedError(f"Nothing bounds what {asking.label} may cost, so it cannot be used in this demo.")
        worst = worst_nano_usd(tokens, asking.answer_tokens, price, pictures=pictures)
        open_ = _Open(secrets.token_hex(16), price, pictures, asking.is_billable)
        await uninterrupted(self._set_aside(open_, worst, asking.reference))

    async def _count_turn(self) -> None:
        if self._counted:
            return
        self._scopes = self._guard.scopes(self._who, self._turn)
        await uninterrupted(self._begin_turn())
        if not self._counted:
            raise AllowanceError(NO_MESSAGES)

    async def _begin_turn(self) -> None:
        self._counted = await asyncio.to_thread(self._guard.ledger.begin_turn, self._scopes) is None

    async def _set_aside(self, open_: _Open, worst: int, reference: str) -> None:
        """Reserve, in the caps of this day; `_open` is what is in the ledger, whatever ends this."""
        scopes = self._guard.scopes(self._who, self._turn)
        reserve = partial(self._guard.ledger.reserve, open_.entry, worst, scopes, reference=reference)
        short = await asyncio.to_thread(reserve)
        if short is not None:
            raise AllowanceError(SPENT[short.name.partition(":")[0]])
        self._open = open_

    async def settle(self, usage: Usage) -> None:
        self._answered = True
        open_, self._open = self._open, None
        if open_ is None or not (usage.input or usage.output):
            return
        try:
            await uninterrupted(asyncio.to_thread(self._guard.charge, open_.entry, usage, open_.price, open_.pictures))
        except Exception:  # the answer is there all the same; what was set aside stays charged
            log.exception("A request could not be settled")

    async def _close(self) -> None:
        """End the request that is open: what nobody can be billed for is given back, all else stays charged."""
        open_, self._open = self._open, None
        if open_ is not None:
            if open_.is_billable():
                self._answered = True
            else:
                await uninterrupted(asyncio.to_thread(self._guard.ledger.settle, open_.entry, 0))

    async def leave(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._claimed:
            self._claimed = False
            self._guard.admission.withdraw(self._who)
        if self._inside:
            self._inside = False
            self._guard.admission.leave(self._who)
        await uninterrupted(self._leave())

    async def _leave(self) -> None:
        await self._close()
        if self._placed:
            self._placed = False
            await self._guard.places.give_back(self._who.visitor, self._turn)
        if self._counted and not self._answered:
            self._counted = False
            await uninterrupted(asyncio.to_thread(self._guard.ledger.forget_turn, self._scopes))


def visitor_scope(who: Who) -> str:
    """Name the scope of a visitor; programs without a cookie are one visitor together."""
    return f"visitor:{who.visitor or 'program'}"


def _nano(usd: float | None) -> int | None:
    return None if usd is None else round(usd * NANO)

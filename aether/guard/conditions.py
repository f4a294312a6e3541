"""What a turn must meet before anything of it is saved: the link is open, its message is short enough, money is left.

The same caps are asked again when a request is reserved; here they are asked for the message alone, so
that what could never be sent is refused while it is still in the composer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aether.errors import AllowanceError, LinkPaused, UnpricedError
from aether.guard import Proposal, Target, Who
from aether.guard.cost import worst_nano_usd
from aether.refusals import MessageTooLong

if TYPE_CHECKING:
    from aether.guard.allowance import SharedGuard

INPUT_MOST = 160_000
"""Tokens, at the worst, of one request on a shared link. Some lists do not tell the higher price of longer ones."""
SPENT = {
    "link": "This demo has used up what its operator gave it.",
    "day": "This demo has used up what its operator gave it for today.",
    "visitor": "You have used up what this demo gives to one visitor.",
    "turn": "This answer has used up what one answer may cost here.",
}
NO_MESSAGES = "You have used up the messages that this demo gives to one visitor."


async def check(guard: SharedGuard, who: Who, proposal: Proposal) -> None:
    """Raise GuardError for a turn whose first request could not be sent; nothing is counted."""
    if guard.paused:
        raise LinkPaused("The operator has paused this demo.")
    is_free = all(target.free for target in proposal.targets)
    if proposal.message_bytes > INPUT_MOST and (guard.share.on or not is_free):
        raise MessageTooLong("Your message is longer than this demo takes.")
    if not any(target.free for target in proposal.targets):
        await _affords(guard, who, proposal)
    await guard.admit_bytes(proposal.owner, proposal.kept_bytes)


async def _affords(guard: SharedGuard, who: Who, proposal: Proposal) -> None:
    """Raise what a reservation would raise for the cheapest answer to the message alone."""
    least = min(_worst(guard, target, proposal.message_bytes) for target in proposal.targets)
    scopes = guard.scopes(who, "")
    totals = await asyncio.to_thread(guard.ledger.totals, [scope.name for scope in scopes])
    for scope, total in zip(scopes, totals, strict=True):
        if scope.turns is not None and total.turns >= scope.turns:
            raise AllowanceError(NO_MESSAGES)
        if scope.nano_usd is not None and total.nano_usd + least > scope.nano_usd:
            raise AllowanceError(SPENT[scope.name.partition(":")[0]])


def _worst(guard: SharedGuard, target: Target, message_bytes: int) -> int:
    """Return what an answer to the message alone costs at the most; raise UnpricedError where nobody knows."""
    price = target.price or guard.share.unknown_price
    if price is None:
        raise UnpricedError(f"The price of {target.label} is not known, so it cannot be used in this demo.")
    if price.unbounded:
        raise UnpricedError(f"{target.label} has fees that cannot be bounded, so it cannot be used in this demo.")
    if target.answer_tokens is None:
        raise UnpricedError(f"Nothing bounds what {target.label} may cost, so it cannot be used in this demo.")
    return worst_nano_usd(message_bytes, target.answer_tokens, price)

"""The account of a shared link, as it is read."""

from __future__ import annotations

from pathlib import Path

from aether.guard import Who
from aether.guard.admission import Admission, Room
from aether.guard.allowance import LINK, Rest, SharedGuard
from aether.share import Share
from aether.store.engine import open_engine
from aether.store.ledger import NANO, Ledger, Scope


def test_the_account_is_read_while_somebody_writes(migrated: str) -> None:
    engine = open_engine(migrated)
    ledger = Ledger(engine)
    ledger.reserve("e1", 5, [Scope(LINK)], reference="chat/echo-small")
    with engine.begin():  # the write lock of SQLite is taken
        assert (ledger.total(LINK).nano_usd, ledger.open_entries()) == (5, 1)


async def test_what_is_left_is_the_least_that_any_cap_leaves(migrated: str, tmp_path: Path) -> None:
    share = Share(budget_usd=5.0, day_budget_usd=2.0, visitor_budget_usd=3.0, turn_budget_usd=0.1, visitor_turns=4)
    guard = SharedGuard(
        share, ledger=Ledger(open_engine(migrated)), admission=Admission(Room(), None), pause=tmp_path / "paused"
    )
    who = Who("a" * 32)
    assert await guard.rest(who) == Rest(4, 2.0)
    scopes = guard.scopes(who, "t1")
    assert guard.ledger.begin_turn(scopes) is None
    assert guard.ledger.reserve("e1", NANO // 20, scopes, reference="chat/echo-small") is None
    assert await guard.rest(who) == Rest(3, 1.95)
    assert await guard.rest(Who("b" * 32)) == Rest(4, 1.95)

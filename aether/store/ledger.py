"""The ledger: what was spent, and what is set aside for requests that are on their way.

Money is set aside before a request leaves and settled after it. What is never settled, because
the process was killed, stays charged. All of a reservation happens in one transaction whose
updates carry their condition, so that two that come at once cannot pass a cap together.
Money is counted in whole nano-dollars.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from aether.errors import CrowdedError
from aether.refusals import NoRoom
from aether.store import engine as engines
from aether.store.engine import reading

log = logging.getLogger("aether")

NANO = 1_000_000_000
MOST_OVERRUN = 4
"""No request is charged more than so many times what was set aside for it: a report is a claim."""
PRUNED_S = 30 * 24 * 3600.0
"""Seconds for which a settled request can be looked up."""
METADATA = sa.MetaData()
TOTALS = sa.Table(
    "ledger_totals",
    METADATA,
    sa.Column("scope", sa.String(64), primary_key=True),  # link, day:…, visitor:…, turn:…
    sa.Column("nano_usd", sa.BigInteger, nullable=False),  # spent and set aside
    sa.Column("turns", sa.Integer, nullable=False),
)
ENTRIES = sa.Table(
    "ledger_entries",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("charged", sa.BigInteger),  # not settled: null, and then the reservation stands
)


@dataclass(frozen=True)
class Scope:
    """What is capped: the link, a day, a visitor, a turn. None: no cap."""

    name: str
    nano_usd: int | None = None
    turns: int | None = None


@dataclass(frozen=True)
class Total:
    """What one scope has come to."""

    nano_usd: int = 0
    turns: int = 0


@contextmanager
def _in_time() -> Generator[None]:
    """Say why the account could not be asked: locked, out of room, away. Nothing was written then."""
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        log.warning("The ledger did not answer in time: %s", engines.reason(error))
        match engines.reason(error):
            case "full":
                raise NoRoom("There is no room left on the disk of this server.") from error
            case "locked":
                raise CrowdedError("The database is locked by another program at this moment.") from error
            case _:
                raise CrowdedError("The database does not answer at this moment.") from error


@contextmanager
def _or_stays() -> Generator[None]:
    """Leave a reservation charged, where the database did not answer in time: the answer is there all the same."""
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        log.warning("The ledger did not answer in time (%s): what was set aside stays charged", type(error).__name__)


class Ledger:
    """Keep the account of a shared link. Every method is one transaction; all of them block."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin_turn(self, scopes: Sequence[Scope]) -> Scope | None:
        """Count a turn in each scope; return the one that has no more, and then nothing was counted."""
        with _in_time(), self._engine.connect() as connection, connection.begin() as transaction:
            for scope in scopes:
                changed = sa.update(TOTALS).where(TOTALS.c.scope == scope.name).values(turns=TOTALS.c.turns + 1)
                if scope.turns is not None:
                    changed = changed.where(TOTALS.c.turns < scope.turns)
                if not _changes(connection, scope, changed):
                    transaction.rollback()
                    return scope
        return None

    def forget_turn(self, scopes: Sequence[Scope]) -> None:
        """Take back a turn in which no model answered."""
        names = [scope.name for scope in scopes]
        with _or_stays(), self._engine.begin() as connection:
            connection.execute(sa.update(TOTALS).where(TOTALS.c.scope.in_(names)).values(turns=TOTALS.c.turns - 1))

    def reserve(self, entry: str, nano_usd: int, scopes: Sequence[Scope], *, reference: str) -> Scope | None:
        """Set money aside in each scope; return the one that has not enough, and then nothing was set aside."""
        with _in_time(), self._engine.connect() as connection, connection.begin() as transaction:
            for scope in scopes:
                fresh = TOTALS.c.nano_usd + nano_usd
                changed = sa.update(TOTALS).where(TOTALS.c.scope == scope.name).values(nano_usd=fresh)
                if scope.nano_usd is not None:
                    changed = changed.where(fresh <= scope.nano_usd)
                if not _changes(connection, scope, changed):
                    transaction.rollback()
                    return scope
            names = "\n".join(scope.name for scope in scopes)
            row = {"id": entry, "at": time.time(), "scopes": names, "reference": reference, "reserved": nano_usd}
            connection.execute(sa.insert(ENTRIES).values(**row))
        return None

    def settle(self, entry: str, nano_usd: int) -> int | None:
        """Charge what a request has truly cost and give the rest back; return what was set aside for it.

        A second time changes nothing, and returns None. No report makes a charge that is below zero, or above
        `MOST_OVERRUN` times what was set aside.
        """
        with _or_stays(), self._engine.begin() as connection:
            where = (ENTRIES.c.id == entry) & ENTRIES.c.charged.is_(None)
            found = connection.execute(sa.select(ENTRIES.c.reserved, ENTRIES.c.scopes).where(where)).first()
            if found is None:
                return None
            reserved = int(found.reserved)
            charged = min(max(0, nano_usd), MOST_OVERRUN * reserved)
            if not connection.execute(sa.update(ENTRIES).where(where).values(charged=charged)).rowcount:
                return None
            change = TOTALS.c.nano_usd + (charged - reserved)
            names = str(found.scopes).split("\n")
            for name in names:  # in the order of the reservation, so that two never wait for each other
                connection.execute(sa.update(TOTALS).where(TOTALS.c.scope == name).values(nano_usd=change))
            return reserved
        return None

    def overruns(self) -> int:
        """Count the requests that were charged more than was set aside for them: a bound of ours did not hold."""
        with _in_time(), reading(self._engine) as connection:
            counted = sa.select(sa.func.count()).select_from(ENTRIES).where(ENTRIES.c.charged > ENTRIES.c.reserved)
            return int(connection.execute(counted).scalar_one())

    def prune(self, *, older_than_s: float = PRUNED_S) -> None:
        """Forget settled requests of long ago, and what their turns came to; the sums of the caps stay."""
        with _or_stays():
            while True:
                with self._engine.begin() as connection:
                    old = (ENTRIES.c.at < time.time() - older_than_s) & ENTRIES.c.charged.is_not(None)
                    rows = connection.execute(sa.select(ENTRIES.c.id, ENTRIES.c.scopes).where(old).limit(500)).all()
                    turns = [n for row in rows for n in str(row.scopes).split("\n") if n.startswith("turn:")]
                    connection.execute(sa.delete(TOTALS).where(TOTALS.c.scope.in_(turns)))
                    connection.execute(sa.delete(ENTRIES).where(ENTRIES.c.id.in_([row.id for row in rows])))
                    unused = TOTALS.c.scope.like("turn:%") & (TOTALS.c.nano_usd == 0) & (TOTALS.c.turns == 0)
                    connection.execute(sa.delete(TOTALS).where(unused))
                if len(rows) < 500:
                    return

    def total(self, name: str) -> Total:
        """Return what a scope has come to."""
        return self.totals([name])[0]

    def totals(self, names: Sequence[str]) -> list[Total]:
        """Return what some scopes have come to, all read at one moment."""
        with _in_time(), reading(self._engine) as connection:
            rows = connection.execute(sa.select(TOTALS).where(TOTALS.c.scope.in_(names))).all()
        known = {str(row.scope): Total(int(row.nano_usd), int(row.turns)) for row in rows}
        return [known.get(name, Total()) for name in names]

    def open_entries(self) -> int:
        """Count the reservations that were never settled: requests on their way, and those that a crash cut off."""
        with _in_time(), reading(self._engine) as connection:
            counted = sa.select(sa.func.count()).select_from(ENTRIES).where(ENTRIES.c.charged.is_(None))
            return int(connection.execute(counted).scalar_one())


def _changes(connection: Connection, scope: Scope, change: sa.Update) -> bool:
    """Make a conditional change, of a scope that may be new; tell whether its condition held."""
    if connection.execute(change).rowcount:
        return True
    new = sa.text("INSERT INTO ledger_totals (scope, nano_usd, turns) VALUES (:scope, 0, 0) ON CONFLICT DO NOTHING")
    connection.execute(new, {"scope": scope.name})
    return bool(connection.execute(change).rowcount)

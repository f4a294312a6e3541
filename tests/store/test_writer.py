"""Many savings at once in a real SQLite file: few transactions, and each of them answers for itself."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from aether.store.conversations import NotFound, Store, StoreError
from aether.store.writing import Deleted, Moment, Place
from aether.transcript import Transcript
from tests.store.samples import turn

MANY = 50
OWNER = "a" * 64


class Counted:
    """A store in a file, the transactions that it has committed, and the file's lock in another's hands."""

    def __init__(self, file: Path) -> None:
        self.store = Store(f"sqlite:///{file}")
        self.store.open()
        self.commits = 0
        event.listen(self.store.engine, "commit", self._count)
        self.other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)

    def _count(self, _: object) -> None:
        self.commits += 1

    async def all_at_once(self, savings: list[asyncio.Task[Place]]) -> list[Place | BaseException]:
        """Let the savings come while somebody else writes, then let them through."""
        await asyncio.sleep(0)  # each has come
        assert not any(saving.done() for saving in savings if not saving.cancelled())
        self.commits = 0
        self.other.execute("COMMIT")
        return await asyncio.gather(*savings, return_exceptions=True)

    def save(self, number: int, moment: Moment, revision: int = 0) -> asyncio.Task[Place]:
        return asyncio.ensure_future(self.store.saved(Place(OWNER, f"{number:032x}", revision), moment))

    def is_kept(self, number: int) -> bool:
        try:
            return self.store.load(OWNER, f"{number:032x}").transcript == said(number).transcript
        except NotFound:
            return False


@pytest.fixture
def counted(tmp_path: Path) -> Generator[Counted]:
    made = Counted(tmp_path / "aether.db")
    with closing(made.other):
        made.other.execute("BEGIN IMMEDIATE")
        yield made
    made.store.close()


def said(number: int) -> Moment:
    return Moment(Transcript("", (turn(f"question {number}"),)), "m/m")


async def test_savings_that_wait_are_committed_together(counted: Counted) -> None:
    places = await counted.all_at_once([counted.save(n, said(n)) for n in range(MANY)])
    assert places == [Place(OWNER, f"{n:032x}", 1) for n in range(MANY)]
    assert 1 <= counted.commits <= 3
    assert all(counted.is_kept(n) for n in range(MANY))


async def test_one_that_is_refused_takes_no_other_with_it(counted: Counted) -> None:
    savings = [counted.save(n, said(n), revision=7 if n == 20 else 0) for n in range(MANY)]
    ended = await counted.all_at_once(savings)
    assert isinstance(ended[20], Deleted)
    assert counted.commits <= 3
    assert [n for n in range(MANY) if not counted.is_kept(n)] == [20]
    assert [n for n, one in enumerate(ended) if isinstance(one, BaseException)] == [20]


async def test_one_at_which_the_database_fails_takes_no_other_with_it(counted: Counted) -> None:
    unfit = Moment(said(20).transcript, object())  # pyright: ignore[reportArgumentType]
    ended = await counted.all_at_once([counted.save(n, unfit if n == 20 else said(n)) for n in range(MANY)])
    assert isinstance(ended[20], StoreError)
    assert [n for n in range(MANY) if not counted.is_kept(n)] == [20]
    assert [n for n, one in enumerate(ended) if isinstance(one, BaseException)] == [20]


async def test_one_that_is_given_up_while_it_waits_is_not_written(counted: Counted) -> None:
    savings = [counted.save(n, said(n)) for n in range(MANY)]
    await asyncio.sleep(0)
    savings[20].cancel()
    await counted.all_at_once(savings)
    assert [n for n in range(MANY) if not counted.is_kept(n)] == [20]


async def test_closing_writes_what_waits(counted: Counted) -> None:
    saving = counted.save(1, said(1))
    await asyncio.sleep(0)
    counted.other.execute("COMMIT")
    await asyncio.to_thread(counted.store.close)
    assert (await saving).revision == 1
    assert counted.is_kept(1)

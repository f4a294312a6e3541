"""Places and threads that owners share: a share for each, in turns, and a place is held until its work ends."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from aether.fair import FairPlaces, FairThreads
from aether.store.conversations import Store
from aether.store.listing import Wanted


async def test_one_owner_fills_no_more_than_a_share() -> None:
    threads, release, begun = FairThreads("test", threads=3, per_owner=2), Event(), list[int]()

    def hang(number: int) -> None:
        begun.append(number)
        release.wait(30)

    greedy = [asyncio.ensure_future(threads.run(partial(hang, n), owner="a")) for n in range(60)]
    for _ in range(5):
        assert await threads.run(lambda: "here", owner="b") == "here"
    assert begun == [0, 1]
    release.set()
    await asyncio.gather(*greedy)
    assert begun == [*range(60)]
    threads.close()


async def test_owners_take_turns_in_the_queue() -> None:
    places, order = FairPlaces(1, per_owner=1), list[str]()

    async def call(owner: str) -> None:
        await places.take(owner)
        order.append(owner)
        await asyncio.sleep(0)
        places.give_back(owner)

    await asyncio.gather(*(call(owner) for owner in "aaaaaabb"))
    assert "".join(order) == "aababaaa"


async def test_a_place_is_held_until_its_work_ends_although_nobody_waits_for_it() -> None:
    threads, release, begun = FairThreads("test", threads=1, per_owner=1), Event(), Event()

    def hang() -> None:
        begun.set()
        release.wait(30)

    gone = asyncio.ensure_future(threads.run(hang, owner="a"))
    await asyncio.to_thread(begun.wait, 30)
    gone.cancel()
    following = asyncio.ensure_future(threads.run(lambda: "here", owner="b"))
    await asyncio.wait({gone})
    assert not following.done()
    release.set()
    assert await following == "here"
    threads.close()


async def test_work_that_fails_gives_its_place_back() -> None:
    threads = FairThreads("test", threads=1, per_owner=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 / 0, owner="a")
    threads.close()


async def test_one_visitors_slow_searches_keep_no_other_from_a_list(tmp_path: Path) -> None:
    store, release = Store(f"sqlite:///{tmp_path / 'aether.db'}"), Event()
    store.open()
    slow = [asyncio.ensure_future(store.run(partial(release.wait, 30), owner="a" * 64)) for _ in range(60)]
    other = "b" * 64
    assert await store.run(lambda: store.browse(other, Wanted()), owner=other) == []
    assert not any(search.done() for search in slow)
    release.set()
    await asyncio.gather(*slow)
    store.close()

"""Rounds of the event loop: as much is done, a few at a time."""

from __future__ import annotations

import asyncio

from aether.rounds import Rounds


async def test_no_more_than_so_many_pass_in_one_round() -> None:
    rounds, passed, each = Rounds(3), list[int](), list[int]()

    async def one(number: int) -> None:
        await rounds.turn()
        passed.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(10)]
    while len(passed) < 10:
        before = len(passed)
        await asyncio.sleep(0)
        each.append(len(passed) - before)
    await asyncio.gather(*tasks)
    assert passed == list(range(10))
    assert max(each) == 3


async def test_who_is_cancelled_takes_no_place() -> None:
    rounds = Rounds(1)
    _, gone, there = (asyncio.create_task(rounds.turn()) for _ in range(3))
    await asyncio.sleep(0)  # one has passed, two wait
    gone.cancel()
    await asyncio.wait_for(there, 5)
    assert gone.cancelled()


async def test_who_comes_later_passes_at_once() -> None:
    rounds = Rounds(1)
    for _ in range(5):
        await asyncio.wait_for(rounds.turn(), 5)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

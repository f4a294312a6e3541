"""Rounds of the event loop: as much is done, a few at a time."""

from __future__ import annotations

import asyncio

from aether.rounds import ROUND_S, Rounds


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


async def test_as_many_pass_as_have_fitted_in_a_round() -> None:
    time_s = 0.0
    rounds, passed = Rounds(16, clock=lambda: time_s), list[int]()

    async def one(number: int, takes_s: float) -> None:
        nonlocal time_s
        await rounds.turn()
        passed.append(number)
        time_s += takes_s

    async def most_in_a_round(takes_s: float) -> int:
        tasks = [asyncio.create_task(one(number, takes_s)) for number in range(200)]
        passed.clear()
        each = list[int]()
        while len(passed) < 200:
            before = len(passed)
            await asyncio.sleep(0)
            each.append(len(passed) - before)
        await asyncio.gather(*tasks)
        assert passed == list(range(200))
        return max(each[-20:])

    assert await most_in_a_round(ROUND_S / 4.5) == 4
    assert await most_in_a_round(ROUND_S * 9) == 1
    assert await most_in_a_round(ROUND_S / 100) == 16

"""Rounds of the event loop: as much is done, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from aether.rounds import LONGEST_REST_S, REST, ROUND_S, Rounds


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += seconds


async def passing(rounds: Rounds, count: int, act: Callable[[], None] = lambda: None) -> list[int]:
    """Let so many take their turn and act; see that they keep their order, return how many passed in each round."""
    passed, each = list[int](), list[int]()

    async def one(number: int) -> None:
        await rounds.turn()
        passed.append(number)
        act()

    tasks = [asyncio.create_task(one(number)) for number in range(count)]
    while len(passed) < count:
        before = len(passed)
        await asyncio.sleep(0)
        each.append(len(passed) - before)
    await asyncio.gather(*tasks)
    assert passed == list(range(count))
    return each


async def test_no_more_than_so_many_pass_in_one_round() -> None:
    assert max(await passing(Rounds(3), 10)) == 3


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
    clock = Clock()
    rounds = Rounds(16, clock=clock)
    for takes_s, fit in ((ROUND_S / 4.5, 4), (ROUND_S * 9, 1), (ROUND_S / 100, 16)):
        each = await passing(rounds, 200, lambda: clock.go(takes_s))  # noqa: B023
        assert max(each[-20:]) == fit


async def test_who_has_waited_rests_longer_within_a_bound() -> None:
    clock = Clock()
    rounds = Rounds(1, clock=clock)
    assert await rounds.turn() == 0
    for waited_s, rest_s in ((0.1, 0.1 * REST), (60.0, LONGEST_REST_S)):
        first, second = (asyncio.create_task(rounds.turn()) for _ in range(2))
        await asyncio.sleep(0)  # both wait, or the second does
        clock.go(waited_s)
        await first
        assert await second == pytest.approx(rest_s)

"""Many short waits under one timer."""

from __future__ import annotations

import asyncio

import pytest

from aether.waits import Waits

SOON_S = 0.02
NEVER_S = 60.0


async def is_ended(waits: Waits) -> None:
    """See that a wait for what never comes is ended."""
    with pytest.raises(TimeoutError):
        async with waits.one():
            await asyncio.Event().wait()
    waits.close()


async def test_a_wait_that_lasts_too_long_ends() -> None:
    waits = Waits(each_s=SOON_S, whole_s=NEVER_S)
    async with waits.one():
        await asyncio.sleep(0)
    await is_ended(waits)


async def test_no_wait_lasts_beyond_the_whole() -> None:
    await is_ended(Waits(each_s=NEVER_S, whole_s=SOON_S))


async def test_time_between_two_waits_is_not_counted() -> None:
    waits = Waits(each_s=SOON_S, whole_s=NEVER_S)
    async with waits.one():
        await asyncio.sleep(0)
    await asyncio.sleep(3 * SOON_S)  # the timer rings while nobody waits
    async with waits.one():
        await asyncio.sleep(0)
    await is_ended(waits)


async def test_a_cancelled_wait_is_cancelled() -> None:
    waits = Waits(each_s=NEVER_S, whole_s=NEVER_S)

    async def waiting() -> None:
        async with waits.one():
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    waits.close()

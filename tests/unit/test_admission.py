"""Places for answers: who gets one when many ask and do not listen."""

from __future__ import annotations

import asyncio

import pytest

from aether.errors import CrowdedError
from aether.guard import Who
from aether.guard.admission import UNHEARD, Admission, Room


async def test_of_too_many_that_nobody_listens_to_the_oldest_ends_and_a_late_listener_gets_in() -> None:
    here: set[str] = set()
    admission = Admission(Room(unheard=2, listener_s=30.0), here.__contains__)
    turns = [asyncio.create_task(admission.enter(Who(str(n), str(n)))) for n in range(2)]
    await asyncio.sleep(0)
    late = asyncio.create_task(admission.enter(Who("late", "late")))
    with pytest.raises(CrowdedError, match=UNHEARD):
        await turns[0]
    here.add("late")
    await late
    assert admission.running == 1
    assert not turns[1].done(), "the others go on waiting"
    turns[1].cancel()
    await asyncio.wait(turns)
    here.clear()
    again = Admission(Room(unheard=2, listener_s=0.1), here.__contains__)
    with pytest.raises(CrowdedError, match=UNHEARD):
        await again.enter(Who("alone", "alone"))
    assert again.running == 0


async def test_a_place_that_came_in_the_moment_of_leaving_goes_to_the_next_in_line() -> None:
    admission = Admission(Room(running=1), None)
    await admission.enter(Who("first"))
    leaving, waiting = (asyncio.create_task(admission.enter(Who(name))) for name in ("leaving", "waiting"))
    await asyncio.sleep(0)
    admission.leave(Who("first"))
    leaving.cancel()
    await asyncio.wait({leaving})
    assert leaving.cancelled()
    async with asyncio.timeout(5):
        await waiting
    assert (admission.running, admission.waiting) == (1, 0)

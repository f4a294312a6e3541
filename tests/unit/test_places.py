"""Who has requests under way, and who gives way."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from aether.gate.answers import Refused
from aether.gate.places import OPEN_AT_ONCE, Place, Places
from aether.gate.pulse import FRESH_S, Pulse


def scope(path: str = "/gradio_api/heartbeat/x", *, method: str = "GET", address: str = "10.0.0.1") -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "headers": [], "client": (address, 1)}


@pytest.fixture
def busy() -> set[str]:
    return set()


@pytest.fixture
def places(busy: set[str]) -> Places:
    return Places(busy.__contains__, in_all=40, of_programs=10)


class Room:
    """Requests that are under way until the test ends; what gives way is not cancelled here, only marked."""

    def __init__(self, places: Places) -> None:
        self.places, self.stack = places, ExitStack()

    def enter(self, visitor: str = "", **more: Any) -> Place:
        place = self.stack.enter_context(self.places.one(scope(**more), visitor))
        place.task = None
        return place


async def test_the_oldest_stream_gives_way(places: Places) -> None:
    room = Room(places)
    entered = [room.enter() for _ in range(13)]
    assert [place.gave_way for place in entered] == [True] * 3 + [False] * 10


async def test_the_address_with_most_gives_way(places: Places) -> None:
    room = Room(places)
    honest = [room.enter(address="10.0.0.2") for _ in range(2)]
    flood = [room.enter(address="10.0.0.1") for _ in range(30)]
    assert not any(place.gave_way for place in honest)
    assert sum(not place.gave_way for place in flood) == 8


async def test_a_stream_whose_answer_is_being_written_never_gives_way(places: Places, busy: set[str]) -> None:
    room = Room(places)
    first = room.enter()
    first.session = "writing"
    busy.add("writing")
    for _ in range(30):
        room.enter()
    assert not first.gave_way


async def test_a_request_at_work_never_gives_way(places: Places) -> None:
    room = Room(places)
    for _ in range(10):
        room.enter(path="/api/models")
    with pytest.raises(Refused):
        room.enter()


async def test_a_visitor_fills_only_his_own_places(places: Places) -> None:
    many = Places(places.is_busy, in_all=1_000, of_programs=10)
    room = Room(many)
    for _ in range(OPEN_AT_ONCE):
        room.enter("visitor")
    with pytest.raises(Refused):
        room.enter("visitor")
    assert not room.enter("other").gave_way


async def test_of_all_visitors_the_one_with_most_gives_way(places: Places) -> None:
    room = Room(places)
    honest = [room.enter(f"honest {number}") for number in range(5)]
    flood = [room.enter("flood") for _ in range(60)]
    assert not any(place.gave_way for place in honest)
    assert sum(place.gave_way for place in flood) == 25


async def test_a_request_that_gives_way_ends() -> None:
    places = Places(lambda _: False, of_programs=1)
    begun = asyncio.Event()

    async def stream() -> bool:
        with places.one(scope(), "") as place:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return place.gave_way
        return False

    first = asyncio.create_task(stream())
    await begun.wait()
    with places.one(scope(), ""):
        assert await first


async def test_a_probe_waits_for_no_hung_store_and_asks_it_once() -> None:
    asked, free = [0], threading.Event()

    def check() -> None:
        asked[0] += 1
        free.wait(30)

    pulse = Pulse(check)
    try:
        assert not any(await asyncio.gather(*(pulse.beats() for _ in range(50))))
        assert asked == [1]
    finally:
        free.set()


async def test_the_store_is_asked_at_most_once_a_second() -> None:
    asked = [0]

    def check() -> None:
        asked[0] += 1

    pulse, began = Pulse(check), asyncio.get_running_loop().time()
    for _ in range(200):
        assert await pulse.beats()
    assert asked[0] <= 1 + (asyncio.get_running_loop().time() - began) / FRESH_S


async def test_a_store_that_fails_has_no_pulse() -> None:
    def check() -> None:
        raise OSError

    assert not await Pulse(check).beats()

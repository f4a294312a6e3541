"""The registry of live sessions: who is kept, and who is forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from aether import sessions
from aether.runtime import AgentRuntime
from aether.sessions import AWAY, IDLE_S, Sessions
from tests.scripted import ScriptedProvider
from tests.swap.rig import Rig, say


class Clock:
    """A clock that a test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def there() -> set[str]:
    """The tabs that listen now."""
    return set()


@pytest.fixture
def forgotten() -> list[str]:
    return []


@pytest.fixture
async def held(clock: Clock, there: set[str], forgotten: list[str]) -> AsyncIterator[Sessions]:
    made = Sessions(there.__contains__, clock=clock)
    made.on_forget = forgotten.append
    yield made
    await made.aclose()


def knows(held: Sessions, name: str, runtime: AgentRuntime) -> bool:
    """Tell whether a tab still works with the runtime that it began with."""
    kept = held._held.get(name)  # pyright: ignore[reportPrivateUsage]
    return kept is not None and kept.runtime is runtime


def opened(held: Sessions, rig: Rig, name: str) -> AgentRuntime:
    runtime = rig.runtime()
    held.attach(name, runtime, owner="a" * 32)
    return runtime


async def test_case_40_a_phone_that_sleeps_two_hours_finds_its_session_or_is_told(
    held: Sessions, rig: Rig, clock: Clock, forgotten: list[str]
) -> None:
    phone = opened(held, rig, "phone")
    await say(phone, "pelican")
    await held.leave("phone")
    assert len(held) == 0
    clock.now += IDLE_S - 1
    held.look()
    assert knows(held, "phone", phone) and forgotten == []
    clock.now += 2
    held.look()
    assert not knows(held, "phone", phone) and forgotten == ["phone"]


async def test_who_listens_or_waits_for_an_answer_is_never_forgotten(
    held: Sessions, rig: Rig, clock: Clock, there: set[str], scripted: ScriptedProvider
) -> None:
    tab, program = opened(held, rig, "tab"), opened(held, rig, "program")
    program.swap("chat", "stall-3")
    program.ask("x")
    there.add("tab")
    for _ in range(5):
        clock.now += IDLE_S / 2
        held.look()
    assert knows(held, "tab", tab) and knows(held, "program", program)
    await program.stop()
    clock.now += IDLE_S + 1
    there.clear()
    held.look()
    assert len(held) == 0


async def test_a_tab_that_is_back_counts_again(held: Sessions, rig: Rig, there: set[str]) -> None:
    opened(held, rig, "tab")
    await held.leave("tab")
    there.add("tab")
    held.look()
    assert len(held) == 1


async def test_case_40_of_closed_tabs_the_oldest_go_first(
    held: Sessions, rig: Rig, clock: Clock, forgotten: list[str]
) -> None:
    for number in range(AWAY + 3):
        clock.now += 1
        opened(held, rig, f"tab {number}")
    for number in range(AWAY + 3):
        clock.now += 1
        await held.leave(f"tab {number}")
    assert forgotten == ["tab 0", "tab 1", "tab 2"]


async def test_no_flood_of_sessions_fills_the_memory(held: Sessions, rig: Rig, forgotten: list[str]) -> None:
    runtime = rig.runtime()
    for number in range(sessions.MOST + 5):
        held.attach(str(number), runtime, owner="a" * 32)
    assert forgotten == [str(number) for number in range(5)]


async def test_a_turn_ends_with_its_tab_and_with_all_turns(held: Sessions, rig: Rig) -> None:
    first, second = opened(held, rig, "first"), opened(held, rig, "second")
    for runtime in (first, second):
        runtime.swap("messages", "stall-3")
        runtime.ask("x")
    await held.leave("first")
    assert not first.busy and second.busy
    await held.stop_all()
    assert not second.busy and knows(held, "second", second)

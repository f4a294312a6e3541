"""The registry of live sessions: who is kept, and who is forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from aether import sessions
from aether.runtime import AgentRuntime
from aether.sessions import AWAY, IDLE_S, OF_PROGRAMS, OF_VISITOR, Sessions
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


def of(owner: str, number: int) -> str:
    return f"{owner * 32}-{number:032}"


async def test_s1_a_visitors_new_sessions_push_out_his_own(held: Sessions, rig: Rig, forgotten: list[str]) -> None:
    honest = opened(held, rig, of("b", 0))
    for number in range(3 * OF_VISITOR):
        held.enter(of("a", number))
    assert forgotten == [of("a", number) for number in range(2 * OF_VISITOR)]
    assert knows(held, of("b", 0), honest)


async def test_s1_of_his_own_idle_ones_go_first_and_one_that_answers_last(
    held: Sessions, rig: Rig, there: set[str], forgotten: list[str]
) -> None:
    runtime = opened(held, rig, of("a", 0))
    runtime.swap("chat", "stall-3")
    runtime.ask("x")
    there.add(of("a", 1))
    for number in range(1, OF_VISITOR + 5):
        held.enter(of("a", number))
    assert forgotten == [of("a", number) for number in range(2, 7)]
    assert held.is_busy(of("a", 0))
    await runtime.stop()


async def test_s1_programs_share_a_class_and_push_out_no_visitor(
    there: set[str], rig: Rig, forgotten: list[str], clock: Clock
) -> None:
    held = Sessions(there.__contains__, of_programs=OF_PROGRAMS, clock=clock)
    held.on_forget = forgotten.append
    visitor = opened(held, rig, of("a", 0))
    for number in range(sessions.MOST + 5):
        held.enter(f"program-{number}")
    assert knows(held, of("a", 0), visitor)
    assert len(forgotten) == sessions.MOST + 5 - OF_PROGRAMS
    await held.aclose()


async def test_s1_many_visitors_push_out_first_what_nobody_uses(
    held: Sessions, rig: Rig, there: set[str], forgotten: list[str]
) -> None:
    tab = opened(held, rig, "honest-tab")
    there.add("honest-tab")
    for number in range(sessions.MOST + 5):
        held.enter(f"v{number}-tab")
    assert knows(held, "honest-tab", tab)
    assert forgotten[:2] == ["v0-tab", "v1-tab"]

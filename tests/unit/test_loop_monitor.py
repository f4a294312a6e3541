"""What holds the event loop is named, with what it has cost; a loop that comes round is left in peace."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import pytest

from aether import metrics
from aether.loop_monitor import LoopMonitor
from tests.app_process import HELD, AppProcess


@pytest.fixture
async def monitor() -> AsyncIterator[LoopMonitor]:
    monitor = LoopMonitor()
    monitor.start()
    yield monitor
    monitor.stop()


def compute(cpu_s: float) -> None:
    """Hold the loop."""
    end = time.thread_time() + cpu_s
    while time.thread_time() < end:
        pass


def wait(clock_s: float) -> None:
    """Hold the loop without doing anything."""
    time.sleep(clock_s)


async def reports(caplog: pytest.LogCaptureFixture, count: int) -> list[str]:
    """Return the reports once there are so many."""
    end = time.monotonic() + 20
    while len(caplog.records) < count and time.monotonic() < end:
        await asyncio.sleep(0.01)
    return [record.getMessage() for record in caplog.records]


def signs() -> float:
    return metrics.REGISTRY.get_sample_value("aether_loop_lag_seconds_count") or 0.0


async def test_what_computes_on_the_loop_is_named(monitor: LoopMonitor, caplog: pytest.LogCaptureFixture) -> None:
    compute(0.8)
    [said] = await reports(caplog, 1)
    assert said.startswith("The event loop was held for ")
    assert "test_loop_monitor.py" in said.partition(" in ")[2].partition(" < ")[0]
    assert "compute" in said
    found = HELD.search(said)
    assert found
    assert float(found[1]) > 0.4


async def test_what_waits_on_the_loop_is_named_and_costs_no_cpu(
    monitor: LoopMonitor, caplog: pytest.LogCaptureFixture
) -> None:
    wait(1.5)
    [said] = await reports(caplog, 1)
    assert "wait" in said
    found = HELD.search(said)
    assert found
    assert float(found[1]) < 0.5


async def test_reports_are_few(monitor: LoopMonitor, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        compute(0.5)
        before = signs()
        while signs() < before + 2:
            await asyncio.sleep(0.01)
    assert len(caplog.records) == 1
    compute(1.6)
    assert len(await reports(caplog, 2)) == 2


async def test_a_loop_that_comes_round_is_left_in_peace(monitor: LoopMonitor, caplog: pytest.LogCaptureFixture) -> None:
    before = signs()
    while signs() < before + 3:
        await asyncio.sleep(0.001)
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING and float(r.args[2]) > 0.2]  # pyright: ignore


def test_a_test_fails_whose_application_is_held(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = AppProcess(tmp_path_factory.mktemp("app"))
    app.lines = ["WARNING The event loop was held for 9.00 s (0.30 s of CPU time) in x.py:1 f"]
    app.look_at_loop()
    app.lines.append("WARNING The event loop was held for 3.10 s (3.00 s of CPU time) in x.py:1 f")
    with pytest.raises(AssertionError, match=r"held for 3\.10 s"):
        app.look_at_loop()
    app.look_at_loop()

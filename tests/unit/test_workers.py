"""Functions over untrusted input end, whatever they are given, and nobody holds all places."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aether.errors import WorkerBusy, WorkerFailed, WorkerTimeout
from aether.transcript import Text, TranscriptError
from aether.workers import PoolLimits, WorkerPool, _reply  # pyright: ignore[reportPrivateUsage]
from tests import work

ROOT = Path(__file__).parent.parent.parent
LONG_S = 30.0


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool()
    yield pool
    await pool.aclose()


async def test_a_worker_is_used_again_and_knows_nothing(pool: WorkerPool) -> None:
    first, modules, environment = await pool.run(work.describe, timeout_s=LONG_S, owner="a")
    second = (await pool.run(work.describe, timeout_s=LONG_S, owner="b"))[0]
    assert first == second != os.getpid()
    assert set(environment) <= {"LC_CTYPE"}  # what Python sets for itself
    assert not {m.split(".")[0] for m in modules} & {"gradio", "fastapi", "uvicorn", "httpx2", "app"}
    assert await pool.run(work.print_much, timeout_s=LONG_S, owner="a") == Text("quiet")


@pytest.mark.parametrize(("function", "timeout_s"), [(work.compute_for_ever, 0.2), (work.sleep_for_ever, 0.01)])
async def test_what_does_not_end_is_ended(pool: WorkerPool, function: object, timeout_s: float) -> None:
    with pytest.raises(WorkerTimeout):
        await pool.run(function, timeout_s=timeout_s, owner="a")  # pyright: ignore[reportArgumentType]
    assert await pool.run(work.double, 21, timeout_s=LONG_S, owner="a") == 42


@pytest.mark.parametrize("function", [work.fill_memory, work.fail, work.end, work.return_a_function])
async def test_what_fails_is_an_error_and_no_more(pool: WorkerPool, function: object) -> None:
    with pytest.raises(WorkerFailed) as failure:
        await pool.run(function, timeout_s=LONG_S, owner="a")  # pyright: ignore[reportArgumentType]
    assert "secret" not in str(failure.value)
    assert await pool.run(work.double, 21, timeout_s=LONG_S, owner="a") == 42


async def test_an_error_of_ours_comes_as_it_was(pool: WorkerPool) -> None:
    with pytest.raises(TranscriptError, match="No conversation here"):
        await pool.run(work.refuse, "No conversation here.", timeout_s=LONG_S, owner="a")


async def test_a_worker_writes_no_file(pool: WorkerPool, tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed):
        await pool.run(work.write_a_file, str(tmp_path / "x"), timeout_s=LONG_S, owner="a")


async def test_nobody_holds_all_places(pool: WorkerPool, tmp_path: Path) -> None:
    go = tmp_path / "go"
    greedy = [asyncio.create_task(pool.run(work.wait_for, str(go), timeout_s=LONG_S, owner="greedy")) for _ in range(5)]
    await asyncio.sleep(0)
    assert await pool.run(work.double, 1, timeout_s=LONG_S, owner="honest") == 2
    assert not any(task.done() for task in greedy)
    go.touch()
    await asyncio.gather(*greedy)


async def test_owners_take_turns(tmp_path: Path) -> None:
    pool = WorkerPool(PoolLimits(workers=1))
    order: list[str] = []

    async def run(owner: str) -> None:
        await pool.run(work.double, 1, timeout_s=LONG_S, owner=owner)
        order.append(owner)

    tasks = [asyncio.create_task(run(owner)) for owner in ("a", "a", "a", "a", "b", "c")]
    await asyncio.gather(*tasks)
    await pool.aclose()
    assert order[:4] == ["a", "a", "b", "c"] and len(order) == 6


async def test_the_queue_is_bounded(tmp_path: Path) -> None:
    pool = WorkerPool(PoolLimits(workers=1, queue=3, queue_per_owner=2))

    def run(owner: str) -> asyncio.Task[int]:
        return asyncio.create_task(pool.run(work.wait_for, str(tmp_path / "go"), timeout_s=LONG_S, owner=owner))

    tasks = [run("a") for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(WorkerBusy):
        await pool.run(work.double, 1, timeout_s=LONG_S, owner="a")
    tasks.append(run("b"))
    await asyncio.sleep(0)
    with pytest.raises(WorkerBusy):
        await pool.run(work.double, 1, timeout_s=LONG_S, owner="c")
    (tmp_path / "go").touch()
    await asyncio.gather(*tasks)
    with pytest.raises(WorkerBusy):
        blocked = WorkerPool(PoolLimits(workers=1))
        held = asyncio.create_task(blocked.run(work.sleep_for_ever, timeout_s=LONG_S, owner="a"))
        await asyncio.sleep(0)
        try:
            await blocked.run(work.double, 1, timeout_s=LONG_S, owner="b", wait_s=0.01)
        finally:
            held.cancel()
            await blocked.aclose()
    await pool.aclose()


async def test_a_caller_that_leaves_frees_its_place() -> None:
    pool = WorkerPool(PoolLimits(workers=1))
    first = asyncio.create_task(pool.run(work.sleep_for_ever, timeout_s=LONG_S, owner="a"))
    second = asyncio.create_task(pool.run(work.double, 2, timeout_s=LONG_S, owner="a"))
    third = asyncio.create_task(pool.run(work.double, 3, timeout_s=LONG_S, owner="b"))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    assert await third == 6
    await pool.aclose()


async def test_idle_workers_end() -> None:
    pool = WorkerPool(PoolLimits(idle_s=0.01))
    pid = (await pool.run(work.describe, timeout_s=LONG_S, owner="a"))[0]
    assert await _is_gone(pid)
    assert await pool.run(work.double, 2, timeout_s=LONG_S, owner="a") == 4
    await pool.aclose()


PARENT = """
import asyncio, sys
sys.path.insert(0, {root!r})
from aether.workers import WorkerPool
from tests import work

async def main():
    pool = WorkerPool()
    print((await pool.run(work.describe, timeout_s=60, owner="a"))[0], flush=True)
    await pool.run({function}, timeout_s=60, owner="a")

asyncio.run(main())
"""


@pytest.mark.parametrize("function", ["work.compute_for_ever", "work.sleep_for_ever"])
async def test_no_worker_outlives_its_parent(function: str, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(root=str(ROOT), function=function))
    parent = subprocess.Popen([sys.executable, str(script)], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert await _is_gone(worker)


async def _is_gone(pid: int) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_call_that_is_cancelled_as_a_place_comes_free_is_only_cancelled() -> None:
    slow = WorkerPool(PoolLimits(workers=1))
    running = asyncio.create_task(slow.run(work.compute_for_ever, timeout_s=0.2, owner="a"))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(slow.run(work.double, 2, timeout_s=5, owner="b"))
    running.add_done_callback(lambda _: waiting.cancel())
    await asyncio.wait([running, waiting])
    assert waiting.cancelled()
    assert await slow.run(work.double, 2, timeout_s=5, owner="c") == 4
    await slow.aclose()


async def test_a_call_that_cannot_be_imported_fails_at_once(pool: WorkerPool) -> None:
    def absent() -> None: ...

    absent.__module__, absent.__qualname__ = "no_such_module", "absent"
    with pytest.raises(WorkerFailed):
        await pool.run(absent, timeout_s=LONG_S, owner="a")


async def test_no_call_starts_a_worker_after_the_pool_has_closed(tmp_path: Path) -> None:
    pool = WorkerPool(PoolLimits(workers=1))
    calls = [asyncio.create_task(pool.run(work.sleep_for_ever, timeout_s=LONG_S, owner=o)) for o in "abc"]
    await asyncio.sleep(0)
    await pool.aclose()
    failures = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(failure, WorkerFailed | WorkerBusy) for failure in failures)
    with pytest.raises(WorkerBusy):
        await pool.run(work.double, 21, timeout_s=LONG_S, owner="a")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"caether.transcript\nBlob\n(tR.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x8e" + b"\xff" * 7 + b"\x7f.",
        pickle.dumps(7),
        pickle.dumps((1, (7, "name", "words"), False)),
        pickle.dumps((1, "four", False)),
    ],
    ids=["empty", "arguments", "call", "length", "number", "module", "text"],
)
def test_whatever_a_worker_answers_is_a_reply_or_a_failure(message: bytes) -> None:
    with pytest.raises(WorkerFailed):
        _reply(message)

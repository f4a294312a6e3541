"""A bounded pool of child processes for pure functions over untrusted input.

Whatever a stranger hands over, a call ends: the worker that used up its CPU time, its memory or its
wall time is ended and replaced, and the event loop waits for none of it. Places are shared by owner:
where there is more than one worker, no owner holds all of them, and owners take turns in the queue.
A worker starts at its first call and ends when nothing was asked of it for a while.

A function is named by its module, which a worker imports: it must stand at the top of one that imports
neither Gradio nor the application. It is handed its arguments by value and nothing else: no key, no
environment, no language of a reader. What comes back is not trusted: plain values, and dataclasses of
the modules in `RESULT_MODULES`.
"""

from __future__ import annotations

import asyncio
import io
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from aether import errors, worker_process
from aether.errors import AetherError, WorkerBusy, WorkerFailed, WorkerTimeout
from aether.fair import FairPlaces

START_S = 20.0
"""Seconds that a worker may take to start, and to import what a call needs."""
WALL_FACTOR = 5
"""On a busy machine a call takes longer than its CPU time: so many times as long."""
WALL_LEAST_S = 2.0
Result = TypeVar("Result")
Reply = tuple[Any, tuple[str, str, str] | None, bool]
"""A value, or the class and the text of an error, and whether the worker ends after it."""
RESULT_MODULES = frozenset(("aether.transcript", "aether.parts", "aether.usage"))
"""Whose dataclasses a result may hold."""
CHILD = Path(worker_process.__file__)
ROOT = Path(__file__).parent.parent
"""The folder from which `aether` is imported."""


@dataclass(frozen=True)
class PoolLimits:
    """The limits of a pool; `idle_s`: seconds after which an idle worker ends."""

    workers: int = 2
    queue: int = 64
    queue_per_owner: int = 16
    idle_s: float = 60.0
    memory_bytes: int = 512_000_000
    reply_bytes: int = 64_000_000

    @property
    def workers_per_owner(self) -> int:
        """Return how many workers one owner may hold at once."""
        return max(1, self.workers - 1)


class WorkerPool:
    """Run functions in worker processes, for one event loop."""

    def __init__(self, limits: PoolLimits = PoolLimits()) -> None:
        self._limits = limits
        self._places = FairPlaces(
            limits.workers,
            per_owner=limits.workers_per_owner,
            queue=limits.queue,
            queue_per_owner=limits.queue_per_owner,
        )
        self._idle: list[_Worker] = []
        self._workers: set[_Worker] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def run(
        self,
        function: Callable[..., Result],
        *args: Any,
        timeout_s: float,
        owner: str,
        memory_bytes: int | None = None,
        wait_s: float = 30.0,
    ) -> Result:
        """Return `function(*args)`, computed in a worker.

        `timeout_s` is CPU time; by the clock it may take `WALL_FACTOR` times as long. Raises WorkerTimeout
        after that, WorkerBusy where the queue is full or no place was free in `wait_s` seconds, WorkerFailed
        for any other failure, and the AetherError that the function raised itself.
        """
        call = (function.__module__, function.__qualname__, args, timeout_s, memory_bytes or self._limits.memory_bytes)
        message = pickle.dumps(call, pickle.HIGHEST_PROTOCOL)
        await self._places.take(owner, wait_s)
        if self._is_closed:  # it has waited while the pool was closed
            self._places.give_back(owner)
            raise WorkerBusy
        worker = self._idle.pop() if self._idle else _Worker()
        self._workers.add(worker)
        is_reusable = False
        try:
            value, error, is_last = await worker.call(message, timeout_s, self._limits.reply_bytes)
            is_reusable = not is_last and not self._is_closed
        finally:
            if is_reusable:
                self._idle.append(worker)
                self._end_idle_later()
            else:
                self._end(worker)
            self._places.give_back(owner)
        if error is not None:
            raise _raised(error)
        return value

    async def aclose(self) -> None:
        """End all workers, and the calls that they work on or that wait for one."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        ending = [worker.end() for worker in self._workers]
        await asyncio.gather(*(process.wait() for process in ending if process is not None))

    def _end_idle_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._limits.idle_s, self._end_idle)

    def _end_idle(self) -> None:
        while self._idle:
            self._end(self._idle.pop())

    def _end(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        worker.end()


class _Worker:
    """One child process; it starts at its first call."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._is_ended = False

    async def call(self, message: bytes, timeout_s: float, most_bytes: int) -> Reply:
        """Return the value, the error and whether the worker ends now; raise WorkerTimeout or WorkerFailed."""
        try:
            async with asyncio.timeout(START_S):
                process = self._process or await self._start()
                await _send(process, message)
                await _receive(process, most_bytes)
            async with asyncio.timeout(max(WALL_LEAST_S, WALL_FACTOR * timeout_s)):
                reply = await _receive(process, most_bytes)
            return _reply(reply)
        except TimeoutError as error:
            raise WorkerTimeout from error
        except (OSError, EOFError, ValueError) as error:
            if await self._used_up_its_time():
                raise WorkerTimeout from error
            raise WorkerFailed from error

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(CHILD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        if self._is_ended:  # while it started
            self.end()
            raise OSError("the worker has ended")
        await _send(process, pickle.dumps([str(ROOT), *(path for path in sys.path if path)]))
        return process

    async def _used_up_its_time(self) -> bool:
        """Return whether the system ended the process for the CPU time that it took."""
        if self._process is None:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                return -await self._process.wait() == getattr(signal, "SIGPROF", 0)
        return False

    def end(self) -> asyncio.subprocess.Process | None:
        """Kill the process, which has nothing to put in order, and return it."""
        self._is_ended = True
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        return self._process


class _Plain(pickle.Unpickler):
    """Reads plain values and our own dataclasses: a worker that a stranger took over calls nothing here."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        found = getattr(sys.modules.get(module_name), global_name, None) if module_name in RESULT_MODULES else None
        if isinstance(found, type) and is_dataclass(found):
            return found
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no result")


def _reply(message: bytes) -> Reply:
    """Return what a worker's message says; raise WorkerFailed for anything else, whatever reading it leads to."""
    try:
        value, error, is_last = _Plain(io.BytesIO(message)).load()
        if error is not None:
            module, name, words = error
            if not (isinstance(module, str) and isinstance(name, str) and isinstance(words, str)):
                raise TypeError("the error is not made of text")
            error = (module, name, words)
    except Exception as failure:
        raise WorkerFailed from failure
    return value, error, bool(is_last)


def _raised(error: tuple[str, str, str]) -> AetherError:
    """Return what to raise for an error in a worker: our own as it was, WorkerFailed for any other."""
    module, name, words = error
    kind = getattr(sys.modules.get(module), name, None) if module.startswith("aether.") else None
    if isinstance(kind, type) and issubclass(kind, errors.AetherError):
        with suppress(TypeError):  # one that is made from other values
            return kind(words)
    failure = WorkerFailed()
    failure.__notes__ = [f"{module}.{name}"]
    return failure


async def _send(process: asyncio.subprocess.Process, message: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(len(message).to_bytes(worker_process.HEADER, "big"))
    process.stdin.write(message)
    await process.stdin.drain()


async def _receive(process: asyncio.subprocess.Process, most_bytes: int) -> bytes:
    assert process.stdout is not None
    length = int.from_bytes(await process.stdout.readexactly(worker_process.HEADER), "big")
    if length > most_bytes:
        raise ValueError("the reply is too long")
    return await process.stdout.readexactly(length)

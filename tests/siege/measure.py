"""Memory of the application and of each of its children, disk, signs of life, and what the log says."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import httpx2
import psutil

from tests.app_process import AppProcess

EACH_S = 0.5


class Measure(threading.Thread):
    """Look twice a second until `stop` is called."""

    def __init__(self, app: AppProcess, folder: Path) -> None:
        super().__init__(daemon=True)
        self._app, self._folder = app, folder
        self._over = threading.Event()
        self.statuses: Counter[str] = Counter()
        self.slowest_s = 0.0
        self.rss_mb = 0.0
        self.children_mb: dict[int, float] = {}
        self.disk_before = self.disk_mb()
        self._lines = len(app.lines)

    def run(self) -> None:
        process = psutil.Process(self._app.pid)
        while not self._over.wait(EACH_S):
            self._probe()
            self._weigh(process)

    def _probe(self) -> None:
        """Ask as an orchestrator does, over a connection of its own each time."""
        began = time.monotonic()
        try:
            self.statuses[str(httpx2.get(f"{self._app.url}/healthz", timeout=60).status_code)] += 1
        except httpx2.HTTPError as error:
            self.statuses[type(error).__name__] += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def _weigh(self, process: psutil.Process) -> None:
        try:
            self.rss_mb = max(self.rss_mb, process.memory_info().rss / 1e6)
            for child in process.children(recursive=True):
                mb = child.memory_info().rss / 1e6
                self.children_mb[child.pid] = max(mb, self.children_mb.get(child.pid, 0.0))
        except psutil.Error:
            return  # a child has ended meanwhile

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join(70)

    def disk_mb(self) -> float:
        """Return how much the folders of the application hold."""
        total = 0
        for path in self._folder.rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except OSError:
                continue
        return total / 1e6

    def said(self, words: str) -> list[str]:
        """Return the lines of the log with these words since the measure began."""
        return [line for line in self._app.lines[self._lines :] if words in line]

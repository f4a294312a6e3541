"""One real browser, and answers timed in it by the page's own clock."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from bench.apps import App
from bench.processes import Server, Tree
from bench.provider import Provider

STOPWATCH = (Path(__file__).parent / "stopwatch.js").read_text()
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
AFTER_S = 0.5
"""CPU is counted until so long after the answer is settled."""
LONG_FRAME_MS = 50


@dataclass(frozen=True)
class Timed:
    """One answer on the page. Times in milliseconds from the Enter key, CPU in seconds."""

    first_ms: float
    painted_ms: float
    server_cpu_s: float
    browser_cpu_s: float
    long_frames: int
    worst_frame_ms: float
    p95_gap_ms: float


class Chromium:
    """The browser and its processes."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        mine = psutil.Process().children(recursive=True)
        root = next(p for p in mine if "chrom" in p.name() and "chrom" not in (p.parent() or p).name())
        self.tree = Tree(root.pid)

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Open a page of its own, with the stopwatch in it."""
        context = self.browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script(STOPWATCH)
        try:
            yield context.new_page()
        finally:
            context.close()


def installed() -> str | None:
    """Return the path of a browser that is there; None: Playwright's own."""
    found = (shutil.which(n) for n in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))
    return os.environ.get("AETHER_CHROMIUM") or next((p for p in found if p), None)


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start a browser: an installed Chromium, else Playwright's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=FLAGS)
        try:
            yield Chromium(browser)
        finally:
            browser.close()


@dataclass
class Visit:
    """One conversation on one page of one application."""

    app: App
    server: Server
    provider: Provider
    chromium: Chromium
    page: Page
    turns: int
    model: str = ""
    asked: int = 0

    def choose(self, model: str) -> None:
        """Choose a model on the page."""
        self.app.choose(self.page, model)
        self.model = model

    def ask(self) -> Timed:
        """Type, press Enter, wait for the answer and for the page to be ready; check what the provider got."""
        page, message = self.page, f"question {self.asked}"
        page.locator(self.app.composer).fill(message)
        page.evaluate("([where, after]) => stopwatch.answer(where, after)", [list(self.app.answers), self._number()])
        server, browser = self.server.tree.cpu_s(), self.chromium.tree.cpu_s()
        page.locator(self.app.composer).press("Enter")
        result = page.evaluate("stopwatch.result()")
        self.asked += 1
        self.app.settled(page, self.asked)
        time.sleep(AFTER_S)
        server, browser = self.server.tree.cpu_s() - server, self.chromium.tree.cpu_s() - browser
        self.provider.check(model=self.model, message=message, users=self.turns + self.asked)
        return _timed(result, server, browser)

    def _number(self) -> int:
        """Return the number of the provider's last answer: the next one's is greater."""
        return self.provider.answered


def _timed(result: dict[str, list[float]], server: float, browser: float) -> Timed:
    frames, paints = result["frames"], result["paints"]
    gaps = sorted(b - a for a, b in pairwise(paints)) or [0.0]
    return Timed(
        first_ms=float(result["first"]),  # type: ignore[arg-type]
        painted_ms=float(result["total"]),  # type: ignore[arg-type]
        server_cpu_s=server,
        browser_cpu_s=browser,
        long_frames=sum(f > LONG_FRAME_MS for f in frames),
        worst_frame_ms=max(frames, default=0.0),
        p95_gap_ms=gaps[min(len(gaps) - 1, int(0.95 * len(gaps)))],
    )

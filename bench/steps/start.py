"""From nothing to a composer that can be typed into, and the memory that this takes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from playwright.sync_api import expect

from bench.browser import chromium
from bench.line import CI, Line
from bench.plan import Plan
from bench.provider import Provider


def start(plan: Plan) -> None:
    """Start each application afresh and open its page as soon as it answers."""
    with Provider() as provider, chromium() as browser:
        for number in range(plan.rounds + 1):
            for app in plan.apps:
                with (
                    tempfile.TemporaryDirectory(prefix="aether-bench-") as folder,
                    app.server(provider, Path(folder)) as server,
                    browser.page() as page,
                ):
                    answered = server.wait()
                    page.goto(server.url)
                    expect(page.locator(app.composer)).to_be_editable(timeout=60_000)
                    usable = time.perf_counter() - server.began
                    if number:  # the first start compiles
                        plan.book.add("start/answers_s", app.name, answered)
                        plan.book.add("start/usable_s", app.name, usable)
                        plan.book.add("start/rss_mb", app.name, server.tree.rss_mb())


STEPS = (start,)
LINES = (
    Line("memory after start", "start/rss_mb", "MB", 1.15, 1.0, ("start/rss_mb", CI)),
    Line("process start → composer that can be typed into", "start/usable_s", "s", 1.1, None, ("start/usable_s", CI), digits=2),
)  # fmt: skip

"""From nothing to a composer that can be typed into, and the memory that this takes."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, expect

from bench.apps import App
from bench.browser import chromium
from bench.line import CI, Line
from bench.plan import Plan
from bench.processes import Server
from bench.provider import Provider

LATER_S = 4.0


def start(plan: Plan) -> None:
    """Start each application afresh and open its page as soon as it answers."""
    with Provider() as provider, chromium() as browser, ExitStack() as homes:
        folders = {app.name: homes.enter_context(TemporaryDirectory(prefix="aether-bench-")) for app in plan.apps}
        for number in range(plan.rounds + 1):
            for app in plan.apps:
                with app.server(provider, Path(folders[app.name])) as server, browser.page() as page:
                    answered = server.wait()
                    page.goto(server.url)
                    expect(page.locator(app.composer)).to_be_editable(timeout=60_000)
                    usable = time.perf_counter() - server.began
                    if number:  # the first start compiles, and makes the database
                        plan.book.add("start/answers_s", app.name, answered)
                        plan.book.add("start/usable_s", app.name, usable)
                        plan.book.add("start/rss_mb", app.name, server.tree.rss_mb())
                        plan.book.add("start/rss_used_mb", app.name, _used_mb(app, page, server))


def _used_mb(app: App, page: Page, server: Server) -> float:
    """Return the memory once the application has answered, and had its time to load what it loads later."""
    time.sleep(LATER_S)
    page.locator(app.composer).fill("hello")
    page.locator(app.composer).press("Enter")
    expect(page.locator(",".join(app.answers)).last).to_contain_text("[[end", timeout=60_000)
    app.settled(page, 1)
    return server.tree.rss_mb()


STEPS = (start,)
LINES = (
    Line("memory after start", "start/rss_mb", "MB", 1.15, 1.0, ("start/rss_mb", CI)),
    Line("memory after the first answer", "start/rss_used_mb", "MB", None, None, ("start/rss_used_mb", CI)),
    Line("process start → composer that can be typed into", "start/usable_s", "s", 1.1, None, ("start/usable_s", CI), digits=2),
)  # fmt: skip

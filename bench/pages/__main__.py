"""Measure Aether's page beside those of other projects: `python -m bench.pages [--rounds N] [--quick] [--publish]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import expect

from bench.apps import Aether, App
from bench.book import OUT, Book
from bench.browser import Chromium, Visit, chromium
from bench.line import OURS
from bench.pages.apps import OTHERS
from bench.plan import WARM_UP, Plan
from bench.processes import Server
from bench.provider import Provider
from bench.publish import machine, put
from bench.steps.answers import PACED, note, warm_up


@dataclass(frozen=True)
class Row:
    """One line of the table. `is_ratio` false: what may be nothing has no ratio."""

    work: str
    figure: str
    unit: str
    digits: int = 0
    is_ratio: bool = True


ROWS = (
    Row("Enter → first text, empty history", "first_text/0/ms", "ms"),
    Row("200 tokens at 50/s: painted after the model's 3.98 s by", "paced/0/behind_s", "s", 2, is_ratio=False),
    Row("… server CPU", "paced/0/server_cpu_s", "s", 2),
    Row("… browser CPU", "paced/0/browser_cpu_s", "s", 2),
    Row("1,000 tokens at once: painted", "fast/1000/painted_s", "s", 2),
    Row("… server CPU", "fast/1000/server_cpu_s", "s", 2),
    Row("… browser CPU", "fast/1000/browser_cpu_s", "s", 2),
    Row("process start → composer that can be typed into", "start/usable_s", "s", 2),
    Row("memory after start", "start/rss_mb", "MB"),
)


def measure(plan: Plan) -> None:
    """Start each application in turns, and do each work on a page of its own with an empty history."""
    with Provider() as provider, chromium() as browser, ExitStack() as homes:
        folders = {app.name: homes.enter_context(TemporaryDirectory(prefix="aether-bench-")) for app in plan.apps}
        for number in range(plan.rounds + 1):
            for app in plan.apps:
                server = app.server(provider, Path(folders[app.name]))
                with server:
                    started = _start(app, server, browser)
                    if number:  # the first start compiles, and makes databases
                        for figure, value in started.items():
                            plan.book.add(f"start/{figure}", app.name, value)
                        _answers(plan, app, server, provider, browser)


def _start(app: App, server: Server, browser: Chromium) -> dict[str, float]:
    server.wait()
    with browser.page() as page:
        page.goto(server.url)
        expect(page.locator(app.composer)).to_be_editable(timeout=60_000)
        return {"usable_s": time.perf_counter() - server.began, "rss_mb": server.tree.rss_mb()}


def _answers(plan: Plan, app: App, server: Server, provider: Provider, browser: Chromium) -> None:
    works = (("first_text/0", "fast-1", plan.asks), ("paced/0", PACED, 2), ("fast/1000", "fast-1000", 2))
    for figure, model, asks in works:
        before = provider.answered
        with browser.page() as page:
            app.open(page, server, turns=0)
            visit = Visit(app, server, provider, browser, page, turns=0)
            warm_up(visit)
            visit.choose(model)
            answers = [visit.ask() for _ in range(asks)]
            of_its_own = provider.answered - before - WARM_UP - asks
            assert not of_its_own, f"{app.name} asked a model {of_its_own} times of its own accord"
            note(plan, figure, app, answers)
            plan.book.add(f"{figure}/ms", app.name, [a.first_ms for a in answers])


def table(book: Book, apps: Iterable[App]) -> str:
    """Return the table as Markdown: Aether, each other page, and the ratio of Aether to it."""
    names = [app.name for app in apps if book.figures("start") and book.get("start/usable_s", app.name)]
    lines = ["| work | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    lines += ["| " + " | ".join((row.work, *(_cell(book, row, name) for name in names))) + " |" for row in ROWS]
    return "\n".join(lines)


def _cell(book: Book, row: Row, name: str) -> str:
    found, ours = book.get(row.figure, name), book.get(row.figure, OURS)
    if found is None or ours is None:
        return ""
    least, highest = (f"{v:.{row.digits}f}" for v in (min(found.values), max(found.values)))
    said = f"{found.median:.{row.digits}f} {row.unit} ({least}–{highest})"
    if name == OURS or not row.is_ratio or not found.median:
        return said
    ratio = ours.median / found.median
    return f"{said} · {f'{ratio:.2f} ×' if ratio > 0.3 else f'1/{1 / ratio:.1f}'}"


def main() -> None:
    """Measure what is installed, print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each application has its turn")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="some of the other pages")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/benchmarks.md")
    given = parser.parse_args()
    others = [app for app in OTHERS if app.is_there and (not given.only or app.name in given.only)]
    for app in OTHERS:
        if app not in others:
            print(f"{app.name} is left out.", file=sys.stderr)
    path = OUT / "pages.json"
    path.unlink(missing_ok=True)
    rounds, asks = (1, 3) if given.quick else (given.rounds, 7)
    plan = Plan(Book(path), rounds=rounds, asks=asks, apps=(Aether(), *others))
    measure(plan)
    versions = ", ".join(f"{app.package} {app.version}" for app in others)
    told = f"{machine().removesuffix('.')}, {versions}.\n\n{table(plan.book, plan.apps)}"
    print(told)
    if given.publish:
        put("pages", told)


if __name__ == "__main__":
    main()

"""A notebook of 300 cells against an empty one: opening its page, scrolling, the next answer."""

from __future__ import annotations

import tempfile
import time
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Page, expect

from aether import exports
from aether.parts import Text
from aether.transcript import Answer, Origin, Step, Transcript, Turn
from bench.apps import Aether
from bench.browser import AFTER_S, LONG_FRAME_MS, Chromium, chromium
from bench.line import OURS, Line
from bench.plan import WARM_UP, Plan, served
from bench.processes import Server
from bench.provider import Provider

CELLS = 300
PACED = "paced-50x200"
OPENED = """(last) => new Promise((resolve) => {
  const look = () => {
    const stands = !last || document.querySelector(`#chat .cell[data-turn="${last}"]`);
    if (stands && document.body.dataset.ready === "true" && document.querySelector("#composer textarea"))
      resolve(performance.now());
    else requestAnimationFrame(look);
  };
  look();
})"""
"""The time since the page was asked for, once it can be typed into and shows its last cell."""
SCROLL = """() => new Promise((resolve) => {
  const frames = [];
  const end = document.documentElement.scrollHeight;
  scrollTo({ top: 0, behavior: "instant" });
  let [before, at] = [0, 0];
  const step = (now) => {
    if (before) frames.push(now - before);
    before = now;
    at += Math.max(120, end / 300);
    scrollTo({ top: at, behavior: "instant" });
    if (at < end) requestAnimationFrame(step);
    else resolve(frames);
  };
  requestAnimationFrame(step);
})"""
"""The times of the frames while the page is scrolled from its top to its end."""


def notebook(plan: Plan) -> None:
    """Measure all three, in turns with an empty notebook."""
    with Provider() as provider, chromium() as browser, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.json"
        path.write_bytes(exports.document(_long(), "json").data)
        for _ in range(plan.rounds):
            with served(Aether(), provider) as server, browser.page() as page:
                _measure(plan, server, page, path)
        for _ in range(plan.rounds):
            for cells in (0, CELLS):
                _answer(plan, provider, browser, path, cells=cells)


def _long() -> Transcript:
    """Return a notebook such as people keep: prose, code, tables, formulas; two models in turn."""
    words = "Light of short waves is scattered more than light of long ones. " * 6
    told = (
        f"{words}\n\n- one\n- **two**\n\n{words}",
        f"{words}\n\n```python\n{'print(1)  # a line of code' + chr(10)}\n```",
        f"| a | b |\n|---|---|\n{'| 1 | 2 |' + chr(10)}\n\n{words}",
        f"The energy is $E = mc^2$.\n\n\\[\\int_0^1 x^2\\,dx = \\frac{{1}}{{3}}\\]\n\n{words}",
    )
    made = Transcript("You are {model}.")
    for number in range(CELLS):
        protocol = ("openai-chat", "anthropic-messages")[number // 10 % 2]
        origin = Origin(protocol, "http://127.0.0.1:9/v1", "", "m")
        step = Step(("chat", "messages")[number // 10 % 2], "m", origin, (Text(told[number % len(told)]),))
        made = made.with_turn(Turn((Text(f"question {number}"),), (Answer((step,)),), at=float(number)))
    return made


def _measure(plan: Plan, server: Server, page: Page, path: Path) -> None:
    add = plan.book.add
    Aether().open(page, server, turns=0)
    _import(page, path)
    kept = page.url
    assert "?" in kept, f"a notebook that is kept has an address, not {kept}"
    for number in range(plan.asks + 1):
        for name, url, last in (("empty", server.url, 0), ("long", kept, CELLS - 1)):
            page.goto("about:blank")
            page.goto(url, wait_until="commit")
            opened = page.evaluate(OPENED, last)
            if number:  # the first fills the browser's cache
                add(f"notebook/open/{name}_ms", "Aether", opened)
    _scrolled(plan, page, "shown")
    while page.locator("#earlier").is_visible():
        before = page.locator("#chat .cell").count()
        page.locator("#earlier").click()
        expect(page.locator(f"#chat .cell >> nth={before}")).to_be_attached(timeout=60_000)
    expect(page.locator("#chat .cell")).to_have_count(CELLS)
    _scrolled(plan, page, "all")


def _scrolled(plan: Plan, page: Page, what: str) -> None:
    time.sleep(AFTER_S)  # what opening left to do is no part of scrolling
    frames = page.evaluate(SCROLL)
    plan.book.add(f"notebook/scroll/{what}/long_frames", "Aether", sum(f > LONG_FRAME_MS for f in frames))
    plan.book.add(f"notebook/scroll/{what}/worst_ms", "Aether", max(frames))


def _answer(plan: Plan, provider: Provider, browser: Chromium, path: Path, *, cells: int) -> None:
    """Time the next answer of a model that writes 50 tokens a second."""
    with served(Aether(), provider) as server, browser.page() as page:
        app = Aether()
        app.open(page, server, turns=0)
        if cells:
            _import(page, path)
        for number in range(WARM_UP + 1):
            app.choose(page, PACED if number == WARM_UP else "fast-1")
            page.locator(app.composer).fill(f"question {number}")
            after = provider.asked
            page.evaluate("([where, after]) => stopwatch.answer(where, after)", [list(app.answers), after])
            page.locator(app.composer).press("Enter")
            result = page.evaluate("stopwatch.result()")
            app.settled(page, number + 1)
        provider.check(model=PACED, message=f"question {WARM_UP}", users=cells + WARM_UP + 1)
        gaps = sorted(b - a for a, b in pairwise(result["paints"]))
        place = "long" if cells else "empty"
        plan.book.add(f"notebook/answer/{place}_gap_ms", "Aether", gaps[int(0.95 * len(gaps))])
        plan.book.add(f"notebook/answer/{place}_s", "Aether", result["total"] / 1000)
        plan.book.add(f"notebook/answer/{place}_first_ms", "Aether", result["first"])
        plan.book.add(
            f"notebook/answer/{place}_long_frames", "Aether", sum(f > LONG_FRAME_MS for f in result["frames"])
        )


def _import(page: Page, path: Path) -> None:
    """Open the file as a person does."""
    page.locator("#inspect").click()
    page.locator("#tab-export").click()
    with page.expect_file_chooser() as asked:
        page.locator("#import").click()
    asked.value.set_files(path)
    expect(page.locator(f'#chat .cell[data-turn="{CELLS - 1}"]')).to_be_attached(timeout=60_000)
    expect(page.locator("body.busy")).to_have_count(0)
    page.locator(".close-drawer").click()
    page.wait_for_function("() => new URL(location).search.length > 1")


STEPS = (notebook,)
LINES = (
    Line("a notebook of 300 cells is opened, against an empty one", "notebook/open/long_ms", "ms", 2, 1.5, ("notebook/open/empty_ms", OURS)),
    Line("… scrolled through: frames over 50 ms", "notebook/scroll/shown/long_frames", "", None, 0),
    Line("… all its cells shown, scrolled through: frames over 50 ms", "notebook/scroll/all/long_frames", ""),
    Line("… the next answer at 50 tokens/s, against an empty one: wall", "notebook/answer/long_s", "s", 1.2, 1.05, ("notebook/answer/empty_s", OURS), digits=2),
    Line("… first text", "notebook/answer/long_first_ms", "ms", None, None, ("notebook/answer/empty_first_ms", OURS)),
    Line("… gap between two updates, p95", "notebook/answer/long_gap_ms", "ms", 1.5, 1.2, ("notebook/answer/empty_gap_ms", OURS)),
    Line("… frames over 50 ms", "notebook/answer/long_long_frames", "", 1.5, 1, ("notebook/answer/empty_long_frames", OURS)),
)  # fmt: skip

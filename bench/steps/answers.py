"""Answers on the page: first text, a paced answer behind a long history, a burst of tokens."""

from __future__ import annotations

from bench.apps import App
from bench.browser import Chromium, Timed, Visit, chromium
from bench.curve import Curve
from bench.line import CI, OURS, Line
from bench.plan import WARM_UP, Plan, visit
from bench.provider import Provider
from bench.raw import sdk_loop

PACED = "paced-50x200"
PACED_S = 199 / 50
"""When the paced model writes its last token, after its first."""


def first_text(plan: Plan) -> None:
    """Time Enter → first text, with and without a history, and the bare SDK on the same work."""
    with Provider() as provider, chromium() as browser:
        for _ in range(plan.rounds):
            for turns in (0, 200):
                raw = [r["first_ms"] for r in sdk_loop(provider.url, "fast-1", turns=turns, times=plan.asks)]
                plan.book.add(f"first_text/{turns}/ms", "bare SDK", raw)
                base = sorted(raw)[len(raw) // 2]
                for app in plan.apps if not turns else plan.own:
                    times = [t.first_ms for t in _asked(plan, app, provider, browser, model="fast-1", turns=turns)]
                    plan.book.add(f"first_text/{turns}/ms", app.name, times)
                    plan.book.add(f"first_text/{turns}/added_ms", app.name, [t - base for t in times])


def paced(plan: Plan) -> None:
    """Time 200 tokens at 50 a second behind growing histories; count CPU and slow frames."""
    with Provider() as provider, chromium() as browser:
        for _ in range(plan.rounds):
            for turns in (0, 200) if plan.is_quick else (0, 100, 200, 300):
                for app in plan.own:
                    if app.name != "Aether" and turns == 300:
                        continue
                    note(plan, f"paced/{turns}", app, _asked(plan, app, provider, browser, PACED, turns, asks=1))


def fast(plan: Plan) -> None:
    """Time many tokens that the model writes at once."""
    with Provider() as provider, chromium() as browser:
        for _ in range(plan.rounds):
            for app in plan.apps:
                note(plan, "fast/1000", app, _asked(plan, app, provider, browser, "fast-1000", 0, asks=2))


def _asked(
    plan: Plan, app: App, provider: Provider, browser: Chromium, model: str, turns: int, *, asks: int = 0
) -> list[Timed]:
    with visit(app, provider, browser, turns=turns) as page:
        warm_up(page)
        page.choose(model)
        return [page.ask() for _ in range(asks or plan.asks)]


def warm_up(page: Visit) -> None:
    """Have some answers that are not counted."""
    page.choose("fast-1")
    for _ in range(WARM_UP):
        page.ask()


def note(plan: Plan, prefix: str, app: App, answers: list[Timed]) -> None:
    """Keep what was seen of some answers."""
    figures = {
        "behind_s": [a.painted_ms / 1000 - PACED_S for a in answers],
        "painted_s": [a.painted_ms / 1000 for a in answers],
        "server_cpu_s": [a.server_cpu_s for a in answers],
        "browser_cpu_s": [a.browser_cpu_s for a in answers],
        "long_frames": [a.long_frames for a in answers],
        "worst_frame_ms": [a.worst_frame_ms for a in answers],
        "gap_ms": [a.p95_gap_ms for a in answers],
    }
    for figure, values in figures.items():
        plan.book.add(f"{prefix}/{figure}", app.name, values)


STEPS = (first_text, paced, fast)
LINES = (
    Line("Enter → first text, empty history", "first_text/0/ms", "ms", 0.75, 0.4, ("first_text/0/ms", CI)),
    Line("Enter → first text, 200 turns", "first_text/200/ms", "ms", 0.5, 0.3, ("first_text/200/ms", CI)),
    Line("first text added over the bare SDK, empty history", "first_text/0/added_ms", "ms"),
    Line("first text added over the bare SDK, 200 turns", "first_text/200/added_ms", "ms"),
    Line("200 tokens at 50/s, 200 turns: painted after the model's 3.98 s by", "paced/200/behind_s", "s", 0.25, 0.1, digits=2),
    Line("… server CPU", "paced/200/server_cpu_s", "s", 1 / 6, 1 / 9, ("paced/200/server_cpu_s", CI), digits=2),
    Line("… browser CPU", "paced/200/browser_cpu_s", "s", 1 / 12, 1 / 18, ("paced/200/browser_cpu_s", CI), digits=2),
    Line("… frames over 50 ms", "paced/200/long_frames", "", 0, 0),
    Line("300 turns against 0, the same paced answer: server CPU", "paced/300/server_cpu_s", "s", 1.5, 1.2, ("paced/0/server_cpu_s", OURS), digits=2),
    Line("… wall", "paced/300/painted_s", "s", 1.5, 1.2, ("paced/0/painted_s", OURS), digits=2),
    Line("1,000 tokens at once: painted", "fast/1000/painted_s", "s", 1 / 8, None, ("fast/1000/painted_s", CI), digits=2),
)  # fmt: skip
CURVES = (
    Curve("history-server", "An answer of 200 tokens at 50/s: the server's CPU", "turns before it", "s of CPU",
          {"Aether": ("Aether", "paced/*/server_cpu_s"), "ChatInterface": (CI, "paced/*/server_cpu_s")}),
    Curve("history-browser", "An answer of 200 tokens at 50/s: the browser's CPU", "turns before it", "s of CPU",
          {"Aether": ("Aether", "paced/*/browser_cpu_s"), "ChatInterface": (CI, "paced/*/browser_cpu_s")}),
)  # fmt: skip

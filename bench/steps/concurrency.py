"""Many sessions at once: each asks for 200 tokens at 50 a second, all of them start within 0.2 s."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from playwright.sync_api import expect

from bench.apps import Aether
from bench.browser import chromium
from bench.curve import Curve
from bench.line import Line, most, p95
from bench.plan import Plan, served
from bench.processes import Server
from bench.provider import ROOT, Provider
from bench.steps.answers import PACED, PACED_S

WITHIN_S = 0.2


def concurrency(plan: Plan) -> None:
    """Let 50 and 200 sessions ask at once; with 200, open a page as one visitor more."""
    with Provider() as provider:
        for _ in range(plan.rounds):
            for sessions in (50, 200) if plan.is_quick else (1, 10, 50, 100, 200):
                with served(Aether(), provider) as server:
                    before = provider.asked
                    _note(plan, sessions, _crowd(server, sessions), Aether.name)
                    assert provider.asked - before == sessions + 1, "not every request arrived, or one too many"
            _note(plan, 50, _bare(provider, 50), "bare client")
        for _ in range(plan.rounds):
            for was_here in (True, False):
                _further_visitor(plan, provider, was_here=was_here)


def _note(plan: Plan, sessions: int, found: dict[str, Any], app: str) -> None:
    for figure, values in found.items():
        plan.book.add(f"concurrency/{sessions}/{figure}", app, values)


def _crowd(server: Server, sessions: int) -> dict[str, Any]:
    """Let a process of its own be the visitors; the server's CPU is counted from when their pages are open."""
    with _started([server.url, "aether", str(sessions)]) as crowd:
        assert crowd.stderr is not None
        crowd.stderr.readline()
        used = server.tree.cpu_s()
        found = _told(crowd)
    return found | {"server_cpu_s": (server.tree.cpu_s() - used) / sessions, "rss_mb": server.tree.rss_mb()}


def _bare(provider: Provider, sessions: int) -> dict[str, Any]:
    """Let the same process ask the provider itself: what the generator of the load can do."""
    with _started([provider.url, "provider", str(sessions)]) as crowd:
        return _told(crowd)


def _started(argv: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.crowd", *argv, PACED, str(WITHIN_S)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _told(crowd: subprocess.Popen[str]) -> dict[str, Any]:
    told, trouble = crowd.communicate()
    assert crowd.returncode == 0, trouble
    said = json.loads(told)
    return said | {"wall_ratio": said.pop("wall_s") / PACED_S}


def _further_visitor(plan: Plan, provider: Provider, *, was_here: bool) -> None:
    """Time how long a page takes to open while 200 answers are written, by a browser that has its scripts or not."""
    with served(Aether(), provider) as server, chromium() as browser, browser.page() as page, browser.page() as fresh:
        page.goto(server.url)
        expect(page.locator(Aether.composer)).to_be_editable(timeout=60_000)
        page.goto("about:blank")
        other = page if was_here else fresh
        with _started([server.url, "aether", "200"]) as crowd:
            assert crowd.stderr is not None
            crowd.stderr.readline()
            crowd.stderr.readline()  # all have asked
            began = time.perf_counter()
            other.goto(server.url, timeout=120_000)
            expect(other.locator(Aether.composer)).to_be_editable(timeout=120_000)
            taken = time.perf_counter() - began
            plan.book.add(f"concurrency/200/{'' if was_here else 'new_'}visitor_s", "Aether", taken)
            _told(crowd)


STEPS = (concurrency,)
LINES = (
    Line("50 sessions at once: all done, of the model's time", "concurrency/50/wall_ratio", "×", 1.25, 1.06, digits=2),
    Line("… gap between two updates, p95", "concurrency/50/gap_ms", "ms", 100, None, value=p95),
    Line("… first text, p95", "concurrency/50/first_ms", "ms", None, 60, value=p95),
    Line("… server CPU an answer", "concurrency/50/server_cpu_s", "s", digits=3),
    Line("200 sessions at once: answers lost", "concurrency/200/lost", "", 0, 0, value=most),
    Line("… all done, of the model's time", "concurrency/200/wall_ratio", "×", digits=2),
    Line("… gap between two updates, p95", "concurrency/200/gap_ms", "ms", None, 300, value=p95),
    Line("… page of a further visitor usable", "concurrency/200/visitor_s", "s", 3, None, digits=2),
    Line("… of one who was never here", "concurrency/200/new_visitor_s", "s", digits=2),
)  # fmt: skip
CURVES = (
    Curve("sessions-wall", "All answers done, 200 tokens at 50/s each", "sessions at once", "× the model's own time",
          {"Aether": ("Aether", "concurrency/*/wall_ratio")}),
    Curve("sessions-gap", "Time between two updates of an answer, 95th percentile", "sessions at once", "ms",
          {"Aether": ("Aether", "concurrency/*/gap_ms")}, share=0.95),
)  # fmt: skip

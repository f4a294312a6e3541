"""The swap: on the server while 50 answers stream, and from the click to the badge in the browser."""

from __future__ import annotations

import asyncio
import gc
import time

from bench.apps import Aether
from bench.browser import chromium
from bench.history import services_over
from bench.line import Line, p50, p95, p99
from bench.plan import WARM_UP, Plan, visit
from bench.provider import Provider

STREAMS = 50
HISTORY = 200
SWAPS = 500


def swap(plan: Plan) -> None:
    """Measure both."""
    with Provider() as provider:
        for _ in range(plan.rounds):
            plan.book.add("swap/server_ms", "Aether", asyncio.run(_on_the_server(provider)))
        _in_the_browser(plan, provider)


async def _on_the_server(provider: Provider) -> list[float]:
    """Swap in a conversation of 200 turns while 50 others stream; return milliseconds."""
    with services_over(provider) as services:
        gc.freeze()  # as the application does when it starts
        writing = [services.new_runtime() for _ in range(STREAMS)]
        mine = services.new_runtime()
        for number, runtime in enumerate((mine, *writing)):
            runtime.keeper.belong(f"visitor {number}")
        mine.select("chat", "fast-200")
        for _ in range(HISTORY):
            mine.ask("an earlier question")
            await mine.settle()
        for runtime in writing:
            runtime.select("chat", "paced-50x9000")
            runtime.ask("go on")
        await asyncio.sleep(0.5)
        taken: list[float] = []
        for number in range(SWAPS):
            provider_name = ("messages", "responses", "chat")[number % 3]
            began = time.perf_counter()
            event = mine.select(provider_name, "fast-200")
            taken.append((time.perf_counter() - began) * 1000)
            assert event["event_type"] == "model_updated", event
            await asyncio.sleep(0.003)
        assert all(r.busy for r in writing), "the streams ended before the swaps did"
        await asyncio.gather(*(r.stop() for r in writing))
        await services.stop()
    return taken


def _in_the_browser(plan: Plan, provider: Provider) -> None:
    models = ("fast-200", "echo")
    with chromium() as browser, visit(Aether(), provider, browser, turns=0) as page:
        page.choose("fast-1")
        for _ in range(WARM_UP):
            page.ask()
        for number in range(10 if plan.is_quick else 40):
            model = models[number % 2]
            page.page.locator("#model input").click()
            option = page.page.get_by_role("option", name=model, exact=True)
            option.wait_for()
            page.page.evaluate("(text) => stopwatch.reading(['#active-model'], text)", f"chat/{model}")
            option.click()
            taken = page.page.evaluate("stopwatch.result()")
            plan.book.add("swap/badge_ms", "Aether", taken["first"])
            plan.book.add("swap/told_ms", "Aether", taken["total"])


STEPS = (swap,)
LINES = (
    Line("swap on the server, 50 streams running, p50", "swap/server_ms", "ms", None, None, value=p50, digits=2),
    Line("swap on the server, 50 streams running, p99", "swap/server_ms", "ms", 5, 1, value=p99, digits=2),
    Line("click → badge, p50", "swap/badge_ms", "ms", None, None, value=p50),
    Line("click → badge, p95", "swap/badge_ms", "ms", 100, 50, value=p95),
    Line("click → the server's word on it, p95", "swap/told_ms", "ms", None, None, value=p95),
)  # fmt: skip

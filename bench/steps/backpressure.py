"""Nobody pays for another: pages that read nothing, and models that write as fast as they can."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from bench.apps import Aether
from bench.line import Line, p95
from bench.plan import Plan, served
from bench.processes import Server
from bench.provider import Provider
from bench.steps.answers import PACED
from bench.visitor import Visitor

LONG = "paced-300x3000"
"""An answer of ten seconds, as long as a model would write."""
PAGES = 5
FAST = "fast-2000"
FAST_PAGES = 4
PACED_PAGES = 10


def backpressure(plan: Plan) -> None:
    """Measure what pages that do not read cost, and what models at full speed cost the others."""
    with Provider() as provider:
        for _ in range(plan.rounds):
            for reads in (True, False):
                with served(Aether(), provider) as server:
                    grown = asyncio.run(_grown_mb(server, reads=reads))
                    plan.book.add(f"backpressure/{'reading' if reads else 'idle'}_mb", Aether.name, grown)
            for fast in (0, FAST_PAGES):
                with served(Aether(), provider) as server:
                    gaps = asyncio.run(_gaps_ms(server, fast))
                    plan.book.add(f"backpressure/beside_{fast}/gap_ms", Aether.name, gaps)


async def _grown_mb(server: Server, *, reads: bool) -> float:
    """Return by how much the server is greater at the end of some long answers."""
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(Visitor(server.url)) for _ in range(PAGES)]
        await pages[0].choose("chat", "fast-200")
        await pages[0].ask()
        for page in pages:
            await page.choose("chat", LONG)
        before = server.tree.rss_mb()
        await asyncio.gather(*(page.ask() if reads else page.ask_and_idle(9.0) for page in pages))
        return server.tree.rss_mb() - before


async def _gaps_ms(server: Server, fast: int) -> list[float]:
    """Return the gaps between the updates of paced answers beside `fast` pages whose models never pause."""
    async with AsyncExitStack() as stack:
        paced = [await stack.enter_async_context(Visitor(server.url)) for _ in range(PACED_PAGES)]
        hasty = [await stack.enter_async_context(Visitor(server.url)) for _ in range(fast)]
        for page in paced:
            await page.choose("chat", PACED)
        for page in hasty:
            await page.choose("chat", FAST)
        busy = [asyncio.create_task(_again_and_again(page)) for page in hasty]
        heard = await asyncio.gather(*(page.ask() for page in paced))
        for task in busy:
            task.cancel()
        await asyncio.wait(busy) if busy else None
    assert all(h.is_whole for h in heard)
    return [gap for h in heard for gap in h.gaps_ms]


async def _again_and_again(page: Visitor) -> None:
    while True:
        await page.ask()


STEPS = (backpressure,)
LINES = (
    Line("server's growth by 5 long answers that their pages do not read", "backpressure/idle_mb", "MB", 1.15, None, ("backpressure/reading_mb", "Aether"), digits=1),
    Line("10 paced answers beside 4 models at full speed: gap between two updates, p95", "backpressure/beside_4/gap_ms", "ms", 150, None, value=p95),
    Line("… with nobody beside them", "backpressure/beside_0/gap_ms", "ms", value=p95),
)  # fmt: skip

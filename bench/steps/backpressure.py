"""Nobody pays for another: pages that do not read their answer, and models that write as fast as they can."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

from bench.apps import SEED_MODEL, Aether
from bench.line import OURS, Line, p95
from bench.plan import Plan, served
from bench.processes import Server
from bench.provider import Provider
from bench.steps.answers import PACED
from bench.visitor import Visitor

PAGES = 10
WIDE = {
    "tokens": ["[[r0:wide]] " + "word " * 5_000, *["\n=", " word"] * 100, "\n\n[[end0]]"],
    "rate_per_s": 25,
}
"""An answer of eight seconds that is sent whole again and again: a line of `=` makes a heading of all that
stands before it, and the next word takes that back."""
PACED_PAGES = 3
FAST = "fast-2000"
FAST_PAGES = 4


def backpressure(plan: Plan) -> None:
    """Measure what pages cost that do not read, and what models at full speed cost the others."""
    with Provider() as provider:
        for _ in range(plan.rounds):
            for name, reads in (("read", True), ("unread", False)):
                with served(Aether(), provider) as server:
                    grown = asyncio.run(_grown_kb(server, provider, reads=reads))
                    plan.book.add(f"backpressure/{name}_kb", Aether.name, grown / PAGES)
            for fast in (0, FAST_PAGES):
                with served(Aether(), provider) as server:
                    gaps = asyncio.run(_gaps_ms(server, fast))
                    plan.book.add(f"backpressure/beside_{fast}/gap_ms", Aether.name, gaps)


async def _grown_kb(server: Server, provider: Provider, *, reads: bool) -> float:
    """Return by how much the server is greater when some models have written their long answers."""
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(Visitor(server.url)) for _ in range(PAGES)]
        for page in pages:
            await page.choose("chat", SEED_MODEL)
            assert (await page.ask()).is_whole
        provider.script("echo", [WIDE] * PAGES)
        for page in pages:
            await page.choose("chat", "echo")
        asked, before = provider.asked, server.tree.rss_mb()
        following = [asyncio.create_task(_read(page) if reads else page.ask_and_idle()) for page in pages]
        while provider.asked < asked + PAGES or provider.is_writing:
            await asyncio.sleep(0.2)
        await asyncio.sleep(1.0)  # what was written has still to be read
        after = server.tree.rss_mb()
        for task in following:
            task.cancel()
        await asyncio.wait(following)
        return (after - before) * 1000


async def _read(page: Visitor) -> None:
    async for _ in page.line("go on"):
        pass


async def _gaps_ms(server: Server, fast: int) -> list[float]:
    """Return the gaps between the updates of paced answers beside `fast` pages whose models never pause."""
    async with AsyncExitStack() as stack:
        paced = [await stack.enter_async_context(Visitor(server.url)) for _ in range(PACED_PAGES)]
        hasty = [await stack.enter_async_context(Visitor(server.url)) for _ in range(fast)]
        for page in (*paced, *hasty):
            await page.choose("chat", SEED_MODEL)
            assert (await page.ask()).is_whole
        for page in paced:
            await page.choose("chat", PACED)
        for page in hasty:
            await page.choose("chat", FAST)
        busy = [asyncio.create_task(_again_and_again(page)) for page in hasty]
        heard = await asyncio.gather(*(page.ask() for page in paced))
        for task in busy:
            task.cancel()
        for task in busy:
            with suppress(asyncio.CancelledError):
                await task
    assert all(h.is_whole for h in heard)
    return [gap for h in heard for gap in h.gaps_ms]


async def _again_and_again(page: Visitor) -> None:
    while True:
        assert (await page.ask()).is_whole


STEPS = (backpressure,)
LINES = (
    Line("memory of a page that reads nothing of a long answer, against one that reads it", "backpressure/unread_kb", "kB", 1.15, 1.0, ("backpressure/read_kb", OURS)),
    Line("3 answers at 50/s beside 4 models at full speed: gap between two updates, p95", "backpressure/beside_4/gap_ms", "ms", 150, 100, value=p95),
    Line("… with nobody beside them", "backpressure/beside_0/gap_ms", "ms", value=p95),
)  # fmt: skip

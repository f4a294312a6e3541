"""The memory of a live session: a page that is open, with one answer in its conversation."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from bench.apps import SEED_MODEL, Aether
from bench.line import Line
from bench.plan import Plan, served
from bench.processes import Server
from bench.provider import Provider
from bench.visitor import Visitor

WARM_UP = 20
SESSIONS = 100


def memory(plan: Plan) -> None:
    """Open many pages, ask once on each, and divide what the server grew by."""
    with Provider() as provider:
        for _ in range(plan.rounds):
            with served(Aether(), provider) as server:
                plan.book.add("memory/session_kb", Aether.name, asyncio.run(_grown_kb(server)) / SESSIONS)


async def _grown_kb(server: Server) -> float:
    async with AsyncExitStack() as pages:
        await _open(server, pages, WARM_UP)
        before = server.tree.rss_mb()
        await _open(server, pages, SESSIONS)
        return (server.tree.rss_mb() - before) * 1000


async def _open(server: Server, pages: AsyncExitStack, count: int) -> None:
    for _ in range(count):
        visitor = await pages.enter_async_context(Visitor(server.url))
        await visitor.choose("chat", SEED_MODEL)
        assert (await visitor.ask()).is_whole


STEPS = (memory,)
LINES = (Line("memory of a live session", "memory/session_kb", "kB", 300, None),)

"""The calls of one step, run side by side. It knows no particular tool and no model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from aether.tools.base import Toolbox
from aether.transcript import ToolCall, ToolResult


async def run_calls(toolbox: Toolbox, calls: Sequence[ToolCall]) -> AsyncGenerator[tuple[ToolResult, ...]]:
    """Run the calls; give the results that are there, in the order of the calls, whenever one more has come.

    Whoever closes the generator ends the calls that still run.
    """
    tasks = [asyncio.ensure_future(toolbox.run(call)) for call in calls]
    try:
        for done in asyncio.as_completed(tasks):
            await done
            yield tuple(t.result() for t in tasks if t.done())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

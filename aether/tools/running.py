"""The calls of one step, run side by side, within what one step may bring. It knows no tool and no model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from aether.tools.base import Toolbox, shortened
from aether.transcript import Text, ToolCall, ToolResult

MOST_CALLS = 32
"""Calls of one step that are run; more are answered with an error."""
LONGEST_STEP = 96_000
"""Characters that the results of one step share: a model that is handed more has no room left to answer."""
TOO_MANY = f"Not run: more than {MOST_CALLS} calls at once. Send the rest in your next answer."


async def run_calls(toolbox: Toolbox, calls: Sequence[ToolCall]) -> AsyncGenerator[tuple[ToolResult, ...]]:
    """Run the calls; give the results that are there, in the order of the calls, whenever one more has come.

    Whoever closes the generator ends the calls that still run.
    """
    share = LONGEST_STEP // max(1, min(len(calls), MOST_CALLS))
    refused = tuple(ToolResult(c.id, c.name, (Text(TOO_MANY),), "error") for c in calls[MOST_CALLS:])
    tasks = [asyncio.ensure_future(toolbox.run(call)) for call in calls[:MOST_CALLS]]
    try:
        for done in asyncio.as_completed(tasks):
            await done
            yield (*(_fitting(t.result(), share) for t in tasks if t.done()), *refused)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _fitting(result: ToolResult, share: int) -> ToolResult:
    parts = tuple(Text(shortened(p.text, share)) if isinstance(p, Text) else p for p in result.parts)
    return replace(result, parts=parts)

"""Many visitors as one process: `python -m bench.crowd URL aether|provider SESSIONS MODEL WITHIN_S`.

Prints what they saw as JSON. On the standard error it says when all pages are open, and when all have asked.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

from bench.visitor import Heard, Visitor
from bench.wire import request


async def of_pages(url: str, sessions: int, model: str, within_s: float) -> list[Heard]:
    """Open so many pages, let one of them warm the server up, then let all ask."""
    async with AsyncExitStack() as stack:
        visitors = [await stack.enter_async_context(Visitor(url)) for _ in range(sessions)]
        await visitors[0].choose("chat", "fast-200")
        await visitors[0].ask()
        for visitor in visitors:
            await visitor.choose("chat", model)
        print("all are here", file=sys.stderr, flush=True)
        await asyncio.sleep(0.5)  # who started them notes what the server has used so far
        return await _together([visitor.ask for visitor in visitors], within_s)


async def of_requests(url: str, sessions: int, model: str, within_s: float) -> list[Heard]:
    """Let so many ask the provider itself."""

    async def ask() -> Heard:
        heard, text = Heard(time.perf_counter()), ""
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "go on"}]}
        async with request(url, "/v1/chat/completions", body) as response:
            async for piece in response.pieces():
                for line in piece.decode().splitlines():
                    if line.startswith("data: {") and (choices := json.loads(line[6:])["choices"]):
                        text += choices[0]["delta"].get("content") or ""
                        heard.take(text)
        return heard

    return await _together([ask] * sessions, within_s)


async def _together(asks: list[Any], within_s: float) -> list[Heard]:
    async def one(number: int) -> Heard:
        await asyncio.sleep(within_s * number / len(asks))
        return await asks[number]()

    tasks = [asyncio.create_task(one(number)) for number in range(len(asks))]
    await asyncio.sleep(within_s + 0.3)
    print("all have asked", file=sys.stderr, flush=True)
    return list(await asyncio.gather(*tasks))


def said(heard: list[Heard]) -> dict[str, Any]:
    """Return the figures of one crowd."""
    return {
        "wall_s": max(h.done for h in heard) - min(h.asked for h in heard),
        "lost": sum(not h.is_whole for h in heard),
        "first_ms": [h.first_ms for h in heard],
        "gap_ms": [round(gap, 1) for h in heard for gap in h.gaps_ms],
    }


def main() -> None:
    """Be the visitors that the command line asks for."""
    url, kind, sessions, model, within_s = sys.argv[1:]
    crowd = of_pages if kind == "aether" else of_requests
    print(json.dumps(said(asyncio.run(crowd(url, int(sessions), model, float(within_s))))))


if __name__ == "__main__":
    main()

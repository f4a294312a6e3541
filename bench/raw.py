"""The bare SDK loop, with nothing around it: `python -m bench.raw URL MODEL TURNS TIMES`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

from openai import AsyncOpenAI

from bench.provider import ROOT


async def measure(url: str, model: str, turns: int, times: int) -> list[dict[str, float]]:
    """Ask so many times; return first text and whole answer in milliseconds, CPU in seconds."""
    client = AsyncOpenAI(base_url=url + "/v1", api_key="none")
    words = " ".join(f"w{i}" for i in range(200))
    pair = [{"role": "user", "content": "an earlier question"}, {"role": "assistant", "content": words}]
    messages = [*pair * turns, {"role": "user", "content": "hello"}]
    taken: list[dict[str, float]] = []
    for _ in range(times + 1):
        began, cpu, first = time.perf_counter(), time.process_time(), 0.0
        stream = await client.chat.completions.create(model=model, messages=messages, stream=True)  # type: ignore
        text = ""
        async for chunk in stream:
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
            first = first or (time.perf_counter() - began if text else 0.0)
        spent = time.perf_counter() - began
        taken.append({"first_ms": first * 1000, "total_ms": spent * 1000, "cpu_s": time.process_time() - cpu})
    return taken[1:]


def sdk_loop(url: str, model: str, *, turns: int, times: int) -> list[dict[str, float]]:
    """Run the loop in a process of its own."""
    argv = [sys.executable, "-m", "bench.raw", url, model, str(turns), str(times)]
    return json.loads(subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    url, model, turns, times = sys.argv[1:]
    print(json.dumps(asyncio.run(measure(url, model, int(turns), int(times)))))

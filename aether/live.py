"""The answer being written, as the screen and the API see it while it grows.

One writer (the turn's task) and any number of readers, on one event loop. A reader asks
for news beyond a version that it knows: news that comes in a burst is taken at once.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from aether.agent import Draft
from aether.transcript import Answer, Failure, Step, Text, ToolResult


class Live:
    """A turn in progress. `turn` is its index in the transcript."""

    def __init__(self, turn: int) -> None:
        self.turn = turn
        self.steps: list[Step] = []
        self.draft: Draft | None = None
        self.failure: Failure | None = None
        self.stopped = False
        self.finished = False
        self.version = 0
        self._news = asyncio.Event()

    @property
    def asked(self) -> str:
        """Return the reference of the model that was asked last; empty before the first request."""
        if self.draft is not None:
            return self.draft.reference
        return self.steps[-1].reference if self.steps else ""

    def touch(self) -> None:
        """Tell the readers that there is news."""
        self.version += 1
        self._news.set()
        self._news.clear()

    async def changed(self, version: int, timeout_s: float) -> int:
        """Wait for news beyond `version`, or `timeout_s` seconds; return the version now."""
        if self.version == version and not self.finished:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
        return self.version

    def answer(self) -> Answer:
        """Return the answer as far as it is settled."""
        return Answer(tuple(self.steps), self.failure, self.stopped)

    def snapshot(self) -> dict[str, Any]:
        """Return the value of the API's `/chat` stream."""
        text = "\n\n".join(t for t in (*(s.text for s in self.steps), self.draft.text if self.draft else "") if t)
        return {
            "turn": self.turn,
            "status": self.answer().status if self.finished else "streaming",
            "text": text,
            "steps": [step_dict(s) for s in self.steps] + ([_draft_dict(self.draft)] if self.draft else []),
            "error": failure_dict(self.failure),
        }


def step_dict(step: Step) -> dict[str, Any]:
    """Return a settled step in the form of the API."""
    results = {r.call_id: r for r in step.results}
    return {
        "provider": step.provider,
        "model": step.model,
        "reported_model": step.reported_model,
        "stop_reason": step.stop,
        "usage": step.usage.to_dict(),
        "cost_usd": step.cost_usd,
        "ttft_ms": step.ttft_ms,
        "total_ms": step.total_ms,
        "tool_calls": [_call_dict(c.name, c.arguments, results.get(c.id)) for c in step.calls],
    }


def _call_dict(name: str, arguments: str, result: ToolResult | None) -> dict[str, Any]:
    text = "\n".join(p.text for p in result.parts if isinstance(p, Text)) if result else ""
    return {"name": name, "arguments": arguments, "status": result.status if result else "running", "result": text}


def _draft_dict(draft: Draft) -> dict[str, Any]:
    first = None if draft.first is None else round((draft.first - draft.began) * 1000, 1)
    return {
        "provider": draft.llm.provider.name,
        "model": draft.llm.model.id,
        "reported_model": "",
        "stop_reason": "",
        "usage": None,
        "cost_usd": None,
        "ttft_ms": first,
        "total_ms": None,
        "tool_calls": [_call_dict(name, arguments, None) for name, arguments in draft.calls],
    }


def failure_dict(failure: Failure | None) -> dict[str, Any] | None:
    """Return a failure in the form of the API."""
    if failure is None:
        return None
    return {"kind": failure.kind, "message": failure.message, "retry_after_s": failure.retry_after_s}

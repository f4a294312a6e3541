"""Lowering: a long transcript → the body of a request, in each protocol."""

from __future__ import annotations

import time

from aether.lowering import lower
from bench.history import services_over, transcript
from bench.line import Line
from bench.plan import Plan
from bench.provider import Provider

NAMES = {"openai-chat": "chat", "openai-responses": "responses", "anthropic-messages": "messages"}


def lowering(plan: Plan) -> None:
    """Time the whole way from transcript to body; the first time of each is not counted."""
    with Provider() as provider, services_over(provider) as services:
        for steps in (100, 300, 1000):
            history = transcript(steps)
            for protocol, name in NAMES.items():
                llm = services.router.resolve(f"{name}/fast-1")
                for number in range(plan.rounds * 5 + 1):
                    began = time.perf_counter()
                    body = llm.wire.lower(lower(history, llm.target()), llm.settings())
                    spent_ms = (time.perf_counter() - began) * 1000
                    assert body
                    if number:
                        plan.book.add(f"lowering/{protocol}/{steps}/ms", "Aether", spent_ms)


STEPS = (lowering,)
LINES = (
    Line("lowering 1,000 steps, openai-chat", "lowering/openai-chat/1000/ms", "ms", 20, 5, digits=1),
    Line("lowering 1,000 steps, openai-responses", "lowering/openai-responses/1000/ms", "ms", 20, 5, digits=1),
    Line("lowering 1,000 steps, anthropic-messages", "lowering/anthropic-messages/1000/ms", "ms", 20, 5, digits=1),
)  # fmt: skip

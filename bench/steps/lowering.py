"""Lowering: a long transcript → the body of a request, in each protocol; and the receipt of a swap."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from aether.ahead import STRANGERS, derive
from aether.llm import LLM
from aether.lowering import lower
from aether.receipts import preflight
from aether.transcript import Transcript
from bench.history import services_over, worked
from bench.line import Line
from bench.plan import Plan
from bench.provider import Provider

NAMES = {"openai-chat": "chat", "openai-responses": "responses", "anthropic-messages": "messages"}
SIZES = (100, 300, 1000)
"""Steps of the conversations."""
TURNS = 500
"""Turns of the conversation whose receipt is made."""


def lowering(plan: Plan) -> None:
    """Time the way from transcript to body, and the receipt of a swap: what it costs, what fits, what is left out.

    `ms`: the conversation was lowered before, as it is for every request but the first.
    `first_ms`: it was just read from the store, and nothing of it is known yet; of a receipt, but for what a
    thread derived when it was read, which took `ahead_ms`.
    """
    with Provider() as provider, services_over(provider) as services:
        gc.freeze()  # what was imported is not walked while it is timed
        for protocol, name in NAMES.items():
            llm = services.router.resolve(f"{name}/fast-1")
            for steps in SIZES:
                _times(plan, f"lowering/{protocol}/{steps}", steps, lambda talk, llm=llm: _body(talk, llm))
            _growth(plan, protocol)
            ahead_ms = f"lowering/{protocol}/receipt/ahead_ms"
            _times(plan, f"lowering/{protocol}/receipt", TURNS * 2, lambda talk, llm=llm: _receipt(talk, llm), ahead_ms)


def _times(plan: Plan, figure: str, steps: int, work: Callable[[Transcript], object], ahead_ms: str = "") -> None:
    for _ in range(plan.rounds):
        talk = worked(steps)
        if ahead_ms:
            plan.book.add(ahead_ms, "Aether", _ms(_derived, talk))
        plan.book.add(f"{figure}/first_ms", "Aether", _ms(work, talk))
        for _ in range(5):
            plan.book.add(f"{figure}/ms", "Aether", _ms(work, talk))


def _growth(plan: Plan, protocol: str) -> None:
    """Keep how much dearer a step is in the longest conversation than in the shortest; 1 is linear."""
    least, most = (plan.book.get(f"lowering/{protocol}/{n}/ms", "Aether") for n in (SIZES[0], SIZES[-1]))
    assert least is not None
    assert most is not None
    plan.book.add(f"lowering/{protocol}/growth", "Aether", most.median / least.median / (SIZES[-1] / SIZES[0]))


def _ms(work: Callable[[Transcript], object], talk: Transcript) -> float:
    began = time.perf_counter()
    assert work(talk)
    return (time.perf_counter() - began) * 1000


def _body(talk: Transcript, llm: LLM) -> object:
    return llm.wire.lower(lower(talk, llm.target()), llm.settings())


def _derived(talk: Transcript) -> object:
    derive(talk, STRANGERS)
    return talk


def _receipt(talk: Transcript, llm: LLM) -> object:
    return preflight(talk, llm, (), previous="other/model").fit


STEPS = (lowering,)
LINES = tuple(
    line
    for protocol in NAMES
    for line in (
        Line(f"lowering 1,000 steps, {protocol}", f"lowering/{protocol}/1000/ms", "ms", 20, 5, digits=1),
        Line("… growth from 100 to 1,000, 1 is linear", f"lowering/{protocol}/growth", "×", 1.3, 1.0, digits=2),
        Line("… just read from the store", f"lowering/{protocol}/1000/first_ms", "ms", digits=1),
        Line("receipt of a swap, 500 turns of 2 steps", f"lowering/{protocol}/receipt/ms", "ms", 20, 5, digits=1),
        Line("… just read from the store", f"lowering/{protocol}/receipt/first_ms", "ms", 20, 5, digits=1),
        Line("… what a thread derives when it is read", f"lowering/{protocol}/receipt/ahead_ms", "ms", digits=1),
    )
)

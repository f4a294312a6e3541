"""Numbers about the process, in the form of Prometheus. No content, no visitor, no key is in a label."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from aether.logs import harmless
from aether.transcript import Failure, Step

REGISTRY = CollectorRegistry()
TURNS = Counter("aether_turns", "Answers, by how they ended", ["status"], registry=REGISTRY)
ERRORS = Counter("aether_errors", "Failed answers, by the class of the error", ["kind"], registry=REGISTRY)
TOKENS = Counter("aether_tokens", "Tokens that services reported", ["direction"], registry=REGISTRY)
COST = Counter("aether_cost_usd", "What answers have cost where the price is known, in USD", registry=REGISTRY)
FIRST = Histogram(
    "aether_first_text_seconds",
    "Time from a request to its first text",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=REGISTRY,
)
OVERRUNS = Counter(
    "aether_overruns", "Requests that cost more than a shared link had set aside for them", registry=REGISTRY
)
STREAMS = Gauge("aether_open_streams", "Answers that are being written now", registry=REGISTRY)
SESSIONS = Gauge("aether_sessions", "Live sessions", registry=REGISTRY)
LOOP_LAG = Histogram(
    "aether_loop_lag_seconds",
    "Time in which the event loop answers a sign, asked for ten times a second",
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
TASKS = Gauge("aether_tasks", "Tasks of the event loop", registry=REGISTRY)
FILES = Gauge("aether_open_files", "Open files and sockets, where the system lists them", registry=REGISTRY)
OWN_FILES = Path("/proc/self/fd")


@contextmanager
def open_stream() -> Generator[None, None, None]:
    """Count an answer while it is being written."""
    with harmless("Counting a stream"):
        STREAMS.inc()
    try:
        yield
    finally:
        with harmless("Counting a stream"):
            STREAMS.dec()


def ended(status: str, steps: Sequence[Step], failure: Failure | None) -> None:
    """Count an answer that has ended; never raises."""
    with harmless("Counting an answer"):
        TURNS.labels(status).inc()
        if failure is not None:
            ERRORS.labels(failure.kind).inc()
    took(steps)


def took(steps: Sequence[Step]) -> None:
    """Count the tokens, the cost and the times of some requests; never raises."""
    with harmless("Counting tokens"):
        for step in steps:
            TOKENS.labels("input").inc(step.usage.input)
            TOKENS.labels("output").inc(step.usage.output)
            COST.inc(step.cost_usd or 0.0)
            if step.ttft_ms is not None:
                FIRST.observe(step.ttft_ms / 1000)


def text(sessions: Callable[[], int]) -> bytes:
    """Return all numbers as Prometheus reads them; called on the event loop."""
    SESSIONS.set(sessions())
    TASKS.set(len(asyncio.all_tasks()))
    if OWN_FILES.is_dir():
        FILES.set(sum(1 for _ in OWN_FILES.iterdir()))
    return generate_latest(REGISTRY)

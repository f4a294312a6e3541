"""Lowering and checking a long conversation: milliseconds for each protocol, and how they grow.

python -m bench.lowering
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aether.lowering import Target, ToolSpec, lower
from aether.profile import DEFAULTS, PROTOCOLS, Protocol
from aether.transcript import Answer, Origin, Reasoning, Step, Text, ToolCall, ToolResult, Transcript, Turn
from aether.wire import WIRES, Ask
from aether.wire.check import check, issued_to

SIZES = (100, 300, 1000)
"""Steps of the conversations that are lowered."""
RUNS = 9
TOOLS = (ToolSpec("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}}),)


def conversation(steps: int) -> Transcript:
    """Return a conversation of so many steps by three models in turn; every second step calls a tool."""
    turns: list[Turn] = []
    for number in range(0, steps, 2):
        origin = Origin(PROTOCOLS[number // 2 % 3], "https://models.test", "a1b2c3", f"model-{number // 2 % 3}")
        call = ToolCall(f"call_{number}", "read_file", f'{{"path": "notes/{number}.txt"}}')
        result = ToolResult(call.id, call.name, (Text(f"The content of note {number}. " * 8),))
        asked = Step("service", origin.model, origin, (Reasoning("I shall look."), Text("I look."), call), (result,))
        said = Step("service", origin.model, origin, (Text(f"Note {number} says what it says. " * 12),))
        turns.append(Turn((Text(f"What is in note {number}?"),), (Answer((asked, said)),)))
    return Transcript("You are {model}.", (*turns, Turn((Text("And all in all?"),))))


def target(protocol: Protocol) -> Target:
    """Return a model that the conversation has never met."""
    profile = DEFAULTS[protocol].with_fields({"tools": True})
    return Target("new", Origin(protocol, "https://new.test", "", "new"), profile, TOOLS)


def measure() -> dict[str, Any]:
    """Return milliseconds by protocol and size, and the growth from the smallest size to the largest.

    `growth` is the ratio of the times over the ratio of the sizes: 1 is linear, less is better.
    """
    found: dict[str, Any] = {}
    for protocol in PROTOCOLS:
        new = target(protocol)
        lowered = {n: _median_ms(partial(_body, conversation(n), new)) for n in SIZES}
        checked = {n: _median_ms(partial(_checked, *(c := conversation(n), _body(c, new)), new)) for n in SIZES}
        found[protocol] = {
            "lower_ms": lowered,
            "check_ms": checked,
            "growth": round(lowered[SIZES[-1]] / lowered[SIZES[0]] / (SIZES[-1] / SIZES[0]), 2),
        }
    return found


def _body(talk: Transcript, new: Target) -> dict[str, Any]:
    wire = WIRES[new.origin.protocol]  # pyright: ignore[reportArgumentType]
    return wire.lower(lower(talk, new), Ask("new", new.profile))


def _checked(talk: Transcript, body: dict[str, Any], new: Target) -> int:
    return len(check(new.origin.protocol, body, new.profile, issued_to(talk, new.origin)))  # pyright: ignore[reportArgumentType]


def _median_ms(work: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(times), 2)


if __name__ == "__main__":
    for name, row in measure().items():
        print(name, row)

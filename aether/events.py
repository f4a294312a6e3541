"""What a model may say while it talks. Pure values, the same for every protocol.

A wire's reader turns a protocol's events into these. Deltas are for the screen; the
`Reply`, which a reader gives at any time, is for the transcript.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from aether.transcript import Native, Part, StopReason
from aether.usage import Usage


@dataclass(frozen=True)
class TextDelta:
    """More of the text."""

    text: str


@dataclass(frozen=True)
class ReasoningDelta:
    """More of what the model thinks aloud."""

    text: str


@dataclass(frozen=True)
class CallDelta:
    """More of tool call number `index` of this reply. `name` is set when it becomes known."""

    index: int
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True)
class Retried:
    """The service failed before its first word and is asked once more, after `wait_s` seconds."""

    reason: str
    wait_s: float


StreamEvent = TextDelta | ReasoningDelta | CallDelta | Retried


@dataclass(frozen=True)
class Reply:
    """A model's answer to one request, as far as it came. `complete`: its own end was seen."""

    parts: tuple[Part, ...] = ()
    native: tuple[Native, ...] = ()
    stop: StopReason = "unknown"
    raw_stop: str = ""
    reported_model: str = ""
    usage: Usage = field(default_factory=Usage)
    complete: bool = False

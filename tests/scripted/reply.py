"""What to answer, as a value: texts, calls, times, faults. It knows no protocol and no socket."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = dict[str, Any]
Stop = Literal["done", "length", "tool", "refusal", "filtered", "paused", "context"]
End = Literal["complete", "stall", "cut", "reset", "error", "failed", "unended"]
Frame = tuple[bytes, bool]
"""The bytes of one event, and whether it carries a token of the answer."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool call. `arguments` is sent as it stands, valid JSON or not; an empty `id` is minted."""

    name: str
    arguments: str = "{}"
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Tokens to report. `input` includes what was cached, whatever the protocol makes of it."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of the provider.

    What: `text` (or `tokens`, cut as given), `reasoning`, `redacted` reasoning, `calls`,
    `refusal`, `stop` (left out: what the content implies), `usage` (left out: counted words),
    `model` (the name reported; left out: the one asked for).

    When: `first_delay_s` before the first token; `rate_per_s` tokens a second (0: at once);
    after `hold_after` tokens the stream waits for `release()`.

    How it ends, after `end_after` tokens: `complete`; `stall` (open and silent); `cut` (the
    socket closes); `reset` (TCP RST); `error` (an error event inside the 200; `failed`: the
    Responses form of it, `response.failed`); `unended` (HTTP ends well, the protocol does not).

    Instead of all that: `status` with `body`, or `raw` bytes as the body. `silence`: nothing
    is sent at all, or the headers and never a byte of body. `headers` are laid over the usual
    ones. `chunks`: lengths in bytes to cut the body into, the last one repeated.
    """

    text: str = ""
    tokens: tuple[str, ...] = ()
    reasoning: str = ""
    redacted: bool = False
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    stop: Stop | None = None
    usage: Counts | None = None
    model: str = ""
    first_delay_s: float = 0.0
    rate_per_s: float = 0.0
    hold_after: int | None = None
    end: End = "complete"
    end_after: int | None = None
    status: int = 200
    body: JSON | str | None = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    silence: Literal["no", "body", "all"] = "no"
    chunks: tuple[int, ...] = ()
    line_end: str = "\n"

    @property
    def pieces(self) -> tuple[str, ...]:
        """Return the text as the tokens that it is sent in."""
        return self.tokens or split_tokens(self.text)

    @property
    def why(self) -> Stop:
        """Return the reason why the answer stops."""
        if self.stop is not None:
            return self.stop
        if self.refusal:
            return "refusal"
        return "tool" if self.calls else "done"

    @property
    def output(self) -> int:
        """Return the count of tokens that the answer is made of."""
        return len(self.pieces) + len(split_tokens(self.reasoning)) + len(split_tokens(self.refusal)) + len(self.calls)

    @classmethod
    def from_dict(cls, data: JSON) -> Reply:
        """Read a reply from JSON; `raw` is text there. Raises TypeError for an unknown key."""
        values = dict(data)
        if "calls" in values:
            values["calls"] = tuple(Call(**c) for c in values["calls"])
        if values.get("usage") is not None:
            values["usage"] = Counts(**values["usage"])
        if values.get("raw") is not None:
            values["raw"] = values["raw"].encode()
        for key in ("tokens", "chunks"):
            if key in values:
                values[key] = tuple(values[key])
        return cls(**values)


def split_tokens(text: str) -> tuple[str, ...]:
    """Cut a text into words, each with the blanks before it; joined again they are the text."""
    return tuple(re.findall(r"\s*\S+|\s+$", text))


def split_arguments(arguments: str, *, size: int = 8) -> tuple[str, ...]:
    """Cut the arguments of a call into the pieces that they are streamed in."""
    return tuple(arguments[i : i + size] for i in range(0, len(arguments), size))

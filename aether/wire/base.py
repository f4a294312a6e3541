"""What the three protocols share: the shape of a wire, of a request's settings, of a reader.

A wire is a module of pure functions: `lower(view, ask)` gives the body of a request,
`Reader` turns the events of its stream into `StreamEvent`s. A wire does no I/O and knows
no company; vendors' JSON keys live in this folder and nowhere else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from aether.events import Reply, StreamEvent
from aether.lowering.view import View
from aether.profile import Profile
from aether.transcript import Blob

JSON = dict[str, Any]
DEFAULT_MAX_TOKENS = 8192
"""Bound of an answer, in tokens, where a protocol demands one and nothing else says it."""


class InBandError(Exception):
    """Carry an error that came as an event inside a stream that began with status 200."""

    def __init__(self, body: JSON) -> None:
        super().__init__("error event in the stream")
        self.body = body


def no_blobs(blob: Blob) -> bytes:
    """Refuse to read: the default for views without images and files; raises KeyError."""
    raise KeyError(blob.sha256)


@dataclass(frozen=True)
class Ask:
    """Say how to ask: the settings of one request, apart from what is shown to the model.

    `max_tokens` bounds the answer; None leaves it to the service where the protocol may.
    `temperature` and `top_p` are sent only where set and where the profile allows them.
    """

    model: str
    profile: Profile
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    read_blob: Callable[[Blob], bytes] = field(default=no_blobs, repr=False)

    def sampling(self) -> JSON:
        """Return the sampling keys that may be sent: none, one, or what was set."""
        chosen = {k: v for k, v in (("temperature", self.temperature), ("top_p", self.top_p)) if v is not None}
        match self.profile.sampling:
            case "none":
                return {}
            case "one":
                return dict(list(chosen.items())[:1])
            case "free":
                return chosen

    def bound(self) -> int | None:
        """Return the bound of the answer in tokens, never above what the model can write."""
        limits = [n for n in (self.max_tokens, self.profile.max_output) if n is not None]
        return min(limits) if self.max_tokens is not None else None


class Reader(Protocol):
    """Turn one stream's events into `StreamEvent`s. Lives for one reply.

    `feed` takes one decoded event and raises InBandError where the event is an error;
    unknown events and keys are passed over. `reply` may be called at any time and gives
    what has come so far; `complete` is true in it once the protocol's own end was seen.
    """

    def feed(self, event: JSON) -> list[StreamEvent]: ...

    def reply(self) -> Reply: ...


class Wire(Protocol):
    """A protocol as pure functions."""

    path: str

    def lower(self, view: View, ask: Ask) -> JSON: ...

    def reader(self) -> Reader: ...


def as_object(arguments: str) -> JSON | None:
    """Return the JSON object that `arguments` holds; None if it holds none."""
    try:
        value: object = json.loads(arguments)
    except ValueError:
        return None
    return cast(JSON, value) if isinstance(value, dict) else None


def mapping(value: object) -> JSON:
    """Return `value` if it is a JSON object, else an empty one."""
    return cast(JSON, value) if isinstance(value, dict) else {}


def mappings(value: object) -> list[JSON]:
    """Return the JSON objects in `value`, if it is a list."""
    items = cast(list[object], value) if isinstance(value, list) else []
    return [cast(JSON, v) for v in items if isinstance(v, dict)]


def text_of(value: object) -> str:
    """Return `value` if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def count_of(value: object) -> int:
    """Return `value` if it is a count, else zero."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def base64_of(blob: Blob, ask: Ask) -> str:
    """Return the bytes of `blob` as base64 text; raises KeyError if they are gone."""
    return base64.b64encode(ask.read_blob(blob)).decode("ascii")

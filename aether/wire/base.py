"""What the three protocols share: the shape of a wire, of a request's settings, of a reader.

A wire is a module of pure functions: `lower(view, ask)` gives the body of a request,
`Reader` turns the events of its stream into `StreamEvent`s. A wire does no I/O and knows
no company; vendors' JSON keys live in this folder and nowhere else.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

from aether.events import Reply, StreamEvent
from aether.lowering.view import Message, View
from aether.parts import MEDIA, WORDS
from aether.profile import Profile
from aether.text import sound
from aether.transcript import Blob, Part, Text

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


Effort = Literal["none", "minimal", "low", "medium", "high", "max"]
"""How hard a model should think. A target's profile says which of these words it takes."""


@dataclass(frozen=True)
class Ask:
    """Say how to ask: the settings of one request, apart from what is shown to the model.

    `max_tokens` bounds the answer; None leaves it to the service where the protocol may.
    `needed_tokens` estimates what is shown; the bound leaves room for it in the window.
    `temperature`, `top_p` and `effort` are sent only where set and where the profile allows them.
    """

    model: str
    profile: Profile
    max_tokens: int | None = None
    needed_tokens: int = 0
    temperature: float | None = None
    top_p: float | None = None
    effort: Effort | None = None
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

    def bound(self, default: int | None = None) -> int | None:
        """Return the bound of the answer in tokens: the wish, or what is usual, as far as the model can write it."""
        usual = self.profile.usual_output or default
        wished = self.max_tokens if self.max_tokens is not None else usual
        if wished is None:
            return None
        window = self.profile.context_window
        room = max(1, window - self.needed_tokens) if window is not None else None
        return min(n for n in (wished, self.profile.max_output, room) if n is not None)

    def effort_keys(self) -> JSON:
        """Return the key that tells the effort, in the place that the profile names; empty if there is none."""
        if self.effort is None or not self.profile.effort_key or self.effort not in self.profile.efforts:
            return {}
        found: JSON = {}
        *outer, last = self.profile.effort_key.split(".")
        inner = found
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = self.effort
        return found


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


def mapping(value: object) -> JSON:
    """Return `value` if it is a JSON object, else an empty one."""
    return cast(JSON, value) if isinstance(value, dict) else {}


def mappings(value: object) -> list[JSON]:
    """Return the JSON objects in `value`, if it is a list."""
    items = cast(list[object], value) if isinstance(value, list) else []
    return [cast(JSON, v) for v in items if isinstance(v, dict)]


def text_of(value: object) -> str:
    """Return `value` if it is text, else nothing; half of a character in it, which nothing can write, is replaced."""
    return (value if value.isascii() else sound(value)) if isinstance(value, str) else ""


def count_of(value: object) -> int:
    """Return `value` if it is a count, else zero."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def plain_text(message: Message) -> str | None:
    """Return the text of a user or an assistant who says nothing else, as most do; None for any other message."""
    if len(message.parts) != 1 or message.native or message.role not in ("user", "assistant"):
        return None
    part = message.parts[0]
    return part.text if type(part) is Text else None


def words_of(parts: Iterable[Part]) -> str:
    """Return the words among the parts, a paragraph each."""
    return "\n\n".join([p.text for p in parts if isinstance(p, WORDS)])


def has_media(parts: Iterable[Part]) -> bool:
    """Tell whether there is an image or a file among the parts. A loop, because it is asked of every message."""
    for part in parts:  # noqa: SIM110
        if isinstance(part, MEDIA):
            return True
    return False


class Carried(str):
    """The bytes of a picture or file as a body carries them. A string that knows where it came from.

    `sha256` is the digest of the bytes, `chars` the length of their base64 in it.
    """

    sha256: str
    chars: int

    @classmethod
    def of(cls, sha256: str, data: str, *, before: str = "") -> Carried:
        """Return base64 text behind what has to be before it."""
        carried = cls(before + data)
        carried.sha256, carried.chars = sha256, len(data)
        return carried


def base64_of(blob: Blob, ask: Ask, *, as_url: bool = False) -> Carried | None:
    """Return the bytes of `blob` as base64 text, or as a data URL; None if they are gone."""
    try:
        data = base64.b64encode(ask.read_blob(blob)).decode("ascii")
    except KeyError:
        return None
    return Carried.of(blob.sha256, data, before=f"data:{blob.mime};base64," if as_url else "")


def lost(blob: Blob) -> str:
    """Say in place of some media that their bytes are gone."""
    return f'["{blob.name or blob.mime}" not shown: it is no longer stored]'

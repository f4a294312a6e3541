"""The parts of a conversation: what a user, a model or a tool puts into it. Pure values.

Equal by content, without a vendor's key or a storage id. Each part tells its `kind` in JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Literal, Self, TypeVar, cast, overload

from pydantic import Field

S = TypeVar("S")
T = TypeVar("T")


class once(Generic[S, T]):
    """Derive a value of an object that never changes when it is first asked for, and keep it with the object.

    As `functools.cached_property`, without the lock that this takes before Python 3.12.
    """

    def __init__(self, derive: Callable[[S], T]) -> None:
        self._derive, self._name, self.__doc__ = derive, derive.__name__, derive.__doc__

    @overload
    def __get__(self, kept: None, of: type[S]) -> Self: ...
    @overload
    def __get__(self, kept: S, of: type[S]) -> T: ...
    def __get__(self, kept: S | None, of: type[S]) -> Self | T:
        if kept is None:
            return self
        value = kept.__dict__[self._name] = self._derive(kept)
        return value


ResultStatus = Literal["ok", "error", "not_run"]
JSON = dict[str, Any]


def digest(*values: object) -> bytes:
    """Return a digest of values, equal for equal content.

    It goes over their `repr`: that of values is exact, and made in a tenth of the time that JSON takes.
    """
    return hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).digest()


def json_text(value: JSON) -> str:
    """Return JSON as the transcript writes it: without spaces, in the order of the keys."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


DEEPEST = 100
"""Levels of objects and lists inside each other; services and encoders give up at some hundred more."""


def _too_deep(value: Any) -> bool:
    """Tell whether objects and lists lie inside each other deeper than is allowed."""
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for held in level:
            if isinstance(held, dict):
                inner.extend(cast(JSON, held).values())
            elif isinstance(held, list):
                inner.extend(cast(list[Any], held))
        level = inner
    return bool(level)


def object_of(arguments: str) -> dict[str, Any] | None:
    """Return the JSON object that `arguments` holds; None if it holds none that a body could carry."""
    try:
        value: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not can_be_sent(cast(object, value)):
        return None
    return cast(dict[str, Any], value)


def can_be_sent(value: object) -> bool:
    """Return whether a JSON value that was read can be written again: not too deep, no NaN, no half of a character."""
    try:
        written = json.dumps(value, allow_nan=False, ensure_ascii=False)
        written.encode()
    except (ValueError, RecursionError):
        return False
    return written.count("{") + written.count("[") <= DEEPEST or not _too_deep(value)


def object_text(arguments: str) -> str:
    """Return `arguments` if it is the text of a JSON object, else an object that holds it."""
    if arguments.strip() in ("", "null"):
        return "{}"
    if object_of(arguments) is not None:
        return arguments
    return json.dumps({"_raw_arguments": arguments.encode("utf-8", "replace").decode()}, ensure_ascii=False)


@dataclass(frozen=True)
class Origin:
    """Say who issued a step: opaque data goes back to an equal origin and to no other.

    `account` is a short fingerprint of the key, never the key.
    """

    protocol: str
    base_url: str
    account: str
    model: str


@dataclass(frozen=True)
class Blob:
    """Name some bytes by their SHA-256 (hex).

    `size` in bytes, `width` and `height` in pixels, `pages` of a document; 0 where it has none or none is known.
    """

    sha256: str
    mime: str
    name: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    pages: int = 0


@dataclass(frozen=True)
class Text:
    """Plain text or Markdown, of the user or of the model."""

    text: str
    kind: Literal["text"] = field(default="text", kw_only=True, repr=False)


@dataclass(frozen=True)
class Reasoning:
    """What the model thought aloud. Shown and kept; its opaque form lives in `Step.native`."""

    text: str
    complete: bool = True
    kind: Literal["reasoning"] = field(default="reasoning", kw_only=True, repr=False)


@dataclass(frozen=True)
class Image:
    """A picture in a form that every target takes. `original` is what was handed in, if it differs."""

    blob: Blob
    original: Blob | None = None
    kind: Literal["image"] = field(default="image", kw_only=True, repr=False)


@dataclass(frozen=True)
class File:
    """A document. `text` is what could be extracted from it; None: nothing."""

    blob: Blob
    text: str | None = None
    kind: Literal["file"] = field(default="file", kw_only=True, repr=False)


ResultPart = Annotated[Text | Image | File, Field(discriminator="kind")]


@dataclass(frozen=True)
class ToolCall:
    """A model's wish to run a tool. `arguments` is the raw text, as the model wrote it."""

    id: str
    name: str
    arguments: str
    kind: Literal["tool_call"] = field(default="tool_call", kw_only=True, repr=False)

    @once
    def object_text(self) -> str:
        """Return the arguments if they are the text of a JSON object, else an object that holds them.

        Derived once: a call never changes, and is lowered for every request after it.
        """
        return object_text(self.arguments)

    @once
    def object(self) -> JSON:
        """Return those arguments as an object, which nobody changes."""
        return cast(JSON, json.loads(self.object_text))


@dataclass(frozen=True)
class ToolResult:
    """What a tool gave back for the call `call_id` of the same step."""

    call_id: str
    name: str
    parts: tuple[ResultPart, ...]
    status: ResultStatus = "ok"
    total_ms: float | None = None
    kind: Literal["tool_result"] = field(default="tool_result", kw_only=True, repr=False)


@dataclass(frozen=True)
class Refusal:
    """The model declined. `category` is the service's own word, if it gave one."""

    text: str
    category: str | None = None
    kind: Literal["refusal"] = field(default="refusal", kw_only=True, repr=False)


@dataclass(frozen=True)
class SystemNote:
    """An instruction given in the middle of the conversation by the operator or the app."""

    text: str
    kind: Literal["system_note"] = field(default="system_note", kw_only=True, repr=False)


Part = Annotated[
    Text | Reasoning | Image | File | ToolCall | ToolResult | Refusal | SystemNote, Field(discriminator="kind")
]
WORDS = (Text, Refusal, SystemNote)
"""Parts that are words of somebody."""
MEDIA = (Image, File)
"""Parts that are bytes."""

NativeKind = Literal["reasoning", "text", "call", "other"]


@dataclass(frozen=True)
class Native:
    """One block as the issuer sent it. `data` is opaque outside `wire/`; `kind` says what it is."""

    kind: NativeKind
    data: JSON

    @once
    def length(self) -> int:
        """Return about how many characters the block has."""
        return len(str(self.data))


@dataclass(frozen=True)
class Failure:
    """An error beside the turns: shown, never sent to a model. `kind` is of `errors.py`."""

    kind: str
    message: str
    detail: str = ""
    retry_after_s: float | None = None

"""A conversation of a file → the same within the bounds, or a sentence that says which one it is over. Pure.

Each text and each list of each value has a bound: the one that stands here for its field, or else that
of a name. So a field that is added later is bounded before anyone thinks of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any, NoReturn, TypeVar, cast

from aether import bounds
from aether.parts import Native
from aether.transcript import (
    Answer,
    Blob,
    Branch,
    Cut,
    Failure,
    File,
    Origin,
    Reasoning,
    Refusal,
    Step,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    TranscriptError,
    Turn,
)

T = TypeVar("T")

LONG: dict[tuple[type, str], int] = {
    (Transcript, "system"): bounds.SYSTEM_CHARS,
    (Transcript, "turns"): bounds.TURNS,
    (Transcript, "branches"): bounds.BRANCHES,
    (Transcript, "cuts"): bounds.CUTS_PER_WAY,
    (Transcript, "beside"): bounds.STEPS,
    (Branch, "turns"): bounds.TURNS,
    (Branch, "cuts"): bounds.CUTS_PER_WAY,
    (Turn, "answers"): bounds.ANSWERS_PER_TURN,
    (Answer, "steps"): bounds.STEPS_PER_ANSWER,
    (Cut, "summary"): bounds.MESSAGE_CHARS,
    (Failure, "message"): bounds.NOTE_CHARS,
    (Failure, "detail"): bounds.NOTE_CHARS,
    (Step, "notes"): bounds.PARTS_PER_STEP,
    (Origin, "base_url"): bounds.ADDRESS_CHARS,
    (Text, "text"): bounds.MESSAGE_CHARS,
    (Reasoning, "text"): bounds.MESSAGE_CHARS,
    (Refusal, "text"): bounds.MESSAGE_CHARS,
    (SystemNote, "text"): bounds.MESSAGE_CHARS,
    (File, "text"): bounds.MESSAGE_CHARS,
    (ToolCall, "id"): bounds.CALL_CHARS,
    (ToolCall, "name"): bounds.CALL_CHARS,
    (ToolResult, "call_id"): bounds.CALL_CHARS,
    (ToolResult, "name"): bounds.CALL_CHARS,
    (ToolCall, "arguments"): bounds.ARGUMENTS_CHARS,
}
"""Fields that may be longer than a name, or a list longer than that of a step's parts."""
PLACES = {"chosen", "first", "last", "version"}
"""Fields of whole numbers that point somewhere: `Transcript.from_dict` has looked at them."""
FIGURES = {"cost_usd": bounds.COST_USD, "at": bounds.TIME_S}
TOTALS = {str: bounds.NOTES, Turn: bounds.TURNS, Answer: bounds.ANSWERS, Step: bounds.STEPS, Blob: bounds.BLOBS}
NAMES = {str: "notes", Turn: "turns", Answer: "answers", Step: "answers of models", Blob: "pictures and files"}


def bounded(transcript: Transcript) -> tuple[Transcript, bool]:
    """Return the conversation, and whether figures that make no sense were left out; raise TranscriptError."""
    look = _Look()
    whole = look.value(transcript)
    for cuts in (whole.cuts, *(branch.cuts for branch in whole.branches)):
        if any(one.last >= other.first for one, other in pairwise(cuts)):
            raise TranscriptError("This conversation is damaged at cuts.")
    return whole, look.has_odd_figures


class _Look:
    """One look through a conversation, and what was counted in it."""

    def __init__(self) -> None:
        self.has_odd_figures = False
        self._counts = Counter[type]()

    def value(self, value: T) -> T:
        """Return a value within the bounds; raise TranscriptError."""
        kind = cast("type[Any]", type(value))
        self._count(kind)
        changed: dict[str, Any] = {}
        for name, most, default in _fields(kind):
            known = getattr(value, name)
            within = self._field(known, name, most, default)
            if within is not known:
                changed[name] = within
        return cast(T, replace(cast(Any, value), **changed)) if changed else value

    def _field(self, known: Any, name: str, most: int, default: Any) -> Any:
        match known:
            case str() if len(known) > most:
                _over(f"a text of more than {most:,} characters")
            case tuple():
                items = cast("tuple[Any, ...]", known)
                if len(items) > most:
                    _over(f"more than {most:,} {name}")
                return self._items(items)
            case dict():
                self._native(cast("dict[str, Any]", known))
            case bool():
                return known
            case int() | float() if name not in PLACES and not 0 <= known <= FIGURES.get(name, bounds.COUNT):
                self.has_odd_figures = True
                return default
            case _ if is_dataclass(known):
                return self.value(cast(Any, known))
            case _:
                pass
        return cast(Any, known)

    def _items(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        for text in items:
            if isinstance(text, str):
                self._count(str)
                if len(text) > bounds.NOTE_CHARS:
                    _over(f"a text of more than {bounds.NOTE_CHARS:,} characters")
        within = tuple(self.value(item) if is_dataclass(item) else item for item in items)
        return items if all(one is other for one, other in zip(items, within, strict=True)) else within

    def _count(self, kind: type) -> None:
        self._counts[kind] += 1
        if self._counts[kind] > TOTALS.get(kind, bounds.PARTS):
            _over(f"more than {TOTALS.get(kind, bounds.PARTS):,} {NAMES.get(kind, 'parts')}")

    def _native(self, data: dict[str, Any]) -> None:
        values, chars = _size(data)
        self._counts[Native] += values
        if self._counts[Native] > bounds.NATIVE_VALUES or chars > bounds.NATIVE_CHARS:
            _over(f"more than {bounds.NATIVE_VALUES:,} values that only a service can read")


def _over(what: str) -> NoReturn:
    raise TranscriptError(f"This conversation holds {what}.")


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, int, Any], ...]:
    """Return the fields of a value, each with its bound and with what stands there for a figure without sense."""
    listed = {
        "turns",
        "branches",
        "cuts",
        "beside",
        "answers",
        "steps",
        "parts",
        "results",
        "native",
        "notes",
        "prompt",
    }
    return tuple(
        (
            field.name,
            LONG.get((kind, field.name), bounds.PARTS_PER_STEP if field.name in listed else bounds.ID_CHARS),
            field.default if isinstance(field.default, int | float) else None,
        )
        for field in fields(kind)
    )


def _size(value: Any) -> tuple[int, int]:
    """Return how many values there are in a JSON value, and how many characters of text; raise TranscriptError."""
    values = chars = 0
    level: list[Any] = [value]
    for _ in range(bounds.JSON_LEVELS):
        inner: list[Any] = []
        for item in level:
            values += 1
            if isinstance(item, dict):
                held = cast("dict[str, Any]", item)
                chars += sum(map(len, held))
                inner.extend(held.values())
            elif isinstance(item, list):
                inner.extend(cast("Iterable[Any]", item))
            elif isinstance(item, str):
                chars += len(item)
        level = inner
    if level:
        _over("values that lie too deep inside each other")
    return values, chars

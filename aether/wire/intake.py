"""What a service sends, made sound before any reader sees it: halves of characters joined across events. Pure.

Some servers cut an emoji in two and send each half, escaped, in an event of its own. A half at the end of a
delta waits for the event that goes on in the same place; where none does, the sign for a missing character
stands for it. Every other string is mended by itself. What a reader is given is the event itself if it is sound.
"""

from __future__ import annotations

from typing import Any, cast

from aether.text import sound
from aether.wire.base import JSON

MISSING = "\ufffd"
PLACE = ("type", "index", "output_index", "content_index")
"""Fields that say which part of a reply an event goes on with."""
DEEPEST = 100
"""Levels of an event that are read; no protocol has so many."""
_FLAT = (int, float, bool, type(None))
Path = tuple[object, ...]


class Intake:
    """Mend the events of one reply, in the order in which they come."""

    def __init__(self) -> None:
        self._halves: dict[Path, str] = {}
        self._skeletons: dict[Path, JSON] = {}

    def take(self, event: JSON) -> JSON:
        """Return the event with sound strings."""
        if not self._halves and _is_sound(event, DEEPEST):
            return event
        mended = self._mend(event, (), (), event, DEEPEST, in_delta=False)
        return cast(JSON, mended) if isinstance(mended, dict) else {}

    def rest(self) -> list[JSON]:
        """Return an event for each half that nothing went on with; called at the end of the stream."""
        left = [_with(self._skeletons[path], path, MISSING) for path in self._halves]
        self._halves.clear()
        return left

    def _mend(self, value: Any, keys: Path, place: Path, event: JSON, levels: int, *, in_delta: bool) -> Any:
        if isinstance(value, str):
            return self._text(value, keys, place, event) if in_delta else sound(value)
        if not levels:
            return None
        if isinstance(value, dict):
            fields = cast(dict[str, Any], value)
            inner = (*place, *((name, repr(fields[name])) for name in PLACE if name in fields))
            grows = in_delta and keys[-1] != "arguments"  # some servers send the arguments as an object, which is whole
            return {
                sound(k): self._mend(v, (*keys, k), inner, event, levels - 1, in_delta=grows or k == "delta")
                for k, v in fields.items()
            }
        if isinstance(value, list):
            items = cast(list[Any], value)
            return [self._mend(v, (*keys, n), place, event, levels - 1, in_delta=in_delta) for n, v in enumerate(items)]
        return value

    def _text(self, text: str, keys: Path, place: Path, event: JSON) -> str:
        if keys[-1] in PLACE or not text:
            return sound(text)
        at = (*keys, place)
        text = self._halves.pop(at, "") + text
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._halves[at] = text[:-1], text[-1]
            self._skeletons[at] = event
        return sound(text)


def _is_sound(value: Any, levels: int) -> bool:
    """Return whether nothing is to be mended. Plain loops: this is asked of every event."""
    if isinstance(value, str):
        return value.isascii() or sound(value) is value
    if isinstance(value, dict):
        for name, inner in cast(dict[str, Any], value).items():
            if inner.__class__ in _FLAT and name.isascii():
                continue
            if not levels or not name.isascii() or not _is_sound(inner, levels - 1):
                return False
    elif isinstance(value, list):
        for inner in cast(list[Any], value):
            if not levels or not _is_sound(inner, levels - 1):
                return False
    return True


def _with(event: JSON, path: Path, text: str) -> JSON:
    """Return what is left of an event if it says `text` at the place `path` and nothing else."""
    *keys, _ = path
    return cast(JSON, _only(event, keys, text))


def _only(value: Any, keys: list[object], text: str) -> Any:
    if not keys:
        return text
    first, *rest = keys
    if isinstance(value, list):
        return [_only(cast(list[Any], value)[cast(int, first)], rest, text)]
    fields = cast(dict[object, Any], value)
    kept = {name: fields[name] for name in PLACE if name in fields}
    return kept | {first: _only(fields[first], rest, text)}

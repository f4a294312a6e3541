"""Bodies against the SDKs' own types, with unknown keys forbidden.

The SDKs' TypedDicts are what their vendors publish of their protocols. Two traps are dealt
with here: an Iterable is validated only when it is walked, and a union reports the faults of
every member, so that a value is matched by its tag (`type`, `role`) before it is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from types import GenericAlias
from typing import Any, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import is_typeddict

Place = tuple[str | int, ...]
"""Where a value stands: keys and indices."""
STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


@dataclass(frozen=True)
class Mismatch:
    """One value that is not of its type: where, what pydantic calls it, its sentence, the value."""

    where: Place
    kind: str
    message: str
    value: Any

    @property
    def names_a_tag(self) -> bool:
        """Tell whether this only says that a union's member has another tag than the value."""
        return self.kind == "literal_error" and bool(self.where) and self.where[-1] in ("type", "role", "mode")


@cache
def tagged(union: Any, tag: str) -> dict[str, Any]:
    """Return the TypedDicts of a union by the value of their tag; the first of equal tags stays."""
    found: dict[str, Any] = {}
    for member in _members(union):
        for value in get_args(get_type_hints(member).get(tag)) or ():
            for name in get_args(value) or (value,):
                if isinstance(name, str):
                    found.setdefault(name, member)
    return found


def _members(union: Any) -> Iterator[Any]:
    for member in get_args(union):
        if is_typeddict(member):
            yield member
        else:
            yield from _members(member)


@cache
def _checker(typed_dict: Any) -> TypeAdapter[Any]:
    # pydantic takes no config for a bare TypedDict, but it does for a list of it
    listed: Any = GenericAlias(list, (typed_dict,))
    return TypeAdapter(listed, config=STRICT)


def mismatches(value: Any, typed_dict: Any, *, at: Place = ()) -> Iterator[Mismatch]:
    """Yield what is wrong with `value`, the most telling first."""
    try:
        checked = _checker(typed_dict).validate_python([value], strict=True)
    except ValidationError as error:
        for found in _told(error, [value], at=()):
            yield replace(found, where=(*at, *found.where[1:]))  # the list around it is ours
    else:
        yield from _walk(checked, [value], at=at)


def _told(error: ValidationError, value: Any, *, at: Place) -> list[Mismatch]:
    """Read an error about `value`, which is a list."""
    errors = error.errors(include_url=False)
    found = [Mismatch((*at, *_plain(e["loc"], value)), e["type"], e["msg"], e.get("input")) for e in errors]
    return sorted(found, key=lambda m: m.names_a_tag)


def _walk(checked: Any, value: Any, *, at: Place, depth: int = 0) -> Iterator[Mismatch]:
    """Force every lazy Iterable in a validated value; `value` is what it was made of."""
    if isinstance(checked, dict):
        for key in checked:  # pyright: ignore[reportUnknownVariableType]
            yield from _walk(checked[key], value[key], at=(*at, key), depth=depth + 1)
        return
    if isinstance(checked, str | bytes) or not hasattr(checked, "__iter__"):
        return
    try:
        for place, inner in enumerate(checked):
            # the outermost list is ours alone, and no part of the place
            here = at if depth == 0 else (*at, place)
            yield from _walk(inner, value[place], at=here, depth=depth + 1)
    except ValidationError as error:
        yield from _told(error, value, at=at)


def _plain(loc: Place, value: Any) -> Place:
    """Keep of a place what is in the value: drop the names of union members."""
    out: list[str | int] = []
    here: Any = value
    for number, step in enumerate(loc):
        if isinstance(here, list) and isinstance(step, int):
            here = here[step] if step < len(here) else None
            out.append(step)
        elif isinstance(here, dict) and step in here:
            here = here[step]
            out.append(step)
        elif isinstance(here, dict) and number == len(loc) - 1:
            out.append(step)  # a key that is missing
    return tuple(out)

"""Text that can be encoded: halves of characters joined, or replaced where the other half is missing. Pure.

Python and JSON let half of a surrogate pair stand in a text; no body, page or database does. Whatever comes
from outside goes through here where it enters: the events of a service, messages, titles, names, files.
"""

from __future__ import annotations

from typing import Any, cast


def sound(text: str) -> str:
    """Return `text` with halves of characters joined, or replaced where the other half is missing."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def sound_json(value: Any) -> Any:
    """Return a JSON value with every string made sound; the very same value if there is nothing to mend."""
    match value:
        case str():
            return value if value.isascii() else sound(value)
        case dict():
            known = cast(dict[Any, Any], value)
            mended = [(sound_json(k), sound_json(v)) for k, v in known.items()]
            same = all(k is a and v is b for (k, v), (a, b) in zip(known.items(), mended, strict=True))
            return known if same else dict(mended)
        case list():
            items = cast(list[Any], value)
            fresh = [sound_json(v) for v in items]
            return items if all(a is b for a, b in zip(items, fresh, strict=True)) else fresh
        case _:
            return value

"""Text that can be sent: without halves of characters, which no body can carry. Pure.

A stream that is cut between two halves, an import, a client of the API: any of them may
leave one. What could not be sent would otherwise break every request after it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar, cast

from aether.lowering.view import Message
from aether.transcript import (
    File,
    Image,
    Native,
    Part,
    Reasoning,
    Refusal,
    ResultPart,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
)

P = TypeVar("P", bound=Part)


def sound(text: str) -> str:
    """Return `text` with halves of characters joined, or replaced where the other half is missing."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def mend_text(messages: list[Message]) -> list[Message]:
    """Mend every text of the messages, own blocks included."""
    return [m if _is_sound(m) else _mended(m) for m in messages]


def _is_sound(message: Message) -> bool:
    """Tell whether nothing has to be mended. Reasoning is not sent; a call is mended with all that it can have."""
    for part in message.parts:
        match part:
            case Text() | Refusal() | SystemNote():
                texts = (part.text,)
            case ToolResult():
                texts = tuple([t for p in part.parts for t in _texts(p)])
            case Image() | File():
                texts = _texts(part)
            case Reasoning() | ToolCall():
                continue
        for text in texts:
            if not text.isascii() and sound(text) is not text:
                return False
    return all(_json(n.data) is n.data for n in message.native)


def _texts(part: ResultPart) -> tuple[str, ...]:
    match part:
        case Text():
            return (part.text,)
        case Image():
            return (part.blob.name,)
        case File():
            return (part.blob.name, part.text or "")


def _mended(message: Message) -> Message:
    native = tuple(Native(n.kind, _json(n.data)) for n in message.native)
    return message._replace(parts=tuple(_part(p) for p in message.parts), native=native)


def _part(part: P) -> P:
    match part:
        case Text() | Refusal() | SystemNote():
            return replace(part, text=sound(part.text))
        case ToolResult():
            return replace(part, parts=tuple(_part(p) for p in part.parts))
        case Image():
            return replace(part, blob=replace(part.blob, name=sound(part.blob.name)))
        case File():
            blob = replace(part.blob, name=sound(part.blob.name))
            return replace(part, blob=blob, text=part.text and sound(part.text))
        case _:
            return part


def _json(value: Any) -> Any:
    """Mend every string of a JSON value; the very same value if there is nothing to mend."""
    match value:
        case str():
            return sound(value)
        case dict():
            known = cast(dict[str, Any], value)
            mended = [(sound(k), _json(v)) for k, v in known.items()]
            same = all(k is a and v is b for (k, v), (a, b) in zip(known.items(), mended, strict=True))
            return known if same else dict(mended)
        case list():
            items = cast(list[Any], value)
            fresh = [_json(v) for v in items]
            return items if all(a is b for a, b in zip(items, fresh, strict=True)) else fresh
        case _:
            return value

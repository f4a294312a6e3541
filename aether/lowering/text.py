"""Text that can be sent: without halves of characters, which no body can carry. Pure.

A stream that is cut between two halves, an import, a client of the API: any of them may
leave one. What could not be sent would otherwise break every request after it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from aether.lowering.view import Message
from aether.text import sound, sound_json
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

__all__ = ["mend_text", "sound"]
P = TypeVar("P", bound=Part)


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
    return all(sound_json(n.data) is n.data for n in message.native)


def _texts(part: ResultPart) -> tuple[str, ...]:
    match part:
        case Text():
            return (part.text,)
        case Image():
            return (part.blob.name,)
        case File():
            return (part.blob.name, part.text or "")


def _mended(message: Message) -> Message:
    native = tuple(Native(n.kind, sound_json(n.data)) for n in message.native)
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

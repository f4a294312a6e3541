"""What parts and messages weigh: how many characters of text they are worth. Pure."""

from __future__ import annotations

from typing import assert_never

from aether.lowering.view import Message
from aether.transcript import File, Image, Part, Reasoning, Refusal, SystemNote, Text, ToolCall, ToolResult

IMAGE_CHARS = 5600
"""An image of 1568 pixels costs about 1,600 tokens (Anthropic: width × height / 750)."""
FRAME = 28
"""Characters that the frame of a call or of its result is worth."""


def weight(message: Message) -> int:
    """Return what a message is worth: its parts, and the reasoning that goes along as it was made."""
    return sum(map(chars, message.parts)) + sum(n.length for n in message.native if n.kind == "reasoning")


def chars(part: Part) -> int:
    """Return how many characters of text a part is worth."""
    match part:
        case Text() | Refusal() | SystemNote():
            return len(part.text)
        case Image():
            return IMAGE_CHARS
        case File():
            return max(part.blob.size, len(part.text or ""))
        case ToolCall():
            return len(part.name) + len(part.arguments) + FRAME
        case ToolResult():
            return sum(map(chars, part.parts)) + FRAME
        case Reasoning():
            return 0  # never sent as text
        case _:
            assert_never(part)

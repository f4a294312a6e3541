"""The order of messages: nothing blank, no equal neighbours, a user at both ends. Pure.

Servers differ in what they forgive; this is the one shape that all of them take.
"""

from __future__ import annotations

from dataclasses import replace

from aether.lowering.view import Message
from aether.profile import Profile
from aether.transcript import Part, Refusal, SystemNote, Text

START = "(conversation start)"
GO_ON = "Continue exactly where you stopped."
BRIDGE = "Understood."


def drop_blank(messages: list[Message]) -> list[Message]:
    """Leave out blank texts, and messages with nothing left."""
    out: list[Message] = []
    for message in messages:
        if message.native:
            out.append(message)
            continue
        parts = tuple(p for p in message.parts if not _blank(p))
        if parts:
            out.append(replace(message, parts=parts))
    return out


def _blank(part: Part) -> bool:
    return isinstance(part, Text | Refusal | SystemNote) and not part.text.strip()


def merge_neighbours(messages: list[Message]) -> list[Message]:
    """Join equal neighbours; between two answers of which one is kept as it came, ask to go on."""
    out: list[Message] = []
    for message in messages:
        last = out[-1] if out else None
        if last is None or last.role != message.role or message.role == "tool":
            out.append(message)
        elif last.native or message.native:
            out += [Message("user", (Text(GO_ON),)), message]
        else:
            out[-1] = replace(last, parts=(*last.parts, *message.parts), step=message.step)
    return out


def anchor_ends(messages: list[Message]) -> list[Message]:
    """Let the first message be a user's, and the last a user's or a tool's (M4, M5)."""
    speakers = [m for m in messages if m.role != "system"]
    if not speakers or speakers[0].role != "user":
        messages = [Message("user", (Text(START),)), *messages]
    if speakers and speakers[-1].role == "assistant":
        messages = [*messages, Message("user", (Text(GO_ON),))]
    return messages


def bridge(messages: list[Message], profile: Profile) -> list[Message]:
    """Put an assistant's word between a tool and a user where the target refuses that pair (C16)."""
    if not profile.strict_tool_user:
        return messages
    out: list[Message] = []
    for message in messages:
        if out and out[-1].role == "tool" and message.role == "user":
            out.append(Message("assistant", (Text(BRIDGE),)))
        out.append(message)
    return out

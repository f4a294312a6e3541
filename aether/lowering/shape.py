"""The order of messages: nothing blank, no equal neighbours, a user at both ends. Pure.

Servers differ in what they forgive; this is the one shape that all of them take.
"""

from __future__ import annotations

from aether.lowering.view import Message
from aether.parts import WORDS
from aether.profile import Profile
from aether.transcript import Part, Text

START = "(conversation start)"
GO_ON = "Continue exactly where you stopped."
BRIDGE = "Understood."


def drop_blank(messages: list[Message]) -> list[Message]:
    """Leave out blank texts, and messages with nothing left."""
    out: list[Message] = []
    for message in messages:
        kept = message.parts if message.native else [p for p in message.parts if not _blank(p)]
        if len(kept) == len(message.parts):
            if kept or message.native:
                out.append(message)
        elif kept:
            out.append(message._replace(parts=tuple(kept)))
    return out


def _blank(part: Part) -> bool:
    return isinstance(part, WORDS) and not part.text.strip()


def merge_neighbours(messages: list[Message]) -> list[Message]:
    """Join what a user said in a row (M6); between two answers ask to go on, as was asked when there was but one.

    An answer that its service paused was asked to go on without a word, so what came then belongs to it.
    """
    out: list[Message] = []
    for message in messages:
        last = out[-1] if out else None
        if last is None or last.role != message.role or message.role == "tool":
            out.append(message)
        elif message.role == "user":
            out[-1] = last._replace(parts=(*last.parts, *message.parts))
        elif message.native and is_paused(last):
            whole = last.whole and message.whole
            out[-1] = Message(
                "assistant", last.parts + message.parts, last.native + message.native, whole, message.step
            )
        else:
            out += [Message("user", (Text(GO_ON),)), message]
    return out


def is_paused(message: Message) -> bool:
    """Tell whether a message is the target's own, paused at work with tools of its service (E5)."""
    paused = message.step is not None and message.step.stop == "paused"
    return paused and any(n.kind == "other" for n in message.native)


def anchor_ends(messages: list[Message]) -> list[Message]:
    """Let the first message be a user's, and the last a user's or a tool's (M4, M5), or one that is to be resumed."""
    if not messages or messages[0].role != "user":
        messages = [Message("user", (Text(START),)), *messages]
    if messages[-1].role == "assistant" and not is_paused(messages[-1]):
        messages = [*messages, Message("user", (Text(GO_ON),))]
    return messages


def bridge(messages: list[Message], profile: Profile) -> list[Message]:
    """Put an assistant's word between a tool and a user where the target refuses that pair (C16).

    A template that wants user and assistant in turn counts no calls and no results, so two
    users would stand side by side there.
    """
    if not (profile.strict_tool_user or profile.strict_alternation):
        return messages
    out: list[Message] = []
    for message in messages:
        if out and out[-1].role == "tool" and message.role == "user":
            out.append(Message("assistant", (Text(BRIDGE),)))
        out.append(message)
    return out

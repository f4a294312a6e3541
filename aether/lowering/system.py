"""System texts: rendered for the target, and placed where it takes them. Pure."""

from __future__ import annotations

from aether.lowering.text import sound
from aether.lowering.view import Message, Target
from aether.transcript import Part, SystemNote, Text

EXPLAIN_NOTES = "Text between <system> and </system> comes from the application, not from the user."


def render_system(template: str, target: Target) -> str:
    """Fill `{provider}` and `{model}` in; every other brace stays as it is."""
    return sound(template.replace("{provider}", target.provider).replace("{model}", target.origin.model).strip())


def place_system(
    messages: list[Message], system: str, target: Target, *, noted: bool = True
) -> tuple[str, list[Message]]:
    """Place mid-chat notes and the leading text; return the text that leads, and the messages.

    `noted` false: it is known that there are no notes.
    """
    rule = target.profile.system
    if rule == "any":
        messages, told = _attribute(messages, target)
        return system, [m for one in messages for m in _split_notes(one)] if noted or told else messages
    messages = _tag_notes(messages) if noted else messages
    if rule == "none" and system:
        return "", _fold(system, messages)
    return system, messages


def _split_notes(message: Message) -> list[Message]:
    """Put the notes of a user message behind it, as a system message.

    Where there is nothing else, the notes stay the user's: a system message must not
    stand right after an answer (S2).
    """
    notes = tuple(p for p in message.parts if isinstance(p, SystemNote))
    if not notes:
        return [message]
    rest = tuple(p for p in message.parts if not isinstance(p, SystemNote))
    if message.role != "user" or not rest:
        return [message._replace(parts=tuple(_tagged(p) for p in message.parts))]
    return [Message("user", rest), Message("system", notes)]


def _tag_notes(messages: list[Message]) -> list[Message]:
    """Tell notes as text, the first with its explanation; the leading text stays as it is, and caches with it."""
    out: list[Message] = []
    explained = False
    for message in messages:
        if any(isinstance(p, SystemNote) for p in message.parts):
            head = () if explained else (Text(EXPLAIN_NOTES),)
            message = message._replace(parts=(*head, *(_tagged(p) for p in message.parts)))
            explained = True
        out.append(message)
    return out


def _tagged(part: Part) -> Part:
    return Text(f"<system>{part.text}</system>") if isinstance(part, SystemNote) else part


def _fold(system: str, messages: list[Message]) -> list[Message]:
    """Put the leading text into the first user message (S5: the role is refused)."""
    return [messages[0]._replace(parts=(Text(system), *messages[0].parts)), *messages[1:]]


def _attribute(messages: list[Message], target: Target) -> tuple[list[Message], bool]:
    """Say once, at each change of author, that the answers above were written by another model; tell if so."""
    out: list[Message] = []
    told = own = f"{target.provider}/{target.origin.model}"
    author, changed = own, False
    for message in messages:
        if message.step is not None:
            author = own if message.step.origin == target.origin else message.step.reference
        if message.role == "user" and author != told:
            who = "you" if author == own else f"another model, {author}"
            message = message._replace(parts=(*message.parts, SystemNote(f"The last answer above is by {who}.")))
            told, changed = author, True
        out.append(message)
    return out, changed

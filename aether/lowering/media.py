"""Images and files: where they may stand, and what stands there for a model that cannot see them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from aether.lowering.view import Message, Omission
from aether.profile import Profile
from aether.transcript import File, Image, Part, ResultPart, Text, ToolResult

P = TypeVar("P", bound=Part)

UNSEEN_IMAGE = "this model cannot see images"
UNREAD_FILE = "this model cannot read this kind of file"
FILE_AS_TEXT = "this model gets only the text of the file"


def place_media(messages: list[Message], profile: Profile) -> tuple[list[Message], list[Omission]]:
    """Replace what the target cannot take by a placeholder; move media to where they may stand.

    Only users may show images: those of an assistant, and of tool results where the
    profile wants it, move into the next user message.
    """
    omitted: list[Omission] = []
    out: list[Message] = []
    moved: list[Part] = []
    for message in messages:
        if message.role == "tool":
            parts = tuple(_result(p, profile, omitted, moved) for p in message.parts)
            out.append(replace(message, parts=parts))
            continue
        if message.role == "assistant":
            out += _shown_by_user(moved)
            moved = _media(message.parts, profile, omitted, "made by the assistant") if not message.native else []
            out.append(replace(message, parts=tuple(p for p in message.parts if not isinstance(p, Image | File))))
            continue
        parts = (*moved, *(_seen(p, profile, omitted) for p in message.parts))
        moved = []
        out.append(replace(message, parts=parts))
    return out + _shown_by_user(moved), omitted


def _shown_by_user(parts: list[Part]) -> list[Message]:
    return [Message("user", tuple(parts))] if parts else []


def _media(parts: Iterable[Part], profile: Profile, omitted: list[Omission], origin: str) -> list[Part]:
    found = [_seen(p, profile, omitted) for p in parts if isinstance(p, Image | File)]
    return [Text(f"[{origin}:]"), *found] if found else []


def _result(part: Part, profile: Profile, omitted: list[Omission], moved: list[Part]) -> Part:
    if not isinstance(part, ToolResult):
        return part
    if not profile.result_images and profile.vision and any(isinstance(p, Image | File) for p in part.parts):
        moved += _media(part.parts, profile, omitted, f"from the tool {part.name}")
        note = Text("(shown in the next message)")
        kept: tuple[ResultPart, ...] = tuple(p for p in part.parts if isinstance(p, Text))
        return replace(part, parts=(*kept, note))
    return replace(part, parts=tuple(_seen(p, profile, omitted) for p in part.parts))


def _seen(part: P, profile: Profile, omitted: list[Omission]) -> P | Text:
    match part:
        case Image() if not profile.vision:
            omitted.append(Omission("image", 1, UNSEEN_IMAGE))
            return Text(f"[image {_named(part)} not shown: {UNSEEN_IMAGE}]")
        case File() if not profile.files and part.text is not None:
            omitted.append(Omission("file", 1, FILE_AS_TEXT))
            return Text(f"[text of the file {_named(part)}]\n```\n{part.text}\n```")
        case File() if not profile.files:
            omitted.append(Omission("file", 1, UNREAD_FILE))
            return Text(f"[file {_named(part)} not shown: {UNREAD_FILE}]")
        case _:
            return part


def _named(part: Image | File) -> str:
    blob = part.blob
    size = f" {blob.width}×{blob.height}" if blob.width and blob.height else ""
    return f'"{blob.name or blob.mime}"{size}'

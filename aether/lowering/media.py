"""Images and files: where they may stand, and what stands there for a model that cannot see them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from aether.lowering.view import Message, Omission
from aether.profile import Profile
from aether.transcript import File, Image, Part, ResultPart, Text, ToolResult

P = TypeVar("P", bound=Part)

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
"""Kinds of image that every service takes (types of the SDK `anthropic` 2.12)."""
LARGEST_IMAGE = 5_242_880 // 4 * 3
"""Bytes of an image: 5 MiB when written as base64 (claude-code#10612)."""
LONGEST_EDGE = 8000
"""Pixels (claude-code#4778)."""
FILE_TYPE = "application/pdf"
"""The one kind of file that all services with files take; of others the text is sent."""
UNSEEN_IMAGE = "this model cannot see images"
UNFIT_IMAGE = "it is too large, or of a kind that models do not take"
MISSING = "its bytes did not come along with the conversation"
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
            if any(isinstance(r, ToolResult) and _holds_media(r.parts) for r in message.parts):
                message = message._replace(parts=tuple(_result(r, profile, omitted, moved) for r in message.parts))
        elif message.role == "assistant":
            out += _shown_by_user(moved)
            moved = []
            if _holds_media(message.parts):
                moved = [] if message.native else _media(message.parts, profile, omitted, "made by the assistant")
                parts = tuple(p for p in message.parts if not isinstance(p, Image | File))
                message = message._replace(parts=parts)
        elif moved or _holds_media(message.parts):
            message = message._replace(parts=(*moved, *(_seen(p, profile, omitted) for p in message.parts)))
            moved = []
        out.append(message)
    return out + _shown_by_user(moved), omitted


def _holds_media(parts: Iterable[Part]) -> bool:
    return any(isinstance(p, Image | File) for p in parts)


def _shown_by_user(parts: list[Part]) -> list[Message]:
    return [Message("user", tuple(parts))] if parts else []


def _media(parts: Iterable[Part], profile: Profile, omitted: list[Omission], origin: str) -> list[Part]:
    found = [_seen(p, profile, omitted) for p in parts if isinstance(p, Image | File)]
    return [Text(f"[{origin}:]"), *found] if found else []


def _result(part: Part, profile: Profile, omitted: list[Omission], moved: list[Part]) -> Part:
    """Keep in a result what may stand there; what the target sees only in a user's message moves."""
    if not isinstance(part, ToolResult):
        return part
    seen: list[ResultPart] = [_seen(p, profile, omitted) for p in part.parts]
    media = [p for p in seen if isinstance(p, Image | File)]
    if media and not profile.result_images:
        moved += [Text(f"[from the tool {part.name}:]"), *media]
        seen = [*(p for p in seen if isinstance(p, Text)), Text("(shown in the next message)")]
    return replace(part, parts=tuple(seen))


def _seen(part: P, profile: Profile, omitted: list[Omission]) -> P | Text:
    match part:
        case Image() if not profile.vision or not _fit(part):
            why = UNSEEN_IMAGE if not profile.vision else UNFIT_IMAGE if part.blob.sha256 else MISSING
            omitted.append(Omission("image", 1, why))
            return Text(f"[image {_named(part)} not shown: {why}]")
        case File() if profile.files and part.blob.mime == FILE_TYPE:
            return part
        case File() if part.text is not None and part.text.strip():
            omitted.append(Omission("file", 1, FILE_AS_TEXT))
            fence = "`" * max(3, 1 + max((len(m) for m in re.findall("`+", part.text)), default=0))
            return Text(f"[text of the file {_named(part)}]\n{fence}\n{part.text}\n{fence}")
        case File():
            omitted.append(Omission("file", 1, UNREAD_FILE))
            return Text(f"[file {_named(part)} not shown: {UNREAD_FILE}]")
        case _:
            return part


def _fit(part: Image) -> bool:
    blob = part.blob
    return blob.mime in IMAGE_TYPES and blob.size <= LARGEST_IMAGE and max(blob.width, blob.height) <= LONGEST_EDGE


def _named(part: Image | File) -> str:
    blob = part.blob
    size = f" {blob.width}×{blob.height}" if blob.width and blob.height else ""
    return f'"{blob.name or blob.mime}"{size}'

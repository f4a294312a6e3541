"""A conversation as a document: JSON, Markdown and Jupyter notebook, and back again. Pure.

JSON and the notebook hold all of it but the accounts that were asked, which are in no file. An unchanged
export of this server comes back equal; each step of any other file is marked as imported. Markdown is for
reading. Exports of ChatGPT and Claude come in as conversations to go on with. What is not one of these is
refused in a sentence. No key can stand in a transcript, and the user and password of an address are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

from aether.bounds import ID_CHARS, STEPS
from aether.branches import answers, change_steps
from aether.exports import archive, authentic, files, foreign, markdown, natives, notebook
from aether.exports.authentic import Content
from aether.exports.bounded import bounded
from aether.exports.files import ReadBlob
from aether.exports.natives import Sign
from aether.text import sound, sound_json
from aether.transcript import File as FilePart
from aether.transcript import Image as ImagePart
from aether.transcript import Step, SystemNote, Text, Transcript, TranscriptError, Turn, json_text
from aether.wire.base import no_blobs

__all__ = ["FORMATS", "Document", "Format", "Imported", "document", "mark_imported", "portable", "read", "title"]

Format = Literal["json", "md", "ipynb"]
FORMATS: tuple[Format, ...] = get_args(Format)
ODD_FIGURES = "Some figures of the file made no sense and were left out."
USERINFO = re.compile(r"(?<=://)[^/?#]*@")


Values = tuple[Transcript, tuple[str, ...], tuple[bytes, ...], list[str], tuple[str, tuple[bool, ...]]]
"""A conversation, notes about it, the bytes that it names, the signatures of its blocks, its `Content`."""


@dataclass(frozen=True)
class Document:
    """A file to hand out."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Imported:
    """What a file held: conversations, the one to open first, what should be said about them, the bytes they name."""

    conversations: tuple[Transcript, ...]
    notes: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()
    signatures: list[str] = field(default_factory=list[str])
    content: Content = field(default_factory=Content)

    def verified(self, sign: Sign, accounts: Collection[str] = ()) -> tuple[tuple[Transcript, ...], tuple[str, ...]]:
        """Return the conversations with the blocks and stamps alone that this server has signed, and what to say.

        `accounts`: the fingerprints of the keys that the blocks may have been asked for with.
        """
        known = (authentic.restored(c, self.content, sign) for c in self.conversations)
        checked = [natives.without_unsigned(c, self.signatures, sign, accounts) for c in known]
        dropped = any(has_unsigned for _, has_unsigned in checked)
        return tuple(c for c, _ in checked), (*self.notes, *([natives.DROPPED] if dropped else []))


def document(
    transcript: Transcript, format: Format, *, read_blob: ReadBlob = no_blobs, sign: Sign | None = None
) -> Document:
    """Return the conversation as a file of that format, with the pictures and files that it names."""
    clean = _whole(_without_userinfo(transcript))
    held: dict[str, Any] = {}
    if format != "md":
        packed, signed = files.packed(clean, read_blob), natives.signatures(clean, sign) if sign else []
        held = ({"files": packed} if packed else {}) | ({"signatures": signed} if signed else {})
    clean = natives.without_accounts(clean)
    if format != "md" and sign and (whole := authentic.signature(authentic.digest(clean), sign)):
        held["signature"] = whole
    match format:
        case "json":
            written = clean.to_json() if not held else json_text({**clean.to_dict(), **held})
        case "md":
            written = markdown.write(clean, title=title(clean))
        case "ipynb":
            written = notebook.write(clean, title=title(clean), more=held)
    return Document(f"{_file_name(title(clean))}.{format}", written.encode())


def portable(transcript: Transcript) -> dict[str, Any]:
    """Return the JSON form without accounts, made turn by turn: whatever runs beside it has its time in between."""
    clean = natives.without_accounts(transcript)
    form = replace(clean, turns=(), branches=(), beside=()).to_dict()
    form["turns"] = _turns(clean.turns)
    for branch in clean.branches:
        (head,) = Transcript(branches=(replace(branch, turns=()),)).to_dict()["branches"]
        form["branches"].append(head | {"turns": _turns(branch.turns)})
    form["beside"] = [made for step in clean.beside for made in Transcript(beside=(step,)).to_dict()["beside"]]
    return form


def _turns(turns: tuple[Turn, ...]) -> list[Any]:
    return [made for turn in turns for made in Transcript(turns=(turn,)).to_dict()["turns"]]


def read(name: str, data: bytes) -> Imported:
    """Read a file of ours or of another service; raise TranscriptError with a sentence for any other.

    It looks at a stranger's bytes: where the application does that, it is in a worker (`read_values`).
    """
    held: Any = archive.load(name, data)
    if isinstance(held, dict) and ("nbformat" in held or "turns" in held) and sound_json(held) is not held:
        raise TranscriptError("This conversation holds values that cannot be kept.")  # ours are written without
    notes: tuple[str, ...] = ()
    own: dict[str, Any] = {}
    if isinstance(held, dict) and "nbformat" in held:
        found, notes, own = notebook.read(cast(dict[str, Any], held))
    elif isinstance(held, dict) and "turns" in held:
        own = cast(dict[str, Any], held)
        own = {key: own.pop(key, None) for key in ("files", "signatures", "signature")}
        found = Transcript.from_dict(cast(object, held))
    else:
        found, count = foreign.newest(sound_json(cast(object, held)))
        if found is None:
            raise TranscriptError("This file holds no conversation that can be read here.")
        more = f"The file holds {count} conversations; the newest one was opened."
        notes = (foreign.NOTE, *([more] if count > 1 else []))
    del held
    found, has_odd_figures = bounded(_checked(found))
    carried = files.carried(own.get("files"), found)
    notes = (*notes, *([ODD_FIGURES] if has_odd_figures else []))
    rebuilt = files.rebuilt(found, carried.parts)
    signature = "".join(_names([own.get("signature")]))
    content = Content(signature, authentic.marks(rebuilt)) if signature else Content()
    signatures = _names(own.get("signatures"))
    return Imported((authentic.marked(rebuilt),), notes, tuple(carried.files.values()), signatures, content)


def read_values(name: str, data: bytes) -> Values:
    """Return what `read` returns as plain values, for a worker process to hand back."""
    found = read(name, data)
    content = (found.content.signature, found.content.marks)
    return found.conversations[0], found.notes, found.files, found.signatures, content


def _names(value: object) -> list[str]:
    """Return the short texts of a list, no more than a conversation has steps."""
    listed = cast(list[object], value)[:STEPS] if isinstance(value, list) else []
    return [item for item in listed if isinstance(item, str) and len(item) <= ID_CHARS]


def title(transcript: Transcript) -> str:
    """Name a conversation by its first words."""
    first = next((t.text for t in transcript.turns if t.text.strip()), "")
    words = " ".join(first.split())
    return (words if len(words) <= 60 else words[:59] + "…") or "Conversation"


def _checked(transcript: Transcript) -> Transcript:
    """Return what was read, if it can be written again and its prompts are a person's."""
    try:
        json.dumps(transcript.to_dict(), ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise TranscriptError("This conversation holds values that cannot be kept.") from error
    ways = [transcript.turns, *(b.turns for b in transcript.branches)]
    if not all(isinstance(p, Text | ImagePart | FilePart | SystemNote) for w in ways for t in w for p in t.prompt):
        raise TranscriptError("This conversation is damaged at a prompt.")
    return transcript


def mark_imported(transcript: Transcript) -> Transcript:
    """Return what was read, checked, each of its steps marked: a file proves nothing without a signature."""
    return authentic.marked(_checked(transcript))


def _file_name(words: str) -> str:
    return re.sub(r"[^\w-]+", "-", words.rstrip("…"), flags=re.ASCII).strip("-").lower()[:48] or "conversation"


def _whole(transcript: Transcript) -> Transcript:
    """Return a conversation without halves of characters, which no file can hold."""
    written = transcript.to_json()
    mended = sound(written)
    return transcript if mended == written else Transcript.from_dict(json.loads(mended))


def _without_userinfo(transcript: Transcript) -> Transcript:
    if not any("@" in step.origin.base_url for answer in answers(transcript) for step in answer.steps):
        return transcript
    return change_steps(transcript, _clean_step)


def _clean_step(step: Step) -> Step:
    return replace(step, origin=replace(step.origin, base_url=USERINFO.sub("", step.origin.base_url)))

"""The bytes of the pictures and files that a conversation names: out with it, and described when they come back.

What a file says of its pictures and files is not believed: each part that names some is made anew from
the bytes themselves, as if they had been handed in. A part whose bytes did not come along keeps its
name and its text, and names none.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, cast

from aether.attachments import AttachmentError, bounded_text, part_read
from aether.bounds import BLOBS, FILE_BYTES, ID_CHARS, NAME_CHARS
from aether.transcript import Answer, Blob, File, Image, Part, Step, ToolResult, Transcript, Turn

MOST = 7_000_000
"""Bytes of all files together that go out; what is handed out can then be handed in again."""

ReadBlob = Callable[[Blob], bytes]
Media = Image | File
Parts = dict[str, Media]
"""Parts by the digest that a conversation names them by."""


def media(transcript: Transcript) -> Iterator[Media]:
    """Yield each picture and file of a conversation, on whichever way it stands."""
    ways = [transcript.turns, *(branch.turns for branch in transcript.branches)]
    steps = [step for way in ways for turn in way for answer in turn.answers for step in answer.steps]
    made = [part for step in (*steps, *transcript.beside) for part in (*step.parts, *step.results)]
    for part in (*(p for way in ways for turn in way for p in turn.prompt), *made):
        yield from _media_of(part)


def _media_of(part: Part) -> Iterator[Media]:
    if isinstance(part, Image | File):
        yield part
    elif isinstance(part, ToolResult):
        yield from (inner for inner in part.parts if isinstance(inner, Image | File))


def blobs(transcript: Transcript) -> list[Blob]:
    """Return what a conversation names, each once."""
    return list({part.blob.sha256: part.blob for part in media(transcript) if part.blob.sha256}.values())


def packed(transcript: Transcript, read_blob: ReadBlob) -> dict[str, str]:
    """Return the bytes that a conversation names, by their digest, in base64; those that are gone are left out."""
    found: dict[str, str] = {}
    left = MOST
    for blob in blobs(transcript):
        try:
            data = read_blob(blob)
        except KeyError:
            continue
        if len(data) <= left:
            left -= len(data)
            found[blob.sha256] = base64.b64encode(data).decode("ascii")
    return found


@dataclass
class Carried:
    """What a file carries: the parts that were made of it, and the bytes that they name."""

    parts: Parts = field(default_factory=Parts)
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])


def carried(held: Any, transcript: Transcript) -> Carried:
    """Return what is made of the bytes of a file that its conversation names and that are what their digest says."""
    named = {blob.sha256: blob.name for blob in blobs(transcript)}
    given = cast(dict[object, object], held) if isinstance(held, dict) else {}
    found = Carried()
    for digest, value in list(given.items())[: 2 * BLOBS]:
        data = _decoded(value)
        if not isinstance(digest, str) or digest not in named or not data or sha256(data).hexdigest() != digest:
            continue
        try:
            part, drawn, _ = part_read(named[digest], data)
        except AttachmentError:
            continue
        found.parts[digest] = part
        found.files |= {sha256(made).hexdigest(): made for made in drawn or (data,)}
    return found


def rebuilt(transcript: Transcript, parts: Parts) -> Transcript:
    """Return the conversation with each picture and file as it is among `parts`; of any other the digest alone."""

    def described(part: Media) -> Media:
        known = parts.get(part.blob.sha256)
        return _bare(part, part.blob.sha256) if known is None else _called(known, part.blob.name)

    return _mapped(transcript, described)


def unknown(transcript: Transcript) -> dict[str, str]:
    """Return the digests of which nothing but a name is known, each with that name."""
    return {p.blob.sha256: p.blob.name for p in media(transcript) if p.blob.sha256 and not p.blob.mime}


def settled(transcript: Transcript, own: Parts) -> Transcript:
    """Return the conversation with what it named by a digest alone as it is among `own`, or without its bytes."""

    def own_or_missing(part: Media) -> Media:
        if not part.blob.sha256 or part.blob.mime:
            return part
        known = own.get(part.blob.sha256)
        return _bare(part, "") if known is None else _called(known, part.blob.name)

    return _mapped(transcript, own_or_missing)


def _mapped(transcript: Transcript, change: Callable[[Media], Media]) -> Transcript:
    def item(part: Any) -> Any:
        if isinstance(part, ToolResult):
            return replace(part, parts=tuple(map(item, part.parts)))
        return change(part) if isinstance(part, Image | File) else part

    def step(known: Step) -> Step:
        return replace(known, parts=tuple(map(item, known.parts)), results=tuple(map(item, known.results)))

    def answer(known: Answer) -> Answer:
        return replace(known, steps=tuple(map(step, known.steps)))

    def turn(known: Turn) -> Turn:
        return replace(known, prompt=tuple(map(item, known.prompt)), answers=tuple(map(answer, known.answers)))

    if next(media(transcript), None) is None:
        return transcript
    return replace(
        transcript,
        turns=tuple(map(turn, transcript.turns)),
        branches=tuple(replace(b, turns=tuple(map(turn, b.turns))) for b in transcript.branches),
        beside=tuple(map(step, transcript.beside)),
    )


def _called(part: Media, name: str) -> Media:
    return replace(part, blob=replace(part.blob, name=name[:NAME_CHARS]))


def _bare(part: Media, digest: str) -> Media:
    """Return a part that keeps its name, and the text of a file; nothing that its bytes would have to prove."""
    blob = Blob(digest[:ID_CHARS], "", part.blob.name[:NAME_CHARS])
    if isinstance(part, Image):
        return Image(blob)
    return File(blob, bounded_text(part.text) if part.text else None)


def _decoded(value: object) -> bytes:
    try:
        is_fit = isinstance(value, str) and len(value) <= FILE_BYTES * 2
        return base64.b64decode(value, validate=True) if isinstance(value, str) and is_fit else b""
    except (binascii.Error, ValueError):
        return b""

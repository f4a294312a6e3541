"""The bytes of the pictures and files that a conversation names: out with it, and checked when they come back. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, cast

from aether.transcript import Blob, File, Image, Part, ToolResult, Transcript

MOST = 7_000_000
"""Bytes of all files together that go out; what is handed out can then be handed in again."""

ReadBlob = Callable[[Blob], bytes]


def blobs(transcript: Transcript) -> list[Blob]:
    """Return what a conversation names, each once, on whichever way it stands."""
    ways = [transcript.turns, *(branch.turns for branch in transcript.branches)]
    parts = (part for way in ways for turn in way for part in turn.prompt)
    steps = [step for way in ways for turn in way for answer in turn.answers for step in answer.steps]
    made = (part for step in steps for part in (*step.parts, *step.results))
    return list({blob.sha256: blob for part in (*parts, *made) for blob in _of(part)}.values())


def _of(part: Part) -> Iterator[Blob]:
    match part:
        case Image() | File():
            yield part.blob
        case ToolResult():
            yield from (blob for inner in part.parts for blob in _of(inner))
        case _:
            pass


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


def unpacked(held: Any, transcript: Transcript) -> tuple[bytes, ...]:
    """Return the bytes of a file that the conversation in it names and that are what their digest says."""
    named = {blob.sha256 for blob in blobs(transcript)}
    given = cast(dict[object, object], held) if isinstance(held, dict) else {}
    found = [_decoded(value) for digest, value in given.items() if digest in named]
    return tuple(data for data in found if data and sha256(data).hexdigest() in named)


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        return b""

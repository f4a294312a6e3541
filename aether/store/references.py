"""Which conversation, share or visitor refers to which bytes: what nothing refers to is deleted by `room.py`.

A file that was handed in and not sent yet is referred to by its owner, for a while. So is one that a
changed conversation shows no longer, because the change may be taken back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from sqlalchemy.engine import Connection

from aether.store import statements
from aether.transcript import Blob, File, Image, Part, ToolResult, Transcript, Turn


def blobs_of(turns: Iterable[Turn]) -> dict[str, Blob]:
    """Return by their digest the bytes that some turns name, originals of pictures too."""
    parts = (part for turn in turns for part in _parts(turn))
    return {blob.sha256: blob for part in parts for blob in _blobs(part)}


def follow(connection: Connection, owner: str, id_: str, *, new: Transcript, old: Transcript) -> None:
    """Write down which bytes a conversation refers to, where that differs from what was saved of it last."""
    pairs = [(now, before) for now, before in zip_longest(new.turns, old.turns) if now is not before]
    if not pairs and new.branches == old.branches:
        return
    before, after = _branched(old), _branched(new)
    added = blobs_of([now for now, _ in pairs if now is not None] + after)
    gone = blobs_of([was for _, was in pairs if was is not None] + before)
    refer(connection, owner, id_, (blob for digest, blob in added.items() if digest not in gone))
    if lost := gone.keys() - added.keys():
        lost -= blobs_of([*new.turns, *after]).keys()
    for digest in lost:
        refer(connection, owner, owner, [gone[digest]])
        connection.execute(statements.NO_REFERENCE, {"sha256": digest, "holder": id_})


def refer(connection: Connection, owner: str, holder: str, blobs: Iterable[Blob]) -> None:
    """Write down that somebody's conversation or share, or the owner alone, refers to some bytes."""
    now = time.time()
    rows = [{"sha256": b.sha256, "holder": holder, "owner": owner, "size": b.size, "at": now} for b in blobs]
    if rows:
        connection.execute(statements.NEW_REFERENCE, rows)


def whole(transcript: Transcript) -> list[Blob]:
    """Return the bytes that a conversation names, on every way that it went."""
    return list(blobs_of([*transcript.turns, *_branched(transcript)]).values())


def _branched(transcript: Transcript) -> list[Turn]:
    return [turn for branch in transcript.branches for turn in branch.turns]


def _parts(turn: Turn) -> Iterator[Part]:
    yield from turn.prompt
    for answer in turn.answers:
        for step in answer.steps:
            yield from step.parts
            yield from step.results


def _blobs(part: Part) -> Iterator[Blob]:
    match part:
        case Image():
            yield from (blob for blob in (part.blob, part.original) if blob is not None)
        case File():
            yield part.blob
        case ToolResult():
            yield from (blob for inner in part.parts for blob in _blobs(inner))
        case _:
            pass

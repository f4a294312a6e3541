"""Whether a file is an unchanged export of this server: then its stamps are what the server saw. Pure.

The whole conversation is signed, not each step alone: a true answer that was moved under another question
says something that was never said. Any other file is marked as imported, step by step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from itertools import chain, repeat

from aether.branches import change_steps
from aether.exports.natives import Sign
from aether.transcript import Step, Transcript


@dataclass(frozen=True)
class Content:
    """What a file claims to be: the signature of its conversation, and which steps it marks as imported."""

    signature: str = ""
    marks: tuple[bool, ...] = ()


def digest(transcript: Transcript) -> str:
    """Return a digest of all of a conversation."""
    return sha256(transcript.to_json().encode()).hexdigest()


def signature(digest: str, sign: Sign) -> str:
    """Return the server's signature of a conversation of that digest."""
    return sign(f"conversation:{digest}".encode())


def marks(transcript: Transcript) -> tuple[bool, ...]:
    """Return for each step whether it is marked as imported."""
    found: list[bool] = []

    def note(step: Step) -> Step:
        found.append(step.imported)
        return step

    change_steps(transcript, note)
    return (*found, *(step.imported for step in transcript.beside))


def marked(transcript: Transcript) -> Transcript:
    """Return the conversation with each step marked as imported."""
    return _with_marks(transcript, iter(lambda: True, None))


def restored(transcript: Transcript, content: Content, sign: Sign) -> Transcript:
    """Return the conversation with the marks of its file if that is an unchanged export, else as it is.

    The digest is made here, of the conversation that is returned: who has read the file says nothing of it.
    """
    if not content.signature:
        return transcript
    unchanged = _with_marks(transcript, chain(content.marks, repeat(True)))
    expected = signature(digest(unchanged), sign)
    is_unchanged = expected and compare_digest(content.signature.encode(), expected.encode())
    return unchanged if is_unchanged else transcript


def _with_marks(transcript: Transcript, each: Iterator[bool]) -> Transcript:
    steps = change_steps(transcript, lambda step: replace(step, imported=next(each)))
    return replace(steps, beside=tuple(replace(step, imported=next(each)) for step in transcript.beside))

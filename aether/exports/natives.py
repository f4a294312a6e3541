"""Blocks of a provider in a file: signed as they are handed out, and dropped where they come back otherwise. Pure.

A native block goes to its service as it is, with the operator's key: what it says and costs is
up to whoever wrote it. So a file may bring back only blocks that this server has received from
that service itself. The signature covers the origin, the prefix, the blocks, and what a reader
is shown of the step.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, cast

from aether.branches import change_steps
from aether.transcript import File, Image, Part, Step, Transcript

PURPOSE = "native blocks"
DROPPED = "Data that only the models' services can read was left out, because this server has not signed it."
Sign = Callable[[bytes], str]
"""Return the server's signature of some bytes."""


def unknown_signature(data: bytes) -> str:
    """Return a signature that nothing has: where there is no secret, nothing is signed."""
    return ""


def signatures(transcript: Transcript, sign: Sign) -> list[str]:
    """Return a signature for each step that has native blocks."""
    found: dict[str, None] = {}

    def note(step: Step) -> Step:
        if step.native:
            found[sign(_canonical(step))] = None
        return step

    change_steps(transcript, note)
    return list(found)


def without_unsigned(transcript: Transcript, claimed: object, sign: Sign) -> tuple[Transcript, bool]:
    """Return the transcript with the native blocks that are signed among `claimed`, and whether it had others."""
    known = (
        {item for item in cast(list[object], claimed) if isinstance(item, str) and item}
        if isinstance(claimed, list)
        else ()
    )
    dropped = False

    def check(step: Step) -> Step:
        nonlocal dropped
        if not step.native or sign(_canonical(step)) in known:
            return step
        dropped = True
        return replace(step, native=(), prefix="")

    return change_steps(transcript, check), dropped


def _canonical(step: Step) -> bytes:
    """Return what is signed: equal bytes for equal content, whatever the order of keys in a file."""
    content = [
        asdict(step.origin),
        step.prefix,
        [[native.kind, native.data] for native in step.native],
        [_shown(part) for part in step.parts],
    ]
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _shown(part: Part) -> dict[str, Any]:
    """Return a part without what is told of a file beside its bytes."""
    return {"sha256": part.blob.sha256} if isinstance(part, Image | File) else asdict(part)

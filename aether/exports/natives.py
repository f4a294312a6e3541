"""Blocks of a provider in a file: signed as they are handed out, and dropped where they come back otherwise. Pure.

A native block goes to its service as it is, with the operator's key: what it says and costs is
up to whoever wrote it. So a file may bring back only blocks that this server has received from
that service itself. The signature covers the origin, the prefix, the blocks, and what a reader
is shown of the step.

Which key a step was asked with is in no file: its fingerprint would tell that two conversations are of
one person. The signature covers it, and whoever reads the file tries the keys that it knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from hashlib import sha256
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
            found[sign(_canonical(step, _content(step)))] = None
        return step

    change_steps(transcript, note)
    return list(found)


def without_accounts(transcript: Transcript) -> Transcript:
    """Return the transcript without the fingerprints of the keys that its steps were asked with."""
    bare = change_steps(transcript, _without_account)
    return replace(bare, beside=tuple(map(_without_account, bare.beside)))


def without_unsigned(
    transcript: Transcript, claimed: object, sign: Sign, accounts: Collection[str] = ()
) -> tuple[Transcript, bool]:
    """Return the transcript with the native blocks that are signed among `claimed`, and whether it had others.

    A step whose blocks are signed is given the account, of `accounts` or its own, that the signature covers; no
    other step has one.
    """
    known = (
        {item for item in cast(list[object], claimed) if isinstance(item, str) and item}
        if isinstance(claimed, list)
        else set[str]()
    )
    dropped = False

    def check(step: Step) -> Step:
        nonlocal dropped
        if not step.native:
            return _without_account(step)
        content = _content(step) if known else b""
        for account in (step.origin.account, "", *accounts) if known else ():
            found = replace(step, origin=replace(step.origin, account=account))
            if sign(_canonical(found, content)) in known:
                return found
        dropped = True
        return replace(_without_account(step), native=(), prefix="")

    checked = change_steps(transcript, check)
    return replace(checked, beside=tuple(map(_without_account, checked.beside))), dropped


def _without_account(step: Step) -> Step:
    return replace(step, origin=replace(step.origin, account="")) if step.origin.account else step


def _content(step: Step) -> bytes:
    """Return a digest of what is signed beside the origin: equal for equal content, whatever the order of keys."""
    content = [
        step.prefix,
        [[native.kind, native.data] for native in step.native],
        [_shown(part) for part in step.parts],
    ]
    return sha256(_json(content)).digest()


def _canonical(step: Step, content: bytes) -> bytes:
    """Return what is signed of a step with that content."""
    return _json(asdict(step.origin)) + content


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _shown(part: Part) -> dict[str, Any]:
    """Return a part without what is told of a file beside its bytes."""
    return {"sha256": part.blob.sha256} if isinstance(part, Image | File) else asdict(part)

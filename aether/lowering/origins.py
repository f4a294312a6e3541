"""Own or foreign: which steps go to the target as it made them, and which in neutral parts. Pure.

A step goes home as its own blocks if the target issued it. Its reasoning goes along only
where all that the target saw before it is unchanged: newer Claude models bind a thinking
block to its whole prefix (platform.claude.com, "preserved thinking"). Reasoning of others
is never sent, not even as text: models refuse it, imitate it, or overflow.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, replace

from aether.lowering.view import Message, Omission, Target
from aether.transcript import Reasoning, Step

FOREIGN_REASONING = "reasoning of another model is kept here, but never sent"
CHANGED_REASONING = "reasoning that no longer fits what stands before it"
FOREIGN_NATIVE = "data that only the model that made it can read"


class Digest:
    """A running digest of what the target is shown."""

    def __init__(self, *seeds: object) -> None:
        self._hash = hashlib.sha256()
        self.add(*seeds)

    def add(self, *values: object) -> None:
        self._hash.update(json.dumps(values, sort_keys=True, default=str).encode())

    @property
    def value(self) -> str:
        return self._hash.hexdigest()[:32]


def own_or_foreign(
    messages: list[Message], target: Target, *, system: str, strict: bool
) -> tuple[list[Message], list[Omission], str]:
    """Return the messages with own blocks attached, what was left out, and the digest of all."""
    digest = Digest(asdict(target.origin), asdict(target.profile), system, [asdict(t) for t in target.tools])
    out: list[Message] = []
    omitted: list[Omission] = []
    taken: set[str] = set()
    for message in messages:
        if message.step is None:
            out.append(message)
            digest.add(message.role, [asdict(p) for p in message.parts])
            continue
        placed, left_out = _place(message, message.step, target, digest.value, taken, strict)
        omitted += left_out
        taken |= {c.id for c in message.step.calls}
        out.append(placed)
        digest.add("own" if placed.native else "foreign", placed.whole, _shown(placed))
    return out, omitted, digest.value


def _shown(message: Message) -> list[object]:
    return [n.data for n in message.native] if message.native else [asdict(p) for p in message.parts]


def _place(
    message: Message, step: Step, target: Target, prefix: str, taken: set[str], strict: bool
) -> tuple[Message, list[Omission]]:
    native = step.native if goes_home(step, target, taken) else ()
    thoughts = [p for p in step.parts if isinstance(p, Reasoning)]
    neutral = tuple(p for p in step.parts if not isinstance(p, Reasoning))
    if not native:
        opaque = [] if step.origin == target.origin else [n for n in step.native if n.kind == "other"]
        return replace(message, parts=neutral), _omissions(
            (Omission("reasoning", len(thoughts), FOREIGN_REASONING), Omission("native", len(opaque), FOREIGN_NATIVE))
        )
    if any(n.kind == "reasoning" for n in native) and (strict or step.prefix != prefix):
        kept = tuple(n for n in native if n.kind != "reasoning")
        placed = replace(message, parts=neutral, native=kept, whole=False)
        return placed, _omissions((Omission("reasoning", len(native) - len(kept), CHANGED_REASONING),))
    return replace(message, parts=neutral, native=native), []


def goes_home(step: Step, target: Target, taken: set[str]) -> bool:
    """Tell whether the target made this step and will take its blocks as they are."""
    if step.origin != target.origin or not step.native:
        return False
    if step.calls and not target.profile.tools:
        return False  # learnt since: the endpoint takes no tools after all
    return all(fits(c.id, target.profile.id_rule) and c.id not in taken for c in step.calls)


def fits(id_: str, rule: str) -> bool:
    """Tell whether a tool id obeys a profile's `id_rule`."""
    match rule:
        case "any":
            return bool(id_)
        case "nine":
            return re.fullmatch(r"[a-zA-Z0-9]{9}", id_) is not None
        case _:
            return re.search(rule, id_) is not None


def _omissions(found: tuple[Omission, ...]) -> list[Omission]:
    return [o for o in found if o.count]

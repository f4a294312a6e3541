"""Own or foreign: which steps go to the target as it made them, and which in neutral parts. Pure.

A step goes home as its own blocks if the target issued it. Its reasoning goes along only
where all that the target saw before it is unchanged: newer Claude models bind a thinking
block to its whole prefix (platform.claude.com, "preserved thinking"). Reasoning of others
is never sent, not even as text: models refuse it, imitate it, or overflow.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from aether.lowering.calls import NAME_RULE, fits
from aether.lowering.view import Message, Omission, Target, ToolSpec
from aether.parts import digest
from aether.transcript import Step

if TYPE_CHECKING:
    from hashlib import _Hash as Hash  # pyright: ignore[reportPrivateUsage]

FOREIGN_REASONING = "reasoning of another model is kept here, but never sent"
CHANGED_REASONING = "reasoning that no longer fits what stands before it"
FOREIGN_NATIVE = "data that only the model that made it can read"


def own_or_foreign(
    messages: list[Message], target: Target, *, system: str, tools: tuple[ToolSpec, ...], strict: bool
) -> tuple[list[Message], list[Omission], str]:
    """Return the messages with own blocks attached, what was left out, and the digest of all.

    Beside the digest of what is shown runs that of the same without any reasoning. A step
    that was made after the latter proves that the target refused what was there before:
    it is dead, and is not sent again (T1).
    """
    profile = replace(target.profile, context_window=None, max_output=None)  # learnt, but never shown
    shown = hashlib.sha256(digest(target.origin, profile, system, tools))
    bare = shown.copy()
    out: list[Message] = []
    taken: set[str] = set()
    parted = False
    for message in messages:
        step = message.step
        if step is None:
            out.append(message)
            shown.update(message.mark)
            bare.update(message.mark)
            continue
        home = goes_home(step, target, taken)
        placed = message._replace(parts=step.spoken, native=step.native if home else ())
        if parted and step.origin == target.origin and step.prefix == _value(bare):
            out, shown, parted = [_without_reasoning(m) for m in out], bare.copy(), False
        if home and step.bare_digest != step.native_digest:  # there is reasoning in it
            if strict or step.prefix != _value(shown):
                placed = _without_reasoning(placed)
            parted = parted or placed.whole
            bare.update(step.bare_digest)
            shown.update(step.native_digest if placed.whole else step.bare_digest)
        else:
            shown.update(step.native_digest if home else step.spoken_digest)
            bare.update(step.native_digest if home else step.spoken_digest)
        taken.update([c.id for c in step.calls])
        out.append(placed)
    return out, [o for m in out if m.step is not None for o in _left_out(m, m.step, target)], _value(shown)


def _value(running: Hash) -> str:
    return running.hexdigest()[:32]


def _without_reasoning(message: Message) -> Message:
    kept = tuple(n for n in message.native if n.kind != "reasoning")
    return message if len(kept) == len(message.native) else message._replace(native=kept, whole=False)


def _left_out(placed: Message, step: Step, target: Target) -> list[Omission]:
    """Say what of a step is not shown."""
    if not placed.whole:
        return [Omission("reasoning", sum(n.kind == "reasoning" for n in step.native), CHANGED_REASONING)]
    thoughts = len(step.parts) - len(step.spoken)
    if placed.native or not (thoughts or step.native):
        return []
    own = step.origin == target.origin
    opaque = 0 if own else sum(n.kind == "other" for n in step.native)
    reason = CHANGED_REASONING if own else FOREIGN_REASONING
    found = (Omission("reasoning", thoughts, reason), Omission("native", opaque, FOREIGN_NATIVE))
    return [o for o in found if o.count]


def goes_home(step: Step, target: Target, taken: set[str]) -> bool:
    """Tell whether the target made this step and will take its blocks as they are."""
    if not step.native or step.origin != target.origin:
        return False
    if not step.calls:
        return True
    if not target.profile.tools:
        return False  # learnt since: the endpoint takes no tools after all
    ids = {c.id for c in step.calls}
    return (
        len(ids) == len(step.calls)
        and ids.isdisjoint(taken)
        and all(fits(c.id, target.profile.id_rule) and NAME_RULE.fullmatch(c.name) for c in step.calls)
    )

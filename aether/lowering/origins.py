"""Own or foreign: which steps go to the target as it made them, and which in neutral parts. Pure.

A step goes home as its own blocks if the target issued it. Its reasoning goes along only
where all that the target saw before it is unchanged: newer Claude models bind a thinking
block to its whole prefix (platform.claude.com, "preserved thinking"). Reasoning of others
is never sent, not even as text: models refuse it, imitate it, or overflow.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from aether.lowering.calls import NAME_RULE, fits
from aether.lowering.view import Message, Omission, Target, ToolSpec
from aether.transcript import Reasoning, Step

FOREIGN_REASONING = "reasoning of another model is kept here, but never sent"
CHANGED_REASONING = "reasoning that no longer fits what stands before it"
FOREIGN_NATIVE = "data that only the model that made it can read"


class Digest:
    """A running digest of what the target is shown.

    It goes over the `repr` of values: theirs are exact, and made in a tenth of the time
    that JSON takes.
    """

    def __init__(self, *seeds: object) -> None:
        self._hash = hashlib.sha256()
        self.add(*seeds)

    def add(self, *values: object) -> None:
        self._hash.update(repr(values).encode("utf-8", "surrogatepass"))

    @property
    def value(self) -> str:
        return self._hash.hexdigest()[:32]

    def copy(self) -> Digest:
        """Return a digest that goes on from here by itself."""
        twin = Digest.__new__(Digest)
        twin._hash = self._hash.copy()
        return twin


def own_or_foreign(
    messages: list[Message], target: Target, *, system: str, tools: tuple[ToolSpec, ...], strict: bool
) -> tuple[list[Message], list[Omission], str]:
    """Return the messages with own blocks attached, what was left out, and the digest of all.

    Beside the digest of what is shown runs that of the same without any reasoning. A step
    that was made after the latter proves that the target refused what was there before:
    it is dead, and is not sent again (T1).
    """
    profile = replace(target.profile, context_window=None, max_output=None)  # learnt, but never shown
    shown = Digest(target.origin, profile, system, tools)
    bare = shown.copy()
    out: list[Message] = []
    taken: set[str] = set()
    for message in messages:
        step = message.step
        if step is None:
            out.append(message)
            shown.add(message.role, message.parts)
            bare.add(message.role, message.parts)
            continue
        placed = _place(message, step, target, taken)
        if any(n.kind == "reasoning" for n in placed.native):
            without = _without_reasoning(placed)
            if strict or step.prefix != shown.value:
                if strict or step.prefix != bare.value:
                    placed = without
                else:
                    out = [_without_reasoning(m) for m in out]
                    shown = bare.copy()
            _add(bare, without)
        else:
            _add(bare, placed)
        taken.update(c.id for c in step.calls)
        out.append(placed)
        _add(shown, placed)
    return out, [o for m in out if m.step is not None for o in _left_out(m, m.step, target)], shown.value


def _add(digest: Digest, placed: Message) -> None:
    if placed.native:
        digest.add("own", [n.data for n in placed.native])
    else:
        digest.add("foreign", placed.parts)


def _place(message: Message, step: Step, target: Target, taken: set[str]) -> Message:
    """Attach the step's own blocks if they go home; its reasoning is no part in any case."""
    parts = tuple(p for p in step.parts if not isinstance(p, Reasoning))
    return Message(message.role, parts, step.native if goes_home(step, target, taken) else (), step=step)


def _without_reasoning(message: Message) -> Message:
    kept = tuple(n for n in message.native if n.kind != "reasoning")
    return message if len(kept) == len(message.native) else replace(message, native=kept, whole=False)


def _left_out(placed: Message, step: Step, target: Target) -> list[Omission]:
    """Say what of a step is not shown."""
    if not placed.whole:
        return [Omission("reasoning", sum(n.kind == "reasoning" for n in step.native), CHANGED_REASONING)]
    if placed.native:
        return []
    reason = CHANGED_REASONING if step.origin == target.origin else FOREIGN_REASONING
    opaque = 0 if step.origin == target.origin else sum(n.kind == "other" for n in step.native)
    found = (
        Omission("reasoning", sum(isinstance(p, Reasoning) for p in step.parts), reason),
        Omission("native", opaque, FOREIGN_NATIVE),
    )
    return [o for o in found if o.count]


def goes_home(step: Step, target: Target, taken: set[str]) -> bool:
    """Tell whether the target made this step and will take its blocks as they are."""
    if step.origin != target.origin or not step.native:
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

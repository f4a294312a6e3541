"""Own or foreign: which steps go to the target as it made them, and which in neutral parts. Pure.

A step goes home as its own blocks if the target issued it. Its reasoning goes along only
where all that the target saw before it is unchanged: newer Claude models bind a thinking
block to its whole prefix (platform.claude.com, "preserved thinking"). Reasoning of others
is never sent, not even as text: models refuse it, imitate it, or overflow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from aether.lowering.calls import NAME_RULE, fits
from aether.lowering.stretches import Stretch
from aether.lowering.turns import Facts, Form, Way, facts, steps_of, way_home
from aether.lowering.view import Target, ToolSpec
from aether.parts import digest
from aether.transcript import Step, Turn

if TYPE_CHECKING:
    from hashlib import _Hash as Hash  # pyright: ignore[reportPrivateUsage]


def own_or_foreign(
    items: Sequence[Turn | Stretch], target: Target, *, system: str, tools: tuple[ToolSpec, ...], strict: bool
) -> tuple[list[tuple[Form, ...]], str]:
    """Return in which form each step of each turn is shown, and the digest of all that is shown."""
    profile = replace(target.profile, context_window=None, max_output=None)  # learnt, but never shown
    walk = _Walk(target, _Digest(hashlib.sha256(digest(target.origin, profile, system, tools))), strict)
    for number, item in enumerate(items, 1):
        if isinstance(item, Turn):
            walk.go(item, is_last=number == len(items))
        elif item.own and walk.bare is not None:
            for turn in item.turns:
                walk.go(turn, is_last=False)
        else:
            walk.pass_over(item)
    return walk.forms, walk.shown.value()


class _Digest:
    """A digest of many marks, which it takes in when it is asked for."""

    def __init__(self, running: Hash, marks: Sequence[bytes] = ()) -> None:
        self._running, self._marks = running, list(marks)
        self.add = self._marks.append

    def value(self) -> str:
        self._running.update(b"".join(self._marks))
        self._marks.clear()
        return self._running.hexdigest()[:32]

    def copy(self) -> _Digest:
        return _Digest(self._running.copy(), self._marks)


class _Walk:
    """The way through the turns, for one target.

    Beside the digest of what is shown runs that of the same without any reasoning, from
    where the two part. A step that was made after the latter proves that the target refused
    what was there before: it is dead, and is not sent again (T1).
    """

    def __init__(self, target: Target, shown: _Digest, strict: bool) -> None:
        self.target, self.shown, self.strict = target, shown, strict
        self.bare: _Digest | None = None
        self.forms: list[tuple[Form, ...]] = []
        self.taken: set[str] = set()

    def go(self, turn: Turn, *, is_last: bool) -> None:
        """Go past a turn whose way is known, or through it."""
        known, origin = facts(turn), self.target.origin
        if origin.model not in known.models or origin not in known.origins:
            way = known.foreign
        else:
            way = way_home(turn) if self.bare is None else None
        if way is None:
            self.meet(turn, is_last=is_last)
        else:
            self.pass_by(known, way)

    def pass_over(self, stretch: Stretch) -> None:
        """Go past turns of which it is known how they are shown, and that hold no calls."""
        self.forms += stretch.forms
        self._show(stretch.mark)

    def pass_by(self, known: Facts, way: Way) -> None:
        """Go past a turn that is shown in one known way."""
        self.forms.append(way.forms)
        self._show(way.mark)
        if known.call_ids:
            self.taken.update(known.call_ids)

    def meet(self, turn: Turn, *, is_last: bool) -> None:
        """Go through a turn in which the target answered."""
        forms: list[Form] = []
        if turn.prompt:
            self._show(turn.prompt_digest)
        steps = steps_of(turn)
        for step, following in zip(steps, (*steps[1:], None), strict=True):
            if self.bare is not None and step.origin == self.target.origin and step.prefix == self.bare.value():
                self.forms = [_bared(told) for told in self.forms]
                forms = [*_bared(forms)]
                self.shown, self.bare = self.bare, None
            forms.append(self._form(step, closed=self._is_closed(step, following, is_last=is_last)))
            self.taken.update([c.id for c in step.calls])
            if step.results:
                self._show(step.results_digest)
        self.forms.append(tuple(forms))

    def _is_closed(self, step: Step, following: Step | None, *, is_last: bool) -> bool:
        """Tell whether nothing of a step stays open: what its service paused was gone on with, or is now (E5)."""
        if step.stop != "paused" or not any(n.kind == "other" for n in step.native):
            return True
        return is_last if following is None else following.origin == step.origin and bool(following.native)

    def _form(self, step: Step, *, closed: bool) -> Form:
        """Choose the form of a step, and take it into the digests."""
        opaque = self.strict and any(n.kind == "other" for n in step.native)
        if opaque or not closed or not goes_home(step, self.target, self.taken):
            self._show(step.spoken_digest)
            return "retold" if step.origin == self.target.origin else "foreign"
        if step.bare_digest == step.native_digest:  # there is no reasoning in it
            self._show(step.native_digest)
            return "home"
        if self.strict or step.prefix != self.shown.value():
            self._show(step.bare_digest)
            return "bare"
        self.bare = self.bare or self.shown.copy()
        self.bare.add(step.bare_digest)
        self.shown.add(step.native_digest)
        return "home"

    def _show(self, mark: bytes) -> None:
        self.shown.add(mark)
        if self.bare is not None:
            self.bare.add(mark)


def _bared(forms: Sequence[Form]) -> tuple[Form, ...]:
    return tuple("bare" if f == "home" else f for f in forms)


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

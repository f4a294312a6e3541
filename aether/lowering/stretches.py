"""Sixteen plain exchanges as one: what a long conversation of words alone is shown as, looked up and not walked.

A stretch is what the passes make of some turns that stand behind each other, where nothing
depends on what stands before them: no calls, no notes, and each turn wholly another's or
wholly the target's own. It is kept with its first turn, and holds for as long as the turns
are the same. The newest turns are never part of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aether.lowering.turns import Form, Passage, Way, facts, joined, kind_of, passages, way_home
from aether.lowering.view import Target
from aether.transcript import Origin, Turn

LENGTH = 16


class Stretch(NamedTuple):
    """Turns as one target is shown them. `own`: some are its own; `mark`: the joined digests of what is shown."""

    turns: tuple[Turn, ...]
    forms: tuple[tuple[Form, ...], ...]
    mark: bytes
    own: bool
    passage: Passage


@dataclass(frozen=True)
class _Block:
    """Turns that stand behind each other: who answered in them, and what they are shown as, by kind of target."""

    turns: tuple[Turn, ...]
    models: frozenset[str]
    origins: frozenset[Origin]
    shown: dict[object, Stretch | None] = field(default_factory=dict[object, "Stretch | None"])


def stretched(turns: Sequence[Turn], target: Target) -> list[Turn | Stretch]:
    """Return the turns, those in a stretch as one."""
    items: list[Turn | Stretch] = []
    at = 0
    while at + LENGTH < len(turns):
        block = _block(tuple(turns[at : at + LENGTH]))
        stretch = _shown(block, target)
        items += [stretch] if stretch else block.turns
        at += LENGTH
    return [*items, *turns[at:]]


def _block(turns: tuple[Turn, ...]) -> _Block:
    kept = turns[0].derived
    known: _Block | None = kept.get("block")
    if known is None or known.turns != turns:
        held = [facts(turn) for turn in turns]
        models, origins = (frozenset[str]().union(*(h.models for h in held)), frozenset[Origin]())
        known = kept["block"] = _Block(turns, models, origins.union(*(h.origins for h in held)))
    return known


def _shown(block: _Block, target: Target) -> Stretch | None:
    own = target.origin.model in block.models and target.origin in block.origins
    key = (target.origin if own else None, kind_of(target.profile))
    if key not in block.shown:
        block.shown[key] = _stretch(block.turns, target)
    return block.shown[key]


def _stretch(turns: tuple[Turn, ...], target: Target) -> Stretch | None:
    held = [facts(turn) for turn in turns]
    own = [target.origin.model in h.models and target.origin in h.origins for h in held]
    ways: list[Way] = []
    for turn, known, is_own in zip(turns, held, own, strict=True):
        way = way_home(turn) if is_own else known.foreign
        if way is None or known.call_ids or known.names:
            return None
        ways.append(way)
    told = passages(turns, [w.forms for w in ways], target.profile)
    if any(p.calls or p.own_ids or p.noted for p in told):
        return None
    passage = Passage(
        messages=tuple(joined(told)),
        omissions=tuple(o for p in told for o in p.omissions),
        calls=0,
        own_ids=(),
        noted=False,
        chars=sum(p.chars for p in told),
    )
    return Stretch(turns, tuple(w.forms for w in ways), b"".join(w.mark for w in ways), any(own), passage)

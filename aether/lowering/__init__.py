"""A transcript, lowered for one target: what it may be shown, in a form that it accepts.

    transcript ─ visible ─ own_or_foreign ─┬ each turn: mend_text ─ close_calls ─ fix_calls ─ place_media
                                           │              ─ flatten_tools ─ drop_blank ─ merge_neighbours
               View ◀─ bridge ─ place_system ─ anchor_ends ─ joined, with give_ids for the calls

Each pass is pure and named after what it does. The transcript is never changed and the
lowered form is never stored: it is made anew for every request, so a swap back shows a
model its own steps again as it made them, byte for byte. What the passes make of one turn
alone is kept with that turn as long as it lives, so that a long conversation costs little
more than its newest turn.

The view only grows at its end while the target stays the same: what a pass does to a
message depends on what stands before it. Providers bind reasoning and caches to that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from aether.lowering.origins import own_or_foreign
from aether.lowering.shape import anchor_ends, bridge
from aether.lowering.stretches import Stretch, stretched
from aether.lowering.system import place_system, render_system
from aether.lowering.turns import Facts, Form, Passage, facts, joined, passages
from aether.lowering.view import Message, Omission, Target, ToolSpec, View
from aether.transcript import Cut, Text, Transcript, Turn

__all__ = ["Message", "Omission", "Target", "ToolSpec", "View", "lower", "visible"]

SUMMARY = "[Summary of the earlier conversation]\n{}"


def lower(transcript: Transcript, target: Target, *, strict: bool = False) -> View:
    """Return what `target` is shown of `transcript`; `strict` leaves all own reasoning out."""
    system = render_system(transcript.system, target)
    items = stretched(visible(transcript), target)
    tools = _tools([facts(item) for item in items if isinstance(item, Turn)], target)  # a stretch names no tools
    forms, prefix = own_or_foreign(items, target, system=system, tools=tools, strict=strict)
    told = _told(items, forms, target)
    messages = anchor_ends(joined(told))
    system, messages = place_system(messages, system, target, noted=any(p.noted for p in told))
    if any(p.calls for p in told):
        messages = bridge(messages, target.profile)
    return View(
        system=system,
        messages=tuple(messages),
        tools=tools,
        tool_choice="auto" if target.tools or not tools else "none",
        omissions=_sum([*_left_out(transcript), *(o for p in told for o in p.omissions)]),
        prefix=prefix,
        chars=sum([p.chars for p in told]),
    )


def visible(transcript: Transcript) -> Sequence[Turn]:
    """List the turns that are shown; a summary is a turn of the user's in place of those that it tells of."""
    if not transcript.cuts:
        return transcript.turns
    turns: list[Turn] = []
    for number, (turn, cut) in enumerate(zip(transcript.turns, _cut_of_each(transcript), strict=True)):
        if cut is None:
            turns.append(turn)
        elif number == cut.first and cut.summary:
            turns.append(Turn((Text(SUMMARY.format(cut.summary)),)))
    return turns


def _cut_of_each(transcript: Transcript) -> list[Cut | None]:
    """Return the cut that each turn falls under; of several the last in the list.

    Each turn is visited once, however many cuts cover it: `following` leads past those that have theirs.
    """
    count = len(transcript.turns)
    cuts: list[Cut | None] = [None] * count
    following = list(range(count + 1))
    for cut in reversed(transcript.cuts):
        number = cut.first
        while number <= cut.last and number < count:
            if following[number] == number:
                cuts[number] = cut
                following[number] = number + 1
            else:
                following[number] = following[following[number]]
            number = following[number]
    return cuts


def _told(items: Iterable[Turn | Stretch], forms: Sequence[tuple[Form, ...]], target: Target) -> list[Passage]:
    """Return how all is shown: of a stretch at once, where its turns are shown as it took them to be."""
    told: list[Passage] = []
    at = 0
    for item in items:
        turns = item.turns if isinstance(item, Stretch) else (item,)
        shown = tuple(forms[at : at + len(turns)])
        at += len(turns)
        if isinstance(item, Stretch) and shown == item.forms:
            told.append(item.passage)
        else:
            told += passages(turns, shown, target.profile)
    return told


def _left_out(transcript: Transcript) -> list[Omission]:
    count = sum(c.last - c.first + 1 for c in transcript.cuts)
    return [Omission("turns", count, "left out so that the conversation fits")] if count else []


def _tools(held: Iterable[Facts], target: Target) -> tuple[ToolSpec, ...]:
    """Offer the target's tools, and explain those that only the history still names (C14)."""
    if not target.profile.tools:
        return ()
    offered = {t.name for t in target.tools}
    used = dict.fromkeys(name for known in held for name in known.names)
    gone = [ToolSpec(n, "No longer available.", {"type": "object", "properties": {}}) for n in used if n not in offered]
    return (*target.tools, *gone)


def _sum(omissions: list[Omission]) -> tuple[Omission, ...]:
    """Add up omissions of one kind and reason, in the order of their first appearance."""
    counts: Counter[tuple[str, str]] = Counter()
    for o in omissions:
        counts[o.kind, o.reason] += o.count
    firsts = {(o.kind, o.reason): o for o in omissions}
    return tuple(replace(firsts[key], count=n) for key, n in counts.items() if n)

"""A transcript, lowered for one target: what it may be shown, in a form that it accepts.

    transcript ─ visible ─ own_or_foreign ─ close_calls ─ fix_calls ─ place_media ─ flatten_tools
      ─ drop_blank ─ merge_neighbours ─ anchor_ends ─ place_system ─ bridge ─▶ View

Each pass is pure, named after what it does, and tested alone. The transcript is never
changed and the lowered form is never stored: it is made anew for every request, so a
swap back shows a model its own steps again as it made them, byte for byte.

The view only grows at its end while the target stays the same: what a pass does to a
message depends on what stands before it. Providers bind reasoning and caches to that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from aether.lowering.calls import close_calls, fix_calls, flatten_tools, valid_name
from aether.lowering.media import place_media
from aether.lowering.origins import own_or_foreign
from aether.lowering.shape import anchor_ends, bridge, drop_blank, merge_neighbours
from aether.lowering.system import place_system, render_system
from aether.lowering.view import Message, Omission, Target, ToolSpec, View
from aether.parts import digest
from aether.transcript import Text, Transcript

__all__ = ["Message", "Omission", "Target", "ToolSpec", "View", "lower", "visible"]

SUMMARY = "[Summary of the earlier conversation]\n{}"


def lower(transcript: Transcript, target: Target, *, strict: bool = False) -> View:
    """Return what `target` is shown of `transcript`; `strict` leaves all own reasoning out."""
    system = render_system(transcript.system, target)
    messages = visible(transcript)
    tools = _tools(messages, target)
    messages, omitted, prefix = own_or_foreign(messages, target, system=system, tools=tools, strict=strict)
    messages = fix_calls(close_calls(messages))
    messages, unseen = place_media(messages, target.profile)
    messages, flattened = flatten_tools(messages, target.profile)
    messages = anchor_ends(merge_neighbours(drop_blank(messages)))
    system, messages = place_system(messages, system, target)
    messages = bridge(messages, target.profile)
    return View(
        system=system,
        messages=tuple(Message(m.role, m.parts, m.native, m.whole) for m in messages),
        tools=tools,
        tool_choice="auto" if target.tools or not tools else "none",
        omissions=_sum(_left_out(transcript) + omitted + unseen + flattened),
        prefix=prefix,
    )


def visible(transcript: Transcript) -> list[Message]:
    """List the messages of the chosen answers. Failures and unchosen answers are no messages."""
    messages: list[Message] = []
    cut = {n: c for c in transcript.cuts for n in range(c.first, c.last + 1)}
    for number, turn in enumerate(transcript.turns):
        if number in cut:
            if number == cut[number].first and cut[number].summary:
                summary = (Text(SUMMARY.format(cut[number].summary)),)
                messages.append(Message("user", summary, mark=digest(summary)))
            continue
        if turn.prompt:
            messages.append(Message("user", turn.prompt, mark=turn.prompt_digest))
        for step in turn.answer.steps if turn.answer else ():
            messages.append(Message("assistant", step.parts, step=step))
            if step.results:
                messages.append(Message("tool", step.results, mark=step.results_digest))
    return messages


def _left_out(transcript: Transcript) -> list[Omission]:
    count = sum(c.last - c.first + 1 for c in transcript.cuts)
    return [Omission("turns", count, "left out so that the conversation fits")] if count else []


def _tools(messages: list[Message], target: Target) -> tuple[ToolSpec, ...]:
    """Offer the target's tools, and explain those that only the history still names (C14)."""
    if not target.profile.tools:
        return ()
    offered = {t.name for t in target.tools}
    used = dict.fromkeys(valid_name(c.name) for m in messages if m.step for c in m.step.calls)
    gone = [ToolSpec(n, "No longer available.", {"type": "object", "properties": {}}) for n in used if n not in offered]
    return (*target.tools, *gone)


def _sum(omissions: list[Omission]) -> tuple[Omission, ...]:
    """Add up omissions of one kind and reason, in the order of their first appearance."""
    counts: Counter[tuple[str, str]] = Counter()
    for o in omissions:
        counts[o.kind, o.reason] += o.count
    firsts = {(o.kind, o.reason): o for o in omissions}
    return tuple(replace(firsts[key], count=n) for key, n in counts.items() if n)

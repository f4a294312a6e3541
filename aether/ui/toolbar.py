"""The quiet buttons of a cell and of its answers → markup. Pure; `cells.js` hears them.

A button with `data-verb` is carried out by `cells.py`; the others begin something in the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from aether.branches import siblings
from aether.transcript import Transcript
from aether.ui import words
from aether.ui.markdown import text
from aether.ui.words import say

WORDS = 60
"""Characters of a prompt that name a branch."""


def of_prompt(transcript: Transcript, index: int) -> str:
    """Offer what can be done with a prompt, and the other ways that begin here."""
    return (
        f'<div class="bar actions" role="toolbar" aria-label="Message {index + 1}">{_ways(transcript, index)}'
        f'<button type="button" class="edit" data-cell="{index}" title="Ask this in other words, on a branch">'
        f"{text(say('cell.edit'))}"
        '</button><button type="button" class="copy" title="Copy the message">'
        f"{text(say('cell.copy'))}</button>"
        f"{_verb('delete', text(say('cell.delete')), 'Take this cell out; it can be taken back', cell=index)}</div>"
    )


def of_cell(index: int, *, is_last: bool) -> str:
    """Offer to answer again, to compare, and to go on from here."""
    again = (
        f'<button type="button" class="again" data-cell="{index}" '
        f'title="{text(say("cell.again_title"))}">{text(say("cell.again"))}</button>'
        f'<button type="button" class="pick" data-pick="rerun" data-cell="{index}" '
        'title="Answer again with another model, beside this answer">'
        f"{text(say('cell.pick'))}</button>"
        f'<button type="button" class="pick" data-pick="compare" data-cell="{index}" '
        'title="Let several models answer this, side by side">'
        f"{text(say('cell.compare'))}</button>"
    )
    here = (
        ""
        if is_last
        else _verb("branch", text(say("cell.branch")), "Go on from here; what follows is kept", cell=index)
    )
    return f'<div class="bar actions" role="toolbar" aria-label="Cell {index + 1}">{again}{here}</div>'


def of_answer(index: int, number: int, *, copied: str, chosen: bool) -> str:
    """Offer to copy an answer; one that the conversation does not go on from also to compare and to choose it."""
    words = text(say("cell.copy"))
    copy = f'<button type="button" class="copy" data-source="{text(copied)}" title="{words}">{words}</button>'
    if chosen:
        return f'<span class="actions">{copy}</span>'
    differ = (
        '<button type="button" class="differ" title="Compare with the chosen answer, word by word">'
        f"{text(say('cell.differ'))}</button>"
    )
    choose = _verb("choose", text(say("cell.go_on")), "Let the conversation go on from here", cell=index, answer=number)
    return f'<span class="actions">{choose}{differ}{copy}</span>'


def ahead(transcript: Transcript) -> str:
    """List the ways that went on from where the conversation ends now; empty if there is none."""
    index = len(transcript.turns)
    rows = [
        f"<li>{_verb('walk', _named(transcript, number), 'Go on as before', branch=number)}</li>"
        for number in siblings(transcript, index)
    ]
    title = f"The conversation went on from here before, in {words.count(len(rows), 'way')}:"
    return f'<div class="ahead"><p>{title}</p><ul>{"".join(rows)}</ul></div>' if rows else ""


def _ways(transcript: Transcript, index: int) -> str:
    """Count the ways that begin at a cell, with a button to each side."""
    other = siblings(transcript, index)
    if not other:
        return ""
    ways: list[tuple[float, int]] = [(transcript.branches[n].turns[0].at, n) for n in other]
    order = [n for _, n in sorted([*ways, (transcript.turns[index].at, -1)])]
    place = order.index(-1)
    return (
        f'<span class="ways">{_step(transcript, order, place - 1, "‹", "The way before")}'
        f"<span>{place + 1}/{len(order)}</span>{_step(transcript, order, place + 1, '›', 'The next way')}</span>"
    )


def _step(transcript: Transcript, order: Sequence[int], place: int, sign: str, title: str) -> str:
    if not 0 <= place < len(order):
        return f'<button type="button" disabled aria-label="{title}">{sign}</button>'
    named = _named(transcript, order[place])
    return (
        f'<button type="button" data-verb="walk" data-branch="{order[place]}" aria-label="{title}" '
        f'title="{named}">{sign}</button>'
    )


def _named(transcript: Transcript, number: int) -> str:
    said = " ".join(transcript.branches[number].turns[0].text.split()) or "without words"
    return text(said if len(said) <= WORDS else said[: WORDS - 1] + "…")


def _verb(verb: str, label: str, title: str, **places: int) -> str:
    data = "".join(f' data-{name}="{value}"' for name, value in places.items())
    return f'<button type="button" data-verb="{verb}"{data} title="{title}">{label}</button>'

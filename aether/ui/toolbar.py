"""The quiet buttons of a cell and of its answers → markup. Pure; `cells.js` hears them.

A button with `data-verb` is carried out by `cells.py`; the others begin something in the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from aether.branches import siblings
from aether.transcript import Transcript
from aether.ui.markdown import text
from aether.ui.words import say

WORDS = 60
"""Characters of a prompt that name a branch."""


def of_prompt(transcript: Transcript, index: int) -> str:
    """Offer what can be done with a prompt, and the other ways that begin here."""
    edit = _button("edit", say("cell.edit"), say("deed.edit"), cell=index)
    copy = _button("copy", say("cell.copy"), say("deed.copy"))
    delete = _verb("delete", say("cell.delete"), say("deed.delete"), cell=index)
    return _bar(say("deed.message", number=index + 1), _ways(transcript, index) + edit + copy + delete)


def of_cell(index: int, *, is_last: bool, copied: str) -> str:
    """Offer to copy the answer where there is one with words, to answer again, to compare, and to go on from here."""
    copy = _copy(copied) if copied else ""
    again = _button("again", say("cell.again"), say("cell.again_title"), cell=index)
    other = _button("pick", say("cell.pick"), say("deed.pick"), pick="rerun", cell=index)
    compare = _button("pick", say("cell.compare"), say("deed.compare"), pick="compare", cell=index)
    here = "" if is_last else _verb("branch", say("cell.branch"), say("deed.branch"), cell=index)
    return _bar(say("deed.cell", number=index + 1), copy + again + other + compare + here)


def of_answer(index: int, number: int, *, copied: str, chosen: bool) -> str:
    """Offer to copy one answer of several; one that the conversation does not go on from also to compare and choose."""
    copy = _copy(copied) if copied else ""
    if chosen:
        return f'<span class="actions">{copy}</span>'
    differ = _button("differ", say("cell.differ"), say("deed.differ"))
    choose = _verb("choose", say("cell.go_on"), say("deed.choose"), cell=index, answer=number)
    return f'<span class="actions">{choose}{differ}{copy}</span>'


def ahead(transcript: Transcript) -> str:
    """List the ways that went on from where the conversation ends now; empty if there is none."""
    rows = [
        f"<li>{_verb('walk', _named(transcript, number), say('deed.walk'), branch=number)}</li>"
        for number in siblings(transcript, len(transcript.turns))
    ]
    return f'<div class="ahead"><p>{text(say("deed.ahead"))}</p><ul>{"".join(rows)}</ul></div>' if rows else ""


def _ways(transcript: Transcript, index: int) -> str:
    """Count the ways that begin at a cell, with a button to each side."""
    other = siblings(transcript, index)
    if not other:
        return ""
    ways: list[tuple[float, int]] = [(transcript.branches[n].turns[0].at, n) for n in other]
    order = [n for _, n in sorted([*ways, (transcript.turns[index].at, -1)])]
    place = order.index(-1)
    return (
        f'<span class="ways">{_step(transcript, order, place - 1, "‹", say("deed.before"))}'
        f"<span>{place + 1}/{len(order)}</span>{_step(transcript, order, place + 1, '›', say('deed.after'))}</span>"
    )


def _step(transcript: Transcript, order: Sequence[int], place: int, sign: str, name: str) -> str:
    if not 0 <= place < len(order):
        return f'<button type="button" disabled aria-label="{text(name)}">{sign}</button>'
    return (
        f'<button type="button" data-verb="walk" data-branch="{order[place]}" aria-label="{text(name)}" '
        f'title="{text(_named(transcript, order[place]))}">{sign}</button>'
    )


def _named(transcript: Transcript, number: int) -> str:
    said = " ".join(transcript.branches[number].turns[0].text.split()) or say("deed.wordless")
    return said if len(said) <= WORDS else said[: WORDS - 1] + "…"


def _bar(name: str, buttons: str) -> str:
    return f'<div class="bar actions" role="toolbar" aria-label="{text(name)}">{buttons}</div>'


def _verb(verb: str, label: str, title: str, **places: int) -> str:
    return f'<button type="button" data-verb="{verb}"{_data(places)} title="{text(title)}">{text(label)}</button>'


def _copy(answer: str) -> str:
    return _button("copy", say("cell.copy"), say("cell.copy"), source=text(answer))


def _button(kind: str, label: str, title: str, **data: int | str) -> str:
    return f'<button type="button" class="{kind}"{_data(data)} title="{text(title)}">{text(label)}</button>'


def _data(values: dict[str, int] | dict[str, int | str]) -> str:
    return "".join(f' data-{name}="{value}"' for name, value in values.items())

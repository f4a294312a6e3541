"""The ways that a conversation went: fork, walk, choose another answer, leave a turn out. Pure.

A transcript holds one way in full, its `turns`, and of every other way what differs from it.
So nothing is ever written over: each function returns a transcript in which all earlier ways
still stand, except for the turn that `without` takes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aether.parts import digest
from aether.transcript import Answer, Branch, Cut, Step, Transcript, Turn

Way = tuple[tuple[Turn, ...], tuple[Cut, ...]]


def ways(transcript: Transcript) -> list[Way]:
    """List every way in full: the one it goes now, then the branches in their order."""
    whole = [(transcript.turns[: b.first] + b.turns, b.cuts) for b in transcript.branches]
    return [(transcript.turns, transcript.cuts), *whole]


def fork(transcript: Transcript, first: int, *turns: Turn) -> Transcript:
    """Go on with `turns` from turn `first` on; the way it went is kept as a branch."""
    cuts = tuple(c for c in transcript.cuts if c.last < first)
    return _with_ways(transcript, (transcript.turns[:first] + turns, cuts), ways(transcript))


def walk(transcript: Transcript, branch: int) -> Transcript:
    """Go the way of `branch`; the way it went takes its place. Raise IndexError if there is none."""
    if not 0 <= branch < len(transcript.branches):
        raise IndexError(f"no branch {branch}")
    now, *others = ways(transcript)
    chosen, others[branch] = others[branch], now
    return _with_ways(transcript, chosen, others)


def choose(transcript: Transcript, index: int, answer: int) -> Transcript:
    """Go on from another answer of turn `index`.

    Turns that were said of the answer chosen before are kept as a branch; where the
    conversation has gone on from this one already, it goes that way again.
    """
    turn = transcript.turns[index]
    if not 0 <= answer < len(turn.answers):
        raise IndexError(f"no answer {answer}")
    if answer == turn.chosen:
        return transcript
    wanted = replace(turn, chosen=answer)
    now, *others = ways(transcript)
    kept = [now] if len(transcript.turns) > index + 1 else []
    for number, (turns, cuts) in enumerate(others):
        if len(turns) > index and _is_continued(turns, now[0][:index], wanted):
            more = tuple(a for a in turns[index].answers if a not in wanted.answers)
            known = replace(wanted, answers=wanted.answers + more)
            others[number : number + 1] = kept
            return _with_ways(transcript, ((*turns[:index], known, *turns[index + 1 :]), cuts), others)
    cuts = tuple(c for c in transcript.cuts if c.last < index)
    return _with_ways(transcript, ((*transcript.turns[:index], wanted), cuts), kept + others)


def without(transcript: Transcript, index: int) -> Transcript:
    """Take turn `index` out of every way that goes through it; raise IndexError if there is none."""
    if not 0 <= index < len(transcript.turns):
        raise IndexError(f"no turn {index}")
    now, *others = [
        (turns[:index] + turns[index + 1 :], _cuts_without(cuts, index)) if shares else (turns, cuts)
        for (turns, cuts), shares in zip(
            ways(transcript), [True, *(b.first > index for b in transcript.branches)], strict=True
        )
    ]
    return _with_ways(transcript, now, others)


def same_cell(one: Turn, other: Turn) -> bool:
    """Tell whether two turns are one cell, whichever answer each goes on from."""
    return one.at == other.at and one.prompt == other.prompt


def siblings(transcript: Transcript, index: int) -> list[int]:
    """List the branches that begin at `index` with another cell than the others, one for each."""
    beginning = [number for number, branch in enumerate(transcript.branches) if branch.first == index]
    if not beginning:
        return []
    shown: dict[tuple[float, bytes], set[bytes]] = {}
    for turn in transcript.turns[index : index + 1]:
        shown.setdefault(_cell(turn), set()).update(_answer_digests(turn))
    found: list[int] = []
    for number in beginning:
        turn = transcript.branches[number].turns[0]
        digests, cell = _answer_digests(turn), _cell(turn)
        if cell in shown and (not digests or digests[turn.chosen] in shown[cell]):
            continue  # that cell shows all that this one does: what they differ in is chosen among its answers
        found.append(number)
        shown.setdefault(cell, set()).update(digests)
    return found


def answers(transcript: Transcript) -> list[Answer]:
    """List every answer of every way once."""
    found = [list(turn.answers) for turn in transcript.turns]
    if not transcript.branches:
        return [answer for one in found for answer in one]
    cells: dict[tuple[float, bytes], tuple[list[Answer], set[bytes]]] = {}
    for turn, known in zip(transcript.turns, found, strict=True):
        cells.setdefault(_cell(turn), (known, set(_answer_digests(turn))))
    for turn in (t for b in transcript.branches for t in b.turns):
        if (cell := _cell(turn)) not in cells:
            found.append(list(turn.answers))
            cells[cell] = found[-1], set(_answer_digests(turn))
            continue
        known, digests = cells[cell]
        for answer, its_digest in zip(turn.answers, _answer_digests(turn), strict=True):
            if its_digest not in digests:
                digests.add(its_digest)
                known.append(answer)
    return [answer for one in found for answer in one]


def _cell(turn: Turn) -> tuple[float, bytes]:
    """Return what a cell is known by, its time and its prompt, as `same_cell` compares them."""
    return turn.at, turn.prompt_digest


def _answer_digests(turn: Turn) -> tuple[bytes, ...]:
    """Return a digest of each answer: many are looked for among many."""
    digests: tuple[bytes, ...] | None = turn.derived.get("answers")
    if digests is None:
        digests = turn.derived["answers"] = tuple(digest((answer,)) for answer in turn.answers)
    return digests


def _is_continued(turns: tuple[Turn, ...], before: tuple[Turn, ...], wanted: Turn) -> bool:
    index = len(before)
    return turns[:index] == before and same_cell(turns[index], wanted) and turns[index].answer == wanted.answer


def _cuts_without(cuts: tuple[Cut, ...], index: int) -> tuple[Cut, ...]:
    """Move cuts along with the turns that they name; a summary of what is deleted goes as well."""
    told = (c for c in cuts if not (c.summary and c.first <= index <= c.last))
    moved = (replace(c, first=c.first - (c.first > index), last=c.last - (c.last >= index)) for c in told)
    return tuple(c for c in moved if c.first <= c.last)


def _with_ways(transcript: Transcript, now: Way, others: list[Way]) -> Transcript:
    """Return the transcript that goes `now`, beside `others`; a way that is the beginning of another is none."""
    branches: list[Branch] = []
    for number, (turns, cuts) in enumerate(others):
        longer = [now[0], *(t for n, (t, _) in enumerate(others) if len(t) > len(turns) or n < number)]
        if any(other[: len(turns)] == turns for other in longer):
            continue
        first = _shared(now[0], turns)
        branches.append(Branch(first, turns[first:], cuts))
    return replace(transcript, turns=now[0], cuts=now[1], branches=tuple(branches))


def _shared(one: tuple[Turn, ...], other: tuple[Turn, ...]) -> int:
    """Return how many turns two ways share at their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def change_steps(transcript: Transcript, change: Callable[[Step], Step]) -> Transcript:
    """Return the transcript with `change` made to each step of each way."""

    def turn(known: Turn) -> Turn:
        return replace(known, answers=tuple(replace(a, steps=tuple(map(change, a.steps))) for a in known.answers))

    branches = tuple(replace(b, turns=tuple(map(turn, b.turns))) for b in transcript.branches)
    return replace(transcript, turns=tuple(map(turn, transcript.turns)), branches=branches)

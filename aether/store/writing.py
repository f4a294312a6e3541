"""How a conversation is written: what has changed, in one transaction, by one writer at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from aether.errors import AetherError
from aether.store import references, statements
from aether.store.grain import answer_head, head_of, searched, step_body, title_of, turn_head
from aether.transcript import Answer, Transcript, Turn

HELD_S = 5.0
"""Seconds after its last sign that a writer counts as gone."""
SKEW_S = 60.0
"""Seconds by which clocks may differ: a sign that lasts for longer was given before a clock was put back."""
ROW_BYTES = 256
"""What a conversation takes beside its texts."""
BRANCHES = -1
"""The number under which the words of all branches are searched."""
LOT = 100
"""Turns that one transaction adds."""
Open = frozenset[tuple[int, int]]
_NOTHING: Open = frozenset()
_beside_turns = attrgetter(*(f.name for f in fields(Transcript) if f.name != "turns"))
_beside_answers = attrgetter(*(f.name for f in fields(Turn) if f.name != "answers"))
_beside_steps = attrgetter(*(f.name for f in fields(Answer) if f.name != "steps"))


class Conflict(AetherError):
    """Say that somebody else has written to the conversation since it was loaded here."""

    kind = "conflict"
    remedy = "Nothing was mixed: what was said here is kept as a copy of its own."

    def __init__(self) -> None:
        super().__init__("This conversation went on in another tab.")


class Deleted(Conflict):
    """Say that the conversation was deleted since it was loaded here."""

    kind = "deleted"


@dataclass(frozen=True)
class Place:
    """Where a conversation is kept: whose, which one, and the revision last seen; 0: not yet kept."""

    owner: str
    id: str
    revision: int = 0


@dataclass(frozen=True)
class Moment:
    """A conversation as it stands now. `open` are the answers being written, as (turn, answer)."""

    transcript: Transcript
    model: str
    open: Open = _NOTHING


def stages(now: Moment, before: Moment | None) -> Iterator[Moment]:
    """Return what to save one after the other, so that no transaction adds many turns; the last one is `now`.

    Each is a conversation that opens. Until the last one is saved, the newest answer is marked as being written.
    """
    base = before.transcript if before is not None else Transcript()
    turns = now.transcript.turns
    for count in range(len(base.turns) + LOT, len(turns), LOT):
        newest = (count - 1, len(turns[count - 1].answers) - 1)
        yield Moment(replace(base, turns=turns[:count]), now.model, frozenset({newest}) if newest[1] >= 0 else _NOTHING)
    yield now


def save(connection: Connection, place: Place, now: Moment, before: Moment | None) -> None:
    """Write what differs from `before`; raise Conflict if `place` is not the newest revision, Deleted if it is gone.

    Who is refused has written nothing.
    """
    _take(connection, place, now, before)
    old = before.transcript if before is not None else Transcript()
    was_open = before.open if before is not None else _NOTHING
    new, changed = now.transcript, {turn for turn, _ in now.open ^ was_open}
    writing = _Writing(connection, place, now.open, was_open)
    for number, turn in enumerate(new.turns):
        known = old.turns[number] if number < len(old.turns) else None
        if known is None or number in changed or (turn is not known and turn != known):
            writing.turn(number, turn, known)
    for number in range(len(new.turns), len(old.turns)):
        for statement in statements.NO_TURN:
            connection.execute(statement, {"of": place.id, "at_turn": number})
    if new.branches != old.branches:
        writing.index(BRANCHES, [t for b in new.branches for t in b.turns], is_new=False)
    references.follow(connection, place.owner, place.id, new=new, old=old)


def _take(connection: Connection, place: Place, now: Moment, before: Moment | None) -> None:
    """Write the conversation's own row. Whoever does that first with a revision is the one who writes."""
    new, at = now.transcript, time.time()
    values: dict[str, Any] = {
        "model": now.model,
        "turns": len(new.turns),
        "revision": place.revision + 1,
        "held_until": at + HELD_S if now.open else 0.0,
    }
    if not place.revision:
        own = {"id": place.id, "owner": place.owner, "named": False, "pinned": False, "created_at": at}
        try:
            told = _told(new, at)
            row_bytes = ROW_BYTES + len(told["head"]) + len(told["title"])
            connection.execute(statements.NEW, values | own | told | {"row_bytes": row_bytes})
        except IntegrityError:
            raise Conflict from None
        return
    statement = statements.TAKE
    if before is None or _is_told_anew(new, before.transcript):
        statement = statements.TAKE_WHOLE
        values |= _told(new, at)
    elif new.turns != before.transcript.turns:
        statement = statements.TAKE_GROWN
        values["updated_at"] = at
    mine = {"of": place.id, "whose": place.owner}
    if connection.execute(statement, values | mine | {"known": place.revision}).rowcount != 1:
        raise Deleted if connection.execute(statements.IS_THERE, mine).first() is None else Conflict


def _told(new: Transcript, at: float) -> dict[str, Any]:
    return {"title": title_of(new), "head": head_of(new), "updated_at": at}


def _is_told_anew(new: Transcript, old: Transcript) -> bool:
    """Tell whether the conversation's title or head may have changed: its title is what was asked first."""
    first, was = ([turn.prompt for turn in told.turns[:1]] for told in (new, old))
    return first != was or _beside_turns(new) != _beside_turns(old)


@dataclass(frozen=True)
class _Writing:
    """One saving of a conversation: where it goes, and which answers are, and were, being written."""

    connection: Connection
    place: Place
    open: Open
    was_open: Open

    def turn(self, number: int, turn: Turn, known: Turn | None) -> None:
        """Write a turn that is new, or differs from the one that is known."""
        row = {"of": self.place.id, "at_turn": number}
        if known is None:
            self.connection.execute(statements.NEW_TURN, row | {"head": turn_head(turn)})
        elif _beside_answers(turn) != _beside_answers(known):
            self.connection.execute(statements.TURN, row | {"head": turn_head(turn)})
        old = known.answers if known is not None else ()
        for index, answer in enumerate(turn.answers):
            before, at = old[index] if index < len(old) else None, (number, index)
            if answer != before or (at in self.open) != (at in self.was_open):
                self._answer(row | {"at_answer": index}, answer, before, at)
        for index in range(len(turn.answers), len(old)):
            self.connection.execute(statements.NO_ANSWER, row | {"at_answer": index})
            self.connection.execute(statements.NO_STEPS, row | {"at_answer": index, "at_step": 0})
        if known is None or not any(number == opened for opened, _ in self.open):
            self.index(number, [turn], is_new=known is None)  # while it grows, only what was asked can be found

    def _answer(self, row: dict[str, Any], answer: Answer, before: Answer | None, at: tuple[int, int]) -> None:
        """Write an answer and those of its steps that have changed: the earlier ones of a growing answer have not."""
        grows = at in self.open and at in self.was_open
        if before is None or not grows or _beside_steps(answer) != _beside_steps(before):
            values = {"head": answer_head(answer), "is_open": at in self.open}
            self.connection.execute(statements.NEW_ANSWER if before is None else statements.ANSWER, row | values)
        old = before.steps if before is not None else ()
        for number, step in enumerate(answer.steps):
            known = old[number] if number < len(old) else None
            if step != known:
                values = {"at_step": number, "reference": step.reference, "body": step_body(step)}
                self.connection.execute(statements.NEW_STEP if known is None else statements.STEP, row | values)
        if len(old) > len(answer.steps):
            self.connection.execute(statements.NO_STEPS, row | {"at_step": len(answer.steps)})

    def index(self, number: int, turns: Sequence[Turn], *, is_new: bool) -> None:
        """Write the words that some turns are found by."""
        row = {"of": self.place.id, "at_turn": number, "body": searched(turns)}
        if is_new or not self.connection.execute(statements.TEXT, row).rowcount:
            self.connection.execute(statements.NEW_TEXT, row | {"owner": self.place.owner})


def is_held(until: float) -> bool:
    """Tell whether an answer is being written by somebody who gave a sign that lasts until then."""
    return 0 < until - time.time() < HELD_S + SKEW_S

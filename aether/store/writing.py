"""How a conversation is written: what has changed, in one transaction, by one writer at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from aether.errors import AetherError
from aether.store.grain import answer_rows, head_of, searched, title_of, turn_head
from aether.store.tables import ANSWERS, CONVERSATIONS, STEPS, TEXTS, TURNS
from aether.transcript import Answer, Transcript, Turn

HELD_S = 5.0
"""Seconds after its last sign that a writer counts as gone."""
SKEW_S = 60.0
"""Seconds by which clocks may differ: a sign that lasts for longer was given before a clock was put back."""
BRANCHES = -1
"""The number under which the words of all branches are searched."""
Open = frozenset[tuple[int, int]]


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
    open: Open = frozenset()


def save(connection: Connection, place: Place, now: Moment, before: Moment | None) -> None:
    """Write what differs from `before`; raise Conflict if `place` is not the newest revision, Deleted if it is gone."""
    old = before.transcript if before is not None else Transcript()
    new = now.transcript
    _take(connection, place, now, before)
    for number, turn in enumerate(new.turns):
        known = old.turns[number] if number < len(old.turns) else None
        opened, was_open = _of_turn(now.open, number), _of_turn(before.open if before else frozenset(), number)
        if turn != known or opened != was_open:
            _save_turn(connection, place, number, turn, known, opened, was_open)
    for number in range(len(new.turns), len(old.turns)):
        _delete(connection, (TURNS.c.number, ANSWERS.c.turn, STEPS.c.turn, TEXTS.c.turn), place, number)
    if new.branches != old.branches:
        _index(connection, place, BRANCHES, [t for b in new.branches for t in b.turns])


def _take(connection: Connection, place: Place, now: Moment, before: Moment | None) -> None:
    """Write the conversation's own row. Whoever does that first with a revision is the one who writes."""
    new, at = now.transcript, time.time()
    values: dict[str, Any] = {
        "model": now.model,
        "turns": len(new.turns),
        "revision": place.revision + 1,
        "held_until": at + HELD_S if now.open else 0.0,
    }
    if before is None or new != before.transcript:
        values["updated_at"] = at
    if before is None or replace(new, turns=()) != replace(before.transcript, turns=()):
        values["head"] = head_of(new)
    title = title_of(new)
    if not place.revision:
        fixed = {"id": place.id, "owner": place.owner, "title": title, "named": False, "pinned": False}
        try:
            connection.execute(sa.insert(CONVERSATIONS).values(**values, **fixed, created_at=at))
        except IntegrityError:
            raise Conflict from None
        return
    values["title"] = sa.case((CONVERSATIONS.c.named, CONVERSATIONS.c.title), else_=title)
    mine = (CONVERSATIONS.c.id == place.id, CONVERSATIONS.c.owner == place.owner)
    newest = (*mine, CONVERSATIONS.c.revision == place.revision, CONVERSATIONS.c.deleted_at.is_(None))
    if connection.execute(sa.update(CONVERSATIONS).where(*newest).values(**values)).rowcount != 1:
        there = sa.select(CONVERSATIONS.c.id).where(*mine, CONVERSATIONS.c.deleted_at.is_(None))
        raise Deleted if connection.execute(there).first() is None else Conflict


def _save_turn(
    connection: Connection,
    place: Place,
    number: int,
    turn: Turn,
    known: Turn | None,
    opened: set[int],
    was_open: set[int],
) -> None:
    key = {"conversation_id": place.id, "number": number}
    if known is None:
        connection.execute(sa.insert(TURNS).values(**key, head=turn_head(turn)))
    elif replace(turn, answers=()) != replace(known, answers=()):
        at = (TURNS.c.conversation_id == place.id, TURNS.c.number == number)
        connection.execute(sa.update(TURNS).where(*at).values(head=turn_head(turn)))
    old = known.answers if known is not None else ()
    for index, answer in enumerate(turn.answers):
        before = old[index] if index < len(old) else None
        if answer != before or (index in opened) != (index in was_open):
            _save_answer(connection, place, (number, index), answer, before, is_open=index in opened)
    for index in range(len(turn.answers), len(old)):
        _delete_answer(connection, place, (number, index))
    if known is None or not opened:  # while it grows, only what was asked can be found
        _index(connection, place, number, [turn])


def _save_answer(
    connection: Connection,
    place: Place,
    at: tuple[int, int],
    answer: Answer,
    before: Answer | None,
    *,
    is_open: bool,
) -> None:
    """Write an answer and those of its steps that have changed: the earlier ones of a growing answer have not."""
    turn, index = at
    head, steps = answer_rows(answer)
    own = (ANSWERS.c.conversation_id == place.id, ANSWERS.c.turn == turn, ANSWERS.c.number == index)
    values = {"head": head, "is_open": is_open}
    if before is None:
        key = {"conversation_id": place.id, "turn": turn, "number": index}
        connection.execute(sa.insert(ANSWERS).values(**key, **values))
    else:
        connection.execute(sa.update(ANSWERS).where(*own).values(**values))
    old = before.steps if before is not None else ()
    same = 0
    while same < min(len(steps), len(old)) and answer.steps[same] == old[same]:
        same += 1
    if len(old) > same:
        connection.execute(sa.delete(STEPS).where(*_steps_of(place, at), STEPS.c.number >= same))
    fresh = [
        {"conversation_id": place.id, "turn": turn, "answer": index, "number": n, "reference": r, "body": b}
        for n, (r, b) in enumerate(steps)
        if n >= same
    ]
    if fresh:
        connection.execute(sa.insert(STEPS), fresh)


def _delete_answer(connection: Connection, place: Place, at: tuple[int, int]) -> None:
    own = (ANSWERS.c.conversation_id == place.id, ANSWERS.c.turn == at[0], ANSWERS.c.number == at[1])
    connection.execute(sa.delete(ANSWERS).where(*own))
    connection.execute(sa.delete(STEPS).where(*_steps_of(place, at)))


def _steps_of(place: Place, at: tuple[int, int]) -> tuple[sa.ColumnElement[bool], ...]:
    return STEPS.c.conversation_id == place.id, STEPS.c.turn == at[0], STEPS.c.answer == at[1]


def _delete(connection: Connection, columns: Sequence[sa.Column[int]], place: Place, number: int) -> None:
    for column in columns:
        table = column.table
        connection.execute(sa.delete(table).where(table.c.conversation_id == place.id, column == number))


def _index(connection: Connection, place: Place, number: int, turns: Sequence[Turn]) -> None:
    body = searched(turns)
    own = (TEXTS.c.conversation_id == place.id, TEXTS.c.turn == number)
    if connection.execute(sa.update(TEXTS).where(*own).values(body=body)).rowcount:
        return
    key = {"conversation_id": place.id, "turn": number, "owner": place.owner}
    connection.execute(sa.insert(TEXTS).values(**key, body=body))


def is_held(until: float) -> bool:
    """Tell whether an answer is being written by somebody who gave a sign that lasts until then."""
    return 0 < until - time.time() < HELD_S + SKEW_S


def _of_turn(open_: Open, number: int) -> set[int]:
    return {answer for turn, answer in open_ if turn == number}

"""The statements that save a conversation, each built once: what differs from one saving to the next are parameters.

To build a statement anew, and to find the text that was compiled for its like, takes five times as
long as to run it, and holds the interpreter. A row is named by the parameters `of` (the conversation),
`at_turn`, `at_answer` and `at_step`; the other parameters have the names of their columns.
"""

from __future__ import annotations

import sqlalchemy as sa

from aether.store.tables import ANSWERS, CONVERSATIONS, STEPS, TEXTS, TURNS

_KEYS = {
    TURNS: {"conversation_id": "of", "number": "at_turn"},
    ANSWERS: {"conversation_id": "of", "turn": "at_turn", "number": "at_answer"},
    STEPS: {"conversation_id": "of", "turn": "at_turn", "answer": "at_answer", "number": "at_step"},
    TEXTS: {"conversation_id": "of", "turn": "at_turn"},
}


def _insert(table: sa.Table, *left_out: str) -> sa.Insert:
    """Return what writes a row, and asks for nothing back."""
    key, columns = _KEYS.get(table, {}), [c.name for c in table.c if c.name not in left_out]
    return sa.insert(table).values({name: sa.bindparam(key.get(name, name)) for name in columns}).inline()


def _update(table: sa.Table, *names: str) -> sa.Update:
    return sa.update(table).where(*_at(table)).values({name: sa.bindparam(name) for name in names})


def _at(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [table.c[column] == sa.bindparam(name) for column, name in _KEYS[table].items()]


def _of_turn(column: sa.Column[int]) -> sa.Delete:
    return sa.delete(column.table).where(
        column.table.c.conversation_id == sa.bindparam("of"), column == sa.bindparam("at_turn")
    )


def _take(*names: str) -> sa.Update:
    newest = (*_MINE, CONVERSATIONS.c.revision == sa.bindparam("known"))
    sign = ("model", "turns", "revision", "held_until")
    return sa.update(CONVERSATIONS).where(*newest).values({name: sa.bindparam(name) for name in (*sign, *names)})


_MINE = (
    CONVERSATIONS.c.id == sa.bindparam("of"),
    CONVERSATIONS.c.owner == sa.bindparam("whose"),
    CONVERSATIONS.c.deleted_at.is_(None),
)
NEW = _insert(CONVERSATIONS, "deleted_at", "bytes").values(bytes=sa.bindparam("row_bytes", type_=sa.BigInteger()))
TAKE = _take()
"""Write a conversation's own row, if `known` is its newest revision: here with nothing that a reader would see."""
TAKE_GROWN = _take("updated_at")
TAKE_WHOLE = _take("updated_at", "head").values(
    title=sa.case((CONVERSATIONS.c.named, CONVERSATIONS.c.title), else_=sa.bindparam("title", type_=sa.Text()))
)
IS_THERE = sa.select(CONVERSATIONS.c.id).where(*_MINE)

NEW_TURN, TURN = _insert(TURNS), _update(TURNS, "head")
NEW_ANSWER, ANSWER = _insert(ANSWERS), _update(ANSWERS, "head", "is_open")
NEW_STEP, STEP = _insert(STEPS), _update(STEPS, "reference", "body")
NEW_TEXT, TEXT = _insert(TEXTS, "id"), _update(TEXTS, "body")
NO_TURN = tuple(_of_turn(column) for column in (TURNS.c.number, ANSWERS.c.turn, STEPS.c.turn, TEXTS.c.turn))
NO_ANSWER = sa.delete(ANSWERS).where(*_at(ANSWERS))
NO_STEPS = sa.delete(STEPS).where(*_at(STEPS)[:-1], STEPS.c.number >= sa.bindparam("at_step"))
"""Delete an answer's steps from one on."""

NEW_REFERENCE = sa.text(
    "INSERT INTO blob_references (sha256, holder, owner, size, at) VALUES (:sha256, :holder, :owner, :size, :at) "
    "ON CONFLICT (sha256, holder) DO UPDATE SET at = excluded.at"
)
NO_REFERENCE = sa.text("DELETE FROM blob_references WHERE sha256 = :sha256 AND holder = :holder")

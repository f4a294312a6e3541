"""The list of somebody's conversations: newest first, page by page, or those in which some words stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from aether.bounds import SEARCH_CHARS
from aether.store.finding import NEWEST, found
from aether.store.grain import folded, is_id
from aether.store.tables import CONVERSATIONS, SHARES
from aether.store.writing import is_held

PAGE = 40
LONGEST_PAGE = 200
MOST_WORDS = 12
MOST_PINNED = 100


@dataclass(frozen=True)
class Wanted:
    """Which conversations: those with all these words; after the last of the page before; how many."""

    words: str = ""
    after: str = ""
    limit: int = PAGE


@dataclass(frozen=True)
class Entry:
    """One conversation in the list. `share`: the id of its shared snapshot; `after`: where the next page begins."""

    id: str
    title: str
    model: str
    pinned: bool
    turns: int
    updated_at: float
    is_held: bool
    share: str
    after: str


def page(connection: Connection, owner: str, wanted: Wanted) -> list[Entry]:
    """Return a page; the first one begins with all that is pinned."""
    limit = max(1, min(wanted.limit, LONGEST_PAGE))
    if wanted.words.strip():
        words = folded(wanted.words[:SEARCH_CHARS])[:MOST_WORDS]
        return _with_words(connection, owner, words, wanted.after, limit) if words else []
    mine = sa.select(CONVERSATIONS).where(CONVERSATIONS.c.owner == owner, CONVERSATIONS.c.deleted_at.is_(None))
    newest = (CONVERSATIONS.c.updated_at.desc(), CONVERSATIONS.c.id.desc())
    plain = mine.where(CONVERSATIONS.c.pinned == sa.false()).order_by(*newest).limit(limit)
    rows: list[RowMapping] = []
    if not wanted.after:
        pinned = mine.where(CONVERSATIONS.c.pinned == sa.true()).order_by(*newest).limit(MOST_PINNED)
        rows = list(connection.execute(pinned).mappings())
    else:
        at, _, id_ = wanted.after.partition(":")
        id_ = id_ if is_id(id_) else ""
        place = sa.tuple_(CONVERSATIONS.c.updated_at, CONVERSATIONS.c.id)
        plain = plain.where(place < sa.tuple_(sa.literal(_number(at)), sa.literal(id_)))
    rows += list(connection.execute(plain).mappings())
    return _entries(connection, rows, [f"{row['updated_at']!r}:{row['id']}" for row in rows])


def _with_words(connection: Connection, owner: str, words: Sequence[str], after: str, limit: int) -> list[Entry]:
    first = found(connection, owner, words, int(_number(after)) if after else NEWEST, limit)
    asked = sa.select(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(first))
    row_of = {row["id"]: row for row in connection.execute(asked).mappings()}
    return _entries(connection, [row_of[id_] for id_ in first], [str(text) for text in first.values()])


def one(connection: Connection, *own: sa.ColumnElement[bool]) -> Entry | None:
    """Return the entry of one conversation, deleted or not; None if it is not there, or not this owner's."""
    rows = list(connection.execute(sa.select(CONVERSATIONS).where(*own)).mappings())
    return _entries(connection, rows, [""])[0] if rows else None


def _entries(connection: Connection, rows: Sequence[RowMapping], after: Sequence[str]) -> list[Entry]:
    ids = [row["id"] for row in rows]
    asked = sa.select(SHARES.c.conversation_id, SHARES.c.id).where(SHARES.c.conversation_id.in_(ids))
    shares: dict[str, str] = {row[0]: row[1] for row in connection.execute(asked)} if ids else {}
    return [
        Entry(
            id=row["id"],
            title=row["title"],
            model=row["model"],
            pinned=bool(row["pinned"]),
            turns=row["turns"],
            updated_at=row["updated_at"],
            is_held=is_held(row["held_until"]),
            share=shares.get(row["id"], ""),
            after=place,
        )
        for row, place in zip(rows, after, strict=True)
    ]


def _number(text: str) -> float:
    """Return the number in a mark that comes back from a browser; what is none begins at the end."""
    try:
        number = float(text[:40])
    except ValueError:
        return 0.0
    return number if 0 <= number < NEWEST else 0.0

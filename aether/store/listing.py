"""The list of somebody's conversations: newest first, page by page, or those in which some words stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from aether.store.grain import folded, is_id, is_sign
from aether.store.tables import CONVERSATIONS, SHARES
from aether.store.writing import is_held

PAGE = 40
LONGEST_PAGE = 200
MOST_WORDS = 12
MOST_PINNED = 100
_SHOWN = ("id", "title", "model", "pinned", "turns", "updated_at", "held_until")


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
        words = folded(wanted.words[:400])[:MOST_WORDS]
        return _found(connection, owner, words, wanted.after, limit) if words else []
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


def one(connection: Connection, *own: sa.ColumnElement[bool]) -> Entry | None:
    """Return the entry of one conversation, deleted or not; None if it is not there, or not this owner's."""
    rows = list(connection.execute(sa.select(CONVERSATIONS).where(*own)).mappings())
    return _entries(connection, rows, [""])[0] if rows else None


_LITE = """
    FROM texts_index CROSS JOIN texts ON texts.id = texts_index.rowid
    CROSS JOIN conversations ON conversations.id = texts.conversation_id
    WHERE texts_index MATCH :query AND texts_index.rowid < :before
    AND conversations.owner = :owner AND conversations.deleted_at IS NULL ORDER BY texts_index.rowid DESC"""
_BIG = """
    FROM texts JOIN conversations ON conversations.id = texts.conversation_id
    WHERE texts.vector @@ CAST(:query AS tsquery) AND texts.id < :before
    AND conversations.owner = :owner AND conversations.deleted_at IS NULL ORDER BY texts.id DESC"""
NEWEST = 2**62


def _found(connection: Connection, owner: str, words: Sequence[str], after: str, limit: int) -> list[Entry]:
    """Walk through the matching turns from the newest on, until there are enough conversations."""
    lite = connection.dialect.name == "sqlite"
    shown = ", ".join(f"conversations.{name}" for name in _SHOWN)
    asked = sa.text(f"SELECT texts.id AS text_id, {shown} {_LITE if lite else _BIG}")
    query = _sqlite_query(owner, words) if lite else _postgres_query(owner, words)
    given = {"query": query, "owner": owner, "before": int(_number(after)) if after else NEWEST}
    rows: dict[str, RowMapping] = {}
    with connection.execution_options(yield_per=200).execute(asked, given) as found:
        for row in found.mappings():
            if len(rows) == limit and row["id"] not in rows:
                break
            rows.setdefault(row["id"], row)
    return _entries(connection, list(rows.values()), [str(row["text_id"]) for row in rows.values()])


def _sqlite_query(owner: str, words: Sequence[str]) -> str:
    """Return the words as phrases of FTS5: each is quoted, so none of them is a command to it."""
    return f'owner:"{owner}" AND ' + " AND ".join(
        f'body:"{" ".join(run)}"{"" if is_sign(run[0]) or not is_last else "*"}' for run, is_last in _runs(words)
    )


def _postgres_query(owner: str, words: Sequence[str]) -> str:
    """Return the words as a tsquery: each is letters and digits in quotes."""
    said = (
        "(" + " <-> ".join(f"'{word}'" for word in run) + ")"
        if is_sign(run[0])
        else f"'{run[0]}'{':*' if last else ''}"
        for run, last in _runs(words)
    )
    return " & ".join([f"'owner:{owner}'", *said])


def _runs(words: Sequence[str]) -> list[tuple[list[str], bool]]:
    """Return each word alone, and signs that follow one another together; of each, whether it is the last."""
    runs: list[list[str]] = []
    for signs, group in groupby(words, key=is_sign):
        run = list(group)
        runs += [run] if signs else [[word] for word in run]
    return [(run, number == len(runs) - 1) for number, run in enumerate(runs)]


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

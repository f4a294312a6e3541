"""How much room conversations take, and how it becomes free again: counting, purging, deleting bytes nobody refers to.

Everything is done in short transactions, so that no message waits for it. What a database of an
older version holds is counted first; until then no bytes are deleted.
"""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aether.public_view import public_view
from aether.store import references
from aether.store.conversations import KEPT_S, Store
from aether.store.tables import ANSWERS, BLOBS, CONVERSATIONS, REFERENCES, SHARES, STEPS, TEXTS, TURNS
from aether.transcript import Blob, Transcript, TranscriptError

log = logging.getLogger("aether")

UNSENT_S = 24 * 3600
"""Seconds that a file is kept which no conversation refers to."""
BATCH = 20
"""Conversations in one transaction."""
MERGED_PAGES = 500
_ROW_BYTES = 64
_DIGEST = re.compile(r'"sha256": ?"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Usage:
    """Bytes that are kept: of one visitor, and of all."""

    visitor: int
    all: int


class Room:
    """Count and free the room of one store. Every method blocks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def visitor_bytes(self, owner: str) -> int:
        """Return what a visitor keeps; programs without a cookie count as one visitor."""
        with self._store.reading() as connection:
            return _kept(connection, owner)

    def all_bytes(self) -> int:
        """Return what all visitors keep."""
        with self._store.reading() as connection:
            return _kept(connection, None)

    def may_see(self, owner: str, digest: str) -> bool:
        """Return whether a picture is in a conversation or message of `owner`, or in a share that can be read."""
        theirs, shared = CONVERSATIONS.alias(), CONVERSATIONS.alias()
        asked = (
            sa.select(sa.literal(1))
            .select_from(
                REFERENCES.outerjoin(theirs, theirs.c.id == REFERENCES.c.holder)
                .outerjoin(SHARES, SHARES.c.id == REFERENCES.c.holder)
                .outerjoin(shared, shared.c.id == SHARES.c.conversation_id)
            )
            .where(
                REFERENCES.c.sha256 == digest,
                sa.case(
                    (SHARES.c.id.is_not(None), shared.c.deleted_at.is_(None)),
                    else_=sa.and_(REFERENCES.c.owner == owner, theirs.c.deleted_at.is_(None)),
                ),
            )
            .limit(1)
        )
        with self._store.reading() as connection:
            return connection.execute(asked).first() is not None

    def hold(self, owner: str, blob: Blob) -> None:
        """Write down that a visitor handed something in, which is kept for a while before it is sent."""
        with self._store.writing() as connection:
            references.refer(connection, owner, owner, [blob])

    def purge(self, *, before: float | None = None, owner: str = "", idle_before: float | None = None) -> int:
        """Delete for good what was deleted before a moment, or not used since one; return how many conversations."""
        gone = CONVERSATIONS.c.deleted_at < (time.time() - KEPT_S if before is None else before)
        if owner:
            gone = sa.and_(gone, CONVERSATIONS.c.owner == owner)
        if idle_before is not None:
            gone = sa.or_(gone, CONVERSATIONS.c.updated_at < idle_before)
        count = 0
        while True:
            with self._store.writing() as connection:
                ids = connection.execute(sa.select(CONVERSATIONS.c.id).where(gone).limit(BATCH)).scalars().all()
                connection.execute(sa.delete(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(ids)))
            count += len(ids)
            if len(ids) < BATCH:
                return count

    def count_next(self) -> bool:
        """Count some conversations and shares that an older version wrote; return whether there are more."""
        with self._store.writing() as connection:
            ids = connection.execute(sa.select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.bytes.is_(None)).limit(BATCH))
            counted = ids.scalars().all()
            for id_ in counted:
                _count(connection, id_)
            shares = connection.execute(sa.select(SHARES).where(SHARES.c.bytes.is_(None)).limit(BATCH)).mappings().all()
            for share in shares:
                references.refer(connection, share["owner"], share["id"], _shown_in(share["body"]))
                connection.execute(sa.update(SHARES).where(SHARES.c.id == share["id"]).values(bytes=len(share["body"])))
        return bool(counted or shares)

    def sweep(self, *, unsent_s: float = UNSENT_S) -> set[str]:
        """Delete bytes that nothing refers to; return the digests of all that are left."""
        until = time.time() - unsent_s
        with self._store.writing() as connection:
            unsent = sa.delete(REFERENCES).where(REFERENCES.c.holder == REFERENCES.c.owner, REFERENCES.c.at < until)
            connection.execute(unsent)
            digests = sa.select(REFERENCES.c.sha256).distinct()
            connection.execute(sa.delete(BLOBS).where(BLOBS.c.sha256.not_in(digests)))
            return set(connection.execute(digests).scalars())

    def forget(self) -> None:
        """Leave nothing of what was deleted in SQLite's index of words and in its log."""
        if self._store.engine.dialect.name != "sqlite":
            return
        merge = sa.text("INSERT INTO texts_index(texts_index, rank) VALUES ('merge', :pages)")
        changes = sa.text("SELECT total_changes()")
        pages, before = -MERGED_PAGES, -1
        while True:
            with self._store.writing() as connection:
                before = connection.execute(changes).scalar_one()
                connection.execute(merge, {"pages": pages})
                after = connection.execute(changes).scalar_one()
            if after - before < 2:
                break
            pages = MERGED_PAGES
        with self._store.engine.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is not None:
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def free_pages_bytes(self) -> int:
        """Return how many bytes SQLite's file has free inside; 0 for another database."""
        if self._store.engine.dialect.name != "sqlite":
            return 0
        with self._store.reading() as connection:
            pages, size = (
                connection.execute(sa.text(f"PRAGMA {p}")).scalar_one() for p in ("freelist_count", "page_size")
            )
            return int(pages) * int(size)


def _kept(connection: Connection, owner: str | None) -> int:
    """Return the bytes of somebody's conversations, shares, pictures and files; of all for None."""

    def is_theirs(column: sa.Column[str]) -> sa.ColumnElement[bool]:
        if owner is None:
            return sa.true()
        return sa.func.length(column) == 64 if len(owner) == 64 else column == owner  # 64: a program's session

    total = 0
    for table in (CONVERSATIONS, SHARES):
        summed = sa.select(sa.func.sum(table.c.bytes)).where(is_theirs(table.c.owner))
        total += int(connection.execute(summed).scalar() or 0)
    once = sa.select(REFERENCES.c.sha256, sa.func.max(REFERENCES.c.size).label("size"))
    once = once.where(is_theirs(REFERENCES.c.owner)).group_by(REFERENCES.c.sha256).subquery()
    return total + int(connection.execute(sa.select(sa.func.sum(once.c.size))).scalar() or 0)


def _count(connection: Connection, id_: str) -> None:
    """Count one conversation that an older version wrote, and write down what it refers to."""
    row = connection.execute(sa.select(CONVERSATIONS).where(CONVERSATIONS.c.id == id_)).mappings().one()
    texts, size = [row["head"]], len(row["head"]) + 256
    for table, column, times in ((TURNS, "head", 1), (ANSWERS, "head", 1), (STEPS, "body", 1), (TEXTS, "body", 2)):
        found = connection.execute(sa.select(table.c[column]).where(table.c.conversation_id == id_)).scalars().all()
        size += sum(times * len(text) + _ROW_BYTES for text in found)
        texts += found if table is not TEXTS else []
    _refer(connection, row["owner"], id_, texts)
    connection.execute(sa.update(CONVERSATIONS).where(CONVERSATIONS.c.id == id_).values(bytes=size))


def _refer(connection: Connection, owner: str, holder: str, texts: list[str]) -> None:
    """Write down the bytes that the JSON of some rows names."""
    for text in texts:
        if '"sha256"' in text:
            references.refer(connection, owner, holder, _blobs_in(text))


def _shown_in(body: str) -> list[Blob]:
    """Return the bytes that a snapshot shows; an older one names more. One that cannot be read shows none."""
    try:
        shown = public_view(Transcript.from_dict(json.loads(body)))
    except (ValueError, RecursionError, TranscriptError):
        return []
    return [blob for blob in references.whole(shown) if blob.sha256]


def _blobs_in(text: str) -> list[Blob]:
    """Return every blob that a row names, also one whose JSON cannot be read: its bytes stay."""
    try:
        return _named(json.loads(text))
    except (ValueError, RecursionError):
        return [Blob(digest, "") for digest in _DIGEST.findall(text)]


def _named(value: object) -> list[Blob]:
    """Return every blob in some JSON."""
    left: list[object] = [value]
    found: list[Blob] = []
    while left:
        inner = left.pop()
        if isinstance(inner, list):
            left += cast(list[object], inner)
        elif isinstance(inner, dict):
            held = cast(dict[str, object], inner)
            left += held.values()
            if isinstance(digest := held.get("sha256"), str):
                size = held.get("size")
                found.append(Blob(digest, "", "", size if isinstance(size, int) else 0))
    return found

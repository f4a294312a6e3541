"""Shared snapshots: a conversation as it was at one moment, read by whoever has the link's id.

A snapshot is a copy of what the page shows (`public_view`): what is said later is not in it, nor what was edited
away before. It ends when its owner revokes it, or deletes the conversation.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass

import sqlalchemy as sa

from aether.public_view import public_view
from aether.store import references
from aether.store.conversations import NotFound, Store
from aether.store.grain import is_id, is_owner, title_of
from aether.store.tables import CONVERSATIONS, SHARES
from aether.transcript import Transcript


@dataclass(frozen=True)
class Shared:
    """A snapshot as a stranger sees it. It does not tell whose it is."""

    title: str
    model: str
    transcript: Transcript
    created_at: float


class Shares:
    """Make, read and revoke snapshots."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def share(self, owner: str, id_: str) -> str:
        """Make a snapshot in the place of an earlier one; return its id. Raises NotFound."""
        kept = self._store.load(owner, id_)
        seen = public_view(kept.transcript)
        fresh = {
            "id": secrets.token_hex(16),
            "conversation_id": id_,
            "owner": owner,
            "title": kept.title,
            "model": kept.model,
            "body": json.dumps(seen.to_dict(), separators=(",", ":")),
            "created_at": time.time(),
        }
        fresh["bytes"] = len(str(fresh["body"]))
        with self._store.writing() as connection:
            connection.execute(sa.delete(SHARES).where(SHARES.c.conversation_id == id_, SHARES.c.owner == owner))
            connection.execute(sa.insert(SHARES).values(**fresh))
            references.refer(connection, owner, str(fresh["id"]), [b for b in references.whole(seen) if b.sha256])
        return str(fresh["id"])

    def revoke(self, owner: str, id_: str) -> None:
        """End the snapshot of a conversation; raise NotFound if there is none."""
        if not (is_owner(owner) and is_id(id_)):
            raise NotFound
        with self._store.writing() as connection:
            mine = (SHARES.c.conversation_id == id_, SHARES.c.owner == owner)
            if not connection.execute(sa.delete(SHARES).where(*mine)).rowcount:
                raise NotFound

    def read(self, share: str) -> Shared:
        """Return a snapshot; raise NotFound."""
        if not is_id(share):
            raise NotFound
        asked = (
            sa.select(SHARES.c.title, SHARES.c.model, SHARES.c.body, SHARES.c.created_at, CONVERSATIONS.c.named)
            .join(CONVERSATIONS, CONVERSATIONS.c.id == SHARES.c.conversation_id)
            .where(SHARES.c.id == share, CONVERSATIONS.c.deleted_at.is_(None))
        )
        with self._store.reading() as connection:
            row = connection.execute(asked).mappings().first()
        if row is None:
            raise NotFound
        seen = public_view(Transcript.from_dict(json.loads(row["body"])).mended())
        title = row["title"] if row["named"] else title_of(seen)  # its first words may have been edited away
        return Shared(title, row["model"], seen, row["created_at"])

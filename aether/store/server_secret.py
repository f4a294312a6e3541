"""The server's secret in the database: made once, by whichever process comes first, and read by all."""

from __future__ import annotations

import secrets
import time

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aether.signing import SIZE
from aether.store.tables import CONVERSATIONS, SERVER_SECRETS

NAME = "signing"
ROLLING_S = 24 * 3600.0
"""Seconds in which processes of an earlier version may still run beside this one, and give out unsigned cookies."""
_INSERT = sa.text(
    "INSERT INTO server_secrets (name, value, made_at) VALUES (:name, :value, :made_at) ON CONFLICT DO NOTHING"
)


def load(connection: Connection) -> bytes:
    """Return the secret of this database, made now if there is none. Two processes at once get the same one."""
    row = {"name": NAME, "value": secrets.token_bytes(SIZE), "made_at": time.time()}
    connection.execute(_INSERT, row)
    return bytes(
        connection.execute(sa.select(SERVER_SECRETS.c.value).where(SERVER_SECRETS.c.name == NAME)).scalar_one()
    )


def earlier_owners(connection: Connection) -> frozenset[str]:
    """Return who had conversations when the secret was made: visitors whose cookies have no signature yet."""
    until = sa.select(SERVER_SECRETS.c.made_at + ROLLING_S).where(SERVER_SECRETS.c.name == NAME).scalar_subquery()
    rows = connection.execute(sa.select(CONVERSATIONS.c.owner).distinct().where(CONVERSATIONS.c.created_at < until))
    return frozenset(str(owner) for (owner,) in rows)

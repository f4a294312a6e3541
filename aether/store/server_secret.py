"""The server's secret in the database: made once, by whichever process comes first, and read by all."""

from __future__ import annotations

import secrets
import time

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aether.signing import SIZE
from aether.store.tables import SERVER_SECRETS

NAME = "signing"
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

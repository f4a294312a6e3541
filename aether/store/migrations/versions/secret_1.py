"""The server's secret, with which it signs what it gives out and wants to know again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "secret_1"
down_revision = "words_1"


def upgrade() -> None:
    """Make the table; the first process that opens the store fills it."""
    op.create_table(
        "server_secrets",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.Float, nullable=False),
    )

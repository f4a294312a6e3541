"""The ledger of a shared link."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "ledger_1"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ledger_totals",
        sa.Column("scope", sa.String(64), primary_key=True),
        sa.Column("nano_usd", sa.BigInteger, nullable=False),
        sa.Column("turns", sa.Integer, nullable=False),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("charged", sa.BigInteger),
    )

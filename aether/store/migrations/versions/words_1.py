"""The words of the search's index, one by one: SQLite looks up in them how the beginning of a word goes on."""

from __future__ import annotations

from alembic import op

revision = "words_1"
down_revision = "ledger_1"


def upgrade() -> None:
    """Open the index's own list of words; it holds nothing that the index does not."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE texts_words USING fts5vocab('texts_index', 'instance')")

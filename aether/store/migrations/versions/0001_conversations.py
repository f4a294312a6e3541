"""Conversations, their texts for searching, shared snapshots, bytes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SQLITE_INDEX = (
    "CREATE VIRTUAL TABLE texts_index USING fts5(owner, body, content='texts', content_rowid='id', prefix='2 3')",
    "CREATE TRIGGER texts_added AFTER INSERT ON texts BEGIN "
    "INSERT INTO texts_index(rowid, owner, body) VALUES (new.id, new.owner, new.body); END",
    "CREATE TRIGGER texts_removed AFTER DELETE ON texts BEGIN "
    "INSERT INTO texts_index(texts_index, rowid, owner, body) VALUES ('delete', old.id, old.owner, old.body); END",
    "CREATE TRIGGER texts_changed AFTER UPDATE ON texts BEGIN "
    "INSERT INTO texts_index(texts_index, rowid, owner, body) VALUES ('delete', old.id, old.owner, old.body); "
    "INSERT INTO texts_index(rowid, owner, body) VALUES (new.id, new.owner, new.body); END",
)
# The owner is a word of the index too: a search never walks through what belongs to others.
POSTGRES_INDEX = (
    "ALTER TABLE texts ADD COLUMN vector tsvector GENERATED ALWAYS AS "
    "(to_tsvector('simple'::regconfig, body) || array_to_tsvector(ARRAY['owner:' || owner::text])) STORED",
    "CREATE INDEX texts_vector ON texts USING gin (vector)",
)


def upgrade() -> None:
    """Make the tables."""
    _conversations()
    _grain()
    op.create_table(
        "shares",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("conversation_id", sa.String(32), _of_conversation(), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_index("shares_of", "shares", ["conversation_id"])
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    for statement in SQLITE_INDEX if op.get_bind().dialect.name == "sqlite" else POSTGRES_INDEX:
        op.execute(statement)


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("named", sa.Boolean, nullable=False),
        sa.Column("pinned", sa.Boolean, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("head", sa.Text, nullable=False),
        sa.Column("turns", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("held_until", sa.Float, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("deleted_at", sa.Float),
    )
    op.create_index("conversations_listed", "conversations", ["owner", "pinned", "updated_at", "id"])
    op.create_index("conversations_deleted", "conversations", ["deleted_at"])


def _grain() -> None:
    op.create_table(
        "turns",
        sa.Column("conversation_id", sa.String(32), _of_conversation(), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("head", sa.Text, nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("conversation_id", sa.String(32), _of_conversation(), primary_key=True),
        sa.Column("turn", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("head", sa.Text, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
    )
    op.create_table(
        "steps",
        sa.Column("conversation_id", sa.String(32), _of_conversation(), primary_key=True),
        sa.Column("turn", sa.Integer, primary_key=True),
        sa.Column("answer", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "texts",
        # SQLite grows a number by itself only in a column that is called INTEGER.
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("conversation_id", sa.String(32), _of_conversation(), nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("conversation_id", "turn", name="texts_of"),
    )


def _of_conversation() -> sa.ForeignKey:
    return sa.ForeignKey("conversations.id", ondelete="CASCADE")

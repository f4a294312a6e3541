"""The tables of the store, as SQLAlchemy Core sees them. Migrations make them; nothing here creates any.

A conversation is kept in the grain in which it grows: a turn, an answer, a step. What a value
holds beside the list of its children is one JSON text, `head` or `body`, so that a new field of the
transcript needs no new column. Times are in seconds since the epoch.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData()

CONVERSATIONS = Table(
    "conversations",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),  # the hash of a visitor's secret, never the secret
    Column("title", Text, nullable=False),
    Column("named", Boolean, nullable=False),  # a person chose the title
    Column("pinned", Boolean, nullable=False),
    Column("model", Text, nullable=False),  # a reference: provider/model
    Column("head", Text, nullable=False),
    Column("turns", Integer, nullable=False),
    Column("revision", Integer, nullable=False),  # grows with each turn: two writers cannot mix
    Column("held_until", Float, nullable=False),  # an answer is being written until then, unless renewed
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("deleted_at", Float),
    Column("bytes", BigInteger),  # of all its rows; empty: not counted yet
)

TURNS = Table(
    "turns",
    METADATA,
    Column("conversation_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("head", Text, nullable=False),
)

ANSWERS = Table(
    "answers",
    METADATA,
    Column("conversation_id", String(32), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("head", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),  # not settled: being written, or cut off
)

STEPS = Table(
    "steps",
    METADATA,
    Column("conversation_id", String(32), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("answer", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("body", Text, nullable=False),
)

TEXTS = Table(
    "texts",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("conversation_id", String(32), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("body", Text, nullable=False),  # the turn's words, folded: what a search looks through
)

SHARES = Table(
    "shares",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("conversation_id", String(32), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("body", Text, nullable=False),  # the transcript as it was when it was shared
    Column("created_at", Float, nullable=False),
    Column("bytes", BigInteger),
)

BLOBS = Table(
    "blobs",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

SERVER_SECRETS = Table(
    "server_secrets",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("made_at", Float, nullable=False),
)

REFERENCES = Table(
    "blob_references",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("holder", String(64), primary_key=True),  # a conversation, a share, or the owner of what is not sent yet
    Column("owner", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", Float, nullable=False),
)

"""What is kept is counted, and who refers to the bytes of a picture or file is written down.

Nothing is counted here, so that this takes no longer for a large database: `bytes` is empty in a row that
was there before, and `room.py` counts those rows one after the other while Aether runs.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "room_1"
down_revision = "secret_1"

ROW_BYTES = 64
"""What a row takes beside its text."""
COUNTED = {"turns": ("head", 1), "answers": ("head", 1), "steps": ("body", 1), "texts": ("body", 2)}
"""The column of each table that is counted, and how often: a text that is searched is in the index as well."""


def upgrade() -> None:
    """Make the columns, the table of references, and the triggers that keep both true."""
    op.add_column("conversations", sa.Column("bytes", sa.BigInteger))
    op.add_column("shares", sa.Column("bytes", sa.BigInteger))
    op.create_index("conversations_bytes", "conversations", ["owner", "bytes"])
    op.create_index("shares_bytes", "shares", ["owner", "bytes"])
    op.create_table(
        "blob_references",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String(64), primary_key=True),  # a conversation, a share, or the owner of an unsent file
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("blob_references_of_owner", "blob_references", ["owner", "sha256", "size"])
    op.create_index("blob_references_of_holder", "blob_references", ["holder", "at"])
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgres():
        op.execute(statement)


def _sqlite() -> list[str]:
    head = "UPDATE conversations SET bytes = bytes"
    made = [
        f"CREATE TRIGGER conversations_counted AFTER UPDATE OF head ON conversations BEGIN {head} "
        "+ length(new.head) - length(old.head) WHERE id = new.id; END"
    ]
    for table, (column, times) in COUNTED.items():
        new, old = f"{times} * length(new.{column})", f"{times} * length(old.{column})"
        made += [
            f"CREATE TRIGGER {table}_counted AFTER INSERT ON {table} BEGIN {head} + {new} + {ROW_BYTES} "
            "WHERE id = new.conversation_id; END",
            f"CREATE TRIGGER {table}_counted_anew AFTER UPDATE OF {column} ON {table} BEGIN {head} + {new} - {old} "
            "WHERE id = new.conversation_id; END",
            f"CREATE TRIGGER {table}_counted_less AFTER DELETE ON {table} BEGIN {head} - {old} - {ROW_BYTES} "
            "WHERE id = old.conversation_id; END",
        ]
    for table in ("conversations", "shares"):
        made.append(
            f"CREATE TRIGGER {table}_let_go AFTER DELETE ON {table} BEGIN "
            "DELETE FROM blob_references WHERE holder = old.id; END"
        )
    return made


def _postgres() -> list[str]:
    made = [
        "CREATE FUNCTION aether_let_go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "DELETE FROM blob_references WHERE holder = OLD.id; RETURN NULL; END $$",
        "CREATE FUNCTION aether_counted_head() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE conversations SET bytes = bytes + octet_length(NEW.head) - octet_length(OLD.head) WHERE id = NEW.id; "
        "RETURN NULL; END $$",
        "CREATE TRIGGER conversations_counted AFTER UPDATE OF head ON conversations FOR EACH ROW "
        "EXECUTE FUNCTION aether_counted_head()",
    ]
    for table in ("conversations", "shares"):
        made.append(
            f"CREATE TRIGGER {table}_let_go AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION aether_let_go()"
        )
    for table, (column, times) in COUNTED.items():
        new, old = f"{times} * octet_length(NEW.{column})", f"{times} * octet_length(OLD.{column})"
        made += [
            f"CREATE FUNCTION aether_counted_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP = 'INSERT' THEN UPDATE conversations SET bytes = bytes + {new} + {ROW_BYTES} "
            "WHERE id = NEW.conversation_id; "
            f"ELSIF TG_OP = 'DELETE' THEN UPDATE conversations SET bytes = bytes - {old} - {ROW_BYTES} "
            "WHERE id = OLD.conversation_id; "
            f"ELSE UPDATE conversations SET bytes = bytes + {new} - {old} WHERE id = NEW.conversation_id; END IF; "
            "RETURN NULL; END $$",
            f"CREATE TRIGGER {table}_counted AFTER INSERT OR DELETE OR UPDATE OF {column} ON {table} FOR EACH ROW "
            f"EXECUTE FUNCTION aether_counted_{table}()",
        ]
    return made

"""The schema: made at the start in one transaction, refused if newer, never half done."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from aether.errors import SettingError
from aether.store.engine import migrate, open_engine, prepare_file
from aether.store.tables import METADATA


def test_the_schema_is_what_the_tables_say(migrated: str) -> None:
    inspected = sa.inspect(open_engine(migrated))
    for table in METADATA.tables.values():
        assert {c.name for c in table.columns} <= {c["name"] for c in inspected.get_columns(table.name)}


def test_migrating_twice_changes_nothing(migrated: str) -> None:
    engine = open_engine(migrated)
    before = sa.inspect(engine).get_table_names()
    migrate(engine)
    assert sa.inspect(engine).get_table_names() == before


def test_many_processes_may_start_at_once(url: str) -> None:
    engines = [open_engine(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, engines))
    assert sa.inspect(engines[0]).has_table("conversations")


def test_a_newer_schema_is_refused(migrated: str) -> None:
    engine = open_engine(migrated)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingError, match="newer Aether"):
        migrate(engine)


def test_a_newer_file_is_refused_with_its_bytes_untouched(tmp_path: Path) -> None:
    path = tmp_path / "aether.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    before = path.read_bytes()
    with pytest.raises(SettingError, match="newer Aether"):
        prepare_file(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["garbage", "truncated", "middle"])
def test_a_damaged_file_is_moved_aside_and_said(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "aether.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    whole = path.read_bytes()
    hurt = {
        "garbage": b"this is no database " * 500,
        "truncated": whole[: len(whole) // 2],
        "middle": whole[:8192] + b"\xff" * 8192 + whole[16384:],
    }[damage]
    path.write_bytes(hurt)
    said = prepare_file(path)
    assert "damaged" in said
    (kept,) = tmp_path.glob("aether.db.damaged-*Z")
    assert kept.read_bytes() == hurt
    assert kept.name in said
    migrate(open_engine(f"sqlite:///{path}"))
    assert prepare_file(path) == ""


def test_a_migration_that_fails_leaves_nothing_behind(url: str, tmp_path: Path) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE steps (id INTEGER)"))  # in the way of the fourth table
    with pytest.raises(sa.exc.DBAPIError):
        migrate(engine)
    assert sa.inspect(engine).get_table_names() == ["steps"]


def test_sqlite_writes_ahead_and_to_the_disk(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'aether.db'}")
    with engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar() == 2  # FULL


@pytest.mark.parametrize("bad", ["mysql://a/b", "sqlite://", "sqlite:///:memory:", "postgres", "://", "x" * 3000])
def test_another_url_is_refused_in_words_without_repeating_it(bad: str) -> None:
    with pytest.raises(SettingError, match="AETHER_DATABASE_URL") as refused:
        open_engine(bad)
    assert len(str(refused.value)) < 200


def test_a_locked_file_is_no_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "aether.db"
    migrate(open_engine(f"sqlite:///{path}"))
    with sqlite3.connect(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert prepare_file(path) == ""
    assert path.exists()

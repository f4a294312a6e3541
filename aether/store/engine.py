"""A database by its URL: SQLite with its write-ahead log, or PostgreSQL; and its schema, brought up to date.

All that differs between the two databases when a connection is made stands here. A file that
a newer Aether wrote is refused before anything is written; a damaged one is moved aside.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from aether.errors import SettingError

log = logging.getLogger("aether")

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_S = 5
"""Seconds that a writer waits for another one."""
LOG_BYTES = 32_000_000
"""Bytes of SQLite's log that stay on the disk once they were taken over into the database."""
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
LOCKED_STATES = ("55P03", "57014", "40001", "40P01")
"""PostgreSQL: lock not available, statement timed out, serialization failure, deadlock."""
FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
FULL_STATES = ("53100",)
"""A disk that takes no more."""
CONNECTIONS = 8
LOCK = 7_238_417
"""The number of PostgreSQL's advisory lock under which one process at a time migrates."""
CHECKED_WHOLE = 200_000_000
"""Bytes up to which an SQLite file is read whole at the start, to see whether it is damaged."""


def open_engine(url: str) -> Engine:
    """Return the engine for a URL; nothing is connected yet. Raises SettingError for a URL of another kind."""
    made = database_url(url)
    if made.get_backend_name() == "sqlite":
        # `timeout` is SQLite's busy handler. Threads share the pool, never a connection at once.
        engine = sa.create_engine(
            made,
            connect_args={"timeout": BUSY_S, "check_same_thread": False},
            poolclass=sa.QueuePool,
            pool_size=CONNECTIONS,
            hide_parameters=True,
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = f"-c statement_timeout={BUSY_S * 6000} -c lock_timeout={BUSY_S * 1000}"
    return sa.create_engine(
        made,
        connect_args={"connect_timeout": BUSY_S, "options": options},
        pool_size=CONNECTIONS,
        pool_pre_ping=True,
        pool_timeout=BUSY_S,
        hide_parameters=True,
    )


def reason(error: Exception) -> str:
    """Return why a database did not do what it was asked: `full`, `locked` or `away`."""
    cause = getattr(error, "orig", None)
    code, state = getattr(cause, "sqlite_errorcode", None), getattr(cause, "sqlstate", None)
    if isinstance(error, PoolTimeout) or (code is not None and code & 0xFF in LOCKED) or state in LOCKED_STATES:
        return "locked"
    if code in FULL or state in FULL_STATES:
        return "full"
    return "away"


def database_url(url: str) -> URL:
    """Return the parsed URL with our driver in it."""
    try:
        made = make_url(url)
    except ArgumentError:
        made = None
    match made.get_backend_name() if made is not None else "":
        case "sqlite" if made is not None and made.database and made.database != ":memory:":
            return made.set(drivername="sqlite")
        case "postgresql" | "postgres" if made is not None:
            return made.set(drivername="postgresql+psycopg")
        case _:
            raise SettingError("AETHER_DATABASE_URL must begin with postgresql:// or sqlite:///, and name a database.")


def migrate(engine: Engine, *, to: str = "head") -> None:
    """Bring the schema up to date (or to revision `to`), all at once; raise SettingError if a newer Aether made it."""
    known = schemas()
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        found = _revisions(connection)
        _refuse_newer(found, set(known))
        if to == "head" and found == set(known) - set(known.values()):
            return
        from alembic import command  # loaded where there is something to change
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def schemas() -> dict[str, str]:
    """Return the revisions that this version has, each with the one before it, as their files say."""
    told = re.compile(r'^revision = "(\w+)"\ndown_revision = (?:"(\w+)"|None)$', re.MULTILINE)
    texts = (file.read_text("utf-8") for file in sorted((MIGRATIONS / "versions").glob("*.py")))
    return dict(pair for text in texts for pair in told.findall(text))


def prepare_file(path: Path) -> str:
    """Look at an SQLite file before it is used; return a sentence if it was damaged and moved aside.

    Raises SettingError, with the file untouched, if a newer Aether made it.
    """
    if not path.exists() or not path.stat().st_size:
        return ""
    known = set(schemas())
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as connection:
            found = connection.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
            versions = connection.execute("SELECT version_num FROM alembic_version").fetchall() if found else []
            _refuse_newer({str(row[0]) for row in versions}, known)
            if path.stat().st_size <= CHECKED_WHOLE:
                verdict = connection.execute("PRAGMA quick_check(1)").fetchone()
                if verdict[0] != "ok":
                    raise sqlite3.DatabaseError(verdict[0])
    except sqlite3.OperationalError:  # locked, or not to be opened: that is no damage
        return ""
    except sqlite3.DatabaseError as error:
        return _move_aside(path, error)
    return ""


def _move_aside(path: Path, error: sqlite3.DatabaseError) -> str:
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    for suffix in ("", "-wal", "-shm"):
        if (part := path.with_name(path.name + suffix)).exists():
            part.replace(aside.with_name(aside.name + suffix))
    said = f"The file of conversations was damaged. It was moved to {aside.name}; a new one was begun."
    log.error("%s (%s)", said, error)
    return said


def _revisions(connection: Connection) -> set[str]:
    if not sa.inspect(connection).has_table("alembic_version"):
        return set()
    return {str(row[0]) for row in connection.execute(sa.text("SELECT version_num FROM alembic_version"))}


def _refuse_newer(found: set[str], known: set[str]) -> None:
    if unknown := found - known:
        raise SettingError(
            f"The database was written by a newer Aether (schema {', '.join(sorted(unknown))}). "
            "Start that version, or name another database in AETHER_DATABASE_URL. Nothing was changed."
        )


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # we begin transactions by ourselves
    safe = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_S * 1000}")
    for pragma in (*safe, "secure_delete=ON", f"journal_size_limit={LOG_BYTES}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would be refused at once where another writes: no waiting.
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """Open a transaction that only reads: it sees one state, and no writer waits for it."""
    options = {"reads": True} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection

"""Fixtures of the store's tests: the same suite on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aether.store.engine import migrate, open_engine
from tests import postgres


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server for the whole run; skipped where it is not installed."""
    if postgres.binaries() is None:
        pytest.skip(postgres.WHY_NOT)
    with postgres.Cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'aether.db'}"
    cluster: postgres.Cluster = request.getfixturevalue("cluster")
    return cluster.database()


@pytest.fixture
def migrated(url: str) -> str:
    """The URL of a database with today's schema."""
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    return url

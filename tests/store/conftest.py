"""Fixtures of the store's tests: the same suite on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from aether.store.engine import migrate, open_engine
from tests import postgres


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

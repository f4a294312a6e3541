"""Fixtures for all tests: the scripted provider, and the recordings of real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replay import RECORDINGS
from tests.scripted import ScriptedProvider


@pytest.fixture
def scripted() -> Iterator[ScriptedProvider]:
    """A fresh scripted provider, strict, on a free port of its own."""
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="session")
def recordings_dir() -> Path:
    """The folder of the recorded exchanges."""
    return RECORDINGS

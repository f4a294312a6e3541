"""Fixtures of the swap tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scripted import ScriptedProvider
from tests.swap.rig import Rig


@pytest.fixture
async def rig(scripted: ScriptedProvider, tmp_path: Path) -> AsyncIterator[Rig]:
    built = Rig(scripted, tmp_path)
    yield built
    await built.aclose()

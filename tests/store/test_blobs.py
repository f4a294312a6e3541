"""Bytes in their folder."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from aether.store.blobs import Blobs


def test_what_the_disk_does_not_take_leaves_nothing_behind(tmp_path: Path) -> None:
    blobs, limits = Blobs(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            blobs.put(b"x" * 5_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    assert blobs.put(b"x" * 5_000)

"""What a row names is known also where its JSON cannot be read: one damaged row stops no tidying up."""

from __future__ import annotations

import pytest

from aether.store.room import _blobs_in  # pyright: ignore[reportPrivateUsage]

DIGEST = "a" * 64


DAMAGED = [f'{{"sha256":"{DIGEST}"}}', f'{{"sha256": "{DIGEST}", "cut', "[" * 100_000 + f'"sha256":"{DIGEST}"']


@pytest.mark.parametrize("text", DAMAGED, ids=["whole", "cut off", "too deep"])
def test_a_damaged_row_still_names_its_bytes(text: str) -> None:
    assert [blob.sha256 for blob in _blobs_in(text)] == [DIGEST]

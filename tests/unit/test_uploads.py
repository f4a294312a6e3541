"""Names of uploads: whatever a browser sends, a name in a folder."""

from __future__ import annotations

import pytest

from aether.bounds import NAME_CHARS
from aether.ui.uploads import _safe  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../..", "..\\..", "a/..", "\0", ".\0.", "/", "a" * 999, "." * 999, "x." + "y" * 99]
)
def test_a_name_is_that_of_a_file_in_a_folder(name: str) -> None:
    safe = _safe(name)
    assert safe not in ("", ".", "..") and "/" not in safe and len(safe) <= NAME_CHARS


def test_a_name_keeps_its_ending() -> None:
    assert _safe("folder/" + "a" * 999 + ".png").endswith("a.png") and _safe("../note.txt") == "note.txt"

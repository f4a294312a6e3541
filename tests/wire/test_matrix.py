"""The swap matrix as a whole: no case is without a test."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from tests.wire.matrix import CONCERNED, TITLES, case_of
from tests.wire.matrix_page import page

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "swap-matrix.md"


def test_every_case_has_a_test_that_bears_its_name() -> None:
    named = {case_of(n) for f in HERE.glob("test_matrix_*.py") for n in re.findall(r"def (test_\w+)", f.read_text())}
    assert named == TITLES.keys()
    assert len(TITLES) == 80


def test_the_page_tells_what_the_tests_play() -> None:
    """The tests prove that all of it passes; so the page is that of a run in which all did. Renew it: `make matrix`."""
    for file in HERE.glob("test_matrix_*.py"):
        importlib.import_module(f"tests.wire.{file.stem}")
    assert PAGE.read_text(encoding="utf-8") == page(CONCERNED, CONCERNED)

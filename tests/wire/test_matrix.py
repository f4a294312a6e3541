"""The swap matrix as a whole: no case is without a test."""

from __future__ import annotations

import re
from pathlib import Path

from tests.wire.matrix import TITLES, case_of

HERE = Path(__file__).parent


def test_every_case_has_a_test_that_bears_its_name() -> None:
    named = {case_of(n) for f in HERE.glob("test_matrix_*.py") for n in re.findall(r"def (test_\w+)", f.read_text())}
    assert named == TITLES.keys()
    assert len(TITLES) == 80

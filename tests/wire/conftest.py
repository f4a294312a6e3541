"""Profiles of the property tests, and the page of the swap matrix.

`quick` is the rule; `pytest tests/wire/test_properties.py --hypothesis-profile=nightly` takes long.
`pytest tests/wire --matrix=docs/swap-matrix.md` writes the page from what passed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.wire import matrix, matrix_page

SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
settings.register_profile("quick", max_examples=30, deadline=None, suppress_health_check=SLOW_IS_FINE)
settings.register_profile("nightly", max_examples=2500, deadline=None, suppress_health_check=SLOW_IS_FINE)
settings.load_profile("quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", metavar="PATH", help="write the page of the swap matrix there")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page, if it is wanted and the cases were played."""
    path = session.config.getoption("--matrix", None)
    if path and matrix.TICKS:
        Path(path).write_text(matrix_page.page(matrix.TICKS, matrix.CONCERNED), encoding="utf-8")

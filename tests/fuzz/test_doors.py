"""A few strange inputs for each door, the same in every run; and all that once broke one."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.doors import PURE
from tests.fuzz.search import CORPUS, broken_by, corpus, memory_mb, search

SEED = 20261201
GROWTH_MB = 300
"""Memory that all doors together may keep: small inputs leave nothing behind."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Libraries log what they think of each strange file."""
    logging.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", PURE)
def test_no_strange_input_breaks_a_door(name: str) -> None:
    before = memory_mb()
    result = search(PURE[name], seed=SEED, count=PURE[name].quick, smaller=False)
    assert not result.findings, "\n".join(f"{f.data[:400]!r}\n{f.told}" for f in result.findings.values())
    assert memory_mb() - before < GROWTH_MB


CASES = [path for name in PURE for path in corpus(name)]


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_what_once_broke_a_door_does_so_no_more(path: Path) -> None:
    error = broken_by(PURE[path.parent.name], path.read_bytes())
    if error is not None:
        raise error


def test_every_folder_of_the_corpus_is_a_door() -> None:
    from tests.fuzz.running import OVER_HTTP

    folders = {path.name for path in CORPUS.iterdir() if path.is_dir()}
    assert folders <= {*PURE, *OVER_HTTP}
    assert CASES

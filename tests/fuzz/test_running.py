"""A few strange inputs for each door of the running application, the same in every run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.running import OVER_HTTP, Running
from tests.fuzz.search import broken_by, corpus, search

SEED = 20261201


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running() as started:
        yield started


@pytest.mark.parametrize("name", OVER_HTTP)
def test_no_strange_input_breaks_a_door_of_the_application(running: Running, name: str) -> None:
    door = running.door(name)
    result = search(door, seed=SEED, count=door.quick, smaller=False)
    assert not result.findings, "\n".join(f"{f.data[:400]!r}\n{f.told}" for f in result.findings.values())
    for path in corpus(name):
        assert broken_by(door, path.read_bytes()) is None, path
    running.look_after_others()

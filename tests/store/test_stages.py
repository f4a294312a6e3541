"""A long conversation is saved in stages: each adds few turns and opens, and the last is the whole of it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

import pytest

from aether.store.conversations import Store
from aether.store.writing import LOT, Moment, Place, stages
from aether.transcript import Transcript
from tests.store.samples import turn

OWNER = "a" * 64


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    opened.open()
    yield opened
    opened.close()


def talk(turns: int) -> Moment:
    return Moment(Transcript("", tuple(turn(f"q{n}", f"a{n}") for n in range(turns))), "chat/echo-small")


@pytest.mark.parametrize(
    ("before", "after"), [(0, 0), (0, 1), (0, LOT), (0, 3 * LOT + 7), (LOT, 3 * LOT), (9, 10), (50, 3)]
)
def test_no_stage_adds_many_turns_and_the_last_is_all(before: int, after: int) -> None:
    known, now = talk(before), talk(after)
    lengths = [before]
    for stage in stages(now, known if before else None):
        lengths.append(len(stage.transcript.turns))
    assert stage is now
    assert all(following - one <= LOT for one, following in itertools.pairwise(lengths))


def test_a_process_that_ends_between_two_stages_leaves_a_conversation_that_opens(store: Store) -> None:
    now, place, before = talk(2 * LOT + 5), Place(OWNER, secrets.token_hex(16)), None
    for stage in stages(now, None):
        place, before = store.save(place, stage, before), stage
        found = store.load(OWNER, place.id)
        turns = len(stage.transcript.turns)
        assert [t.text for t in found.transcript.turns] == [t.text for t in now.transcript.turns[:turns]]
        assert found.transcript.turns[: turns - 1] == now.transcript.turns[: turns - 1]
    assert store.load(OWNER, place.id).transcript == now.transcript

"""Which turns are left out: as many cuts as a file may hold cost no more than they are long."""

from __future__ import annotations

import random
import sys
from types import FrameType

from aether.lowering import SUMMARY, visible
from aether.transcript import Cut, Text, Transcript, Turn

COUNT = 2_000


def turns(count: int) -> tuple[Turn, ...]:
    return tuple(Turn((Text(str(number)),)) for number in range(count))


def shown(transcript: Transcript) -> list[str]:
    return [turn.text for turn in visible(transcript)]


def expected(transcript: Transcript) -> list[str]:
    """Return what is shown, by looking each turn up in every cut."""
    texts: list[str] = []
    for number, turn in enumerate(transcript.turns):
        cut = next((c for c in reversed(transcript.cuts) if c.first <= number <= c.last), None)
        if cut is None:
            texts.append(turn.text)
        elif cut.summary and number == cut.first:
            texts.append(SUMMARY.format(cut.summary))
    return texts


def test_cuts_that_overlap_hide_what_the_last_of_them_hides() -> None:
    choose = random.Random(7)
    for _ in range(500):
        count = choose.randint(1, 25)
        firsts = [choose.randint(0, count - 1) for _ in range(choose.randint(0, 9))]
        cuts = tuple(Cut(first, choose.randint(first, count - 1), choose.choice(("", "s"))) for first in firsts)
        transcript = Transcript(turns=turns(count), cuts=cuts)
        assert shown(transcript) == expected(transcript)


def lines_run(transcript: Transcript) -> int:
    """Return how many lines of Python it takes to say what is shown."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    sys.settrace(trace)  # pyright: ignore[reportArgumentType]
    try:
        visible(transcript)
    finally:
        sys.settrace(None)
    return count


def test_the_work_grows_with_turns_and_cuts_and_not_with_their_product() -> None:
    all_turns = turns(COUNT)
    for cuts in (
        [Cut(0, COUNT - 1)] * COUNT,
        [Cut(number, COUNT - 1) for number in range(COUNT)],
        [Cut(0, number) for number in range(COUNT)],
    ):
        assert lines_run(Transcript(turns=all_turns, cuts=tuple(cuts))) < 40 * COUNT

"""The swap matrix as tests: each case for every ordered pair of models that it concerns, and what passed.

`@every()` turns a test of one pair into a test of one target after every source. A pair that
passed is ticked; `pytest tests/wire --matrix` writes the ticks into `docs/swap-matrix.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pytest

from tests.wire.targets import PEERS, Peer

Tick = tuple[str, str, str]
TICKS: set[Tick] = set()
"""Case, source, target of all that passed in this run."""
CONCERNED: set[Tick] = set()
"""All that the tests play, whether it passed or not: known once they are read."""
ANY = "any"
"""The source of a case that only the target decides."""

TITLES = {
    "T1": "thinking of another model, or altered",
    "T2": "thinking whose signature is missing",
    "T3": "thinking after a changed prefix",
    "T4": "a swap inside a tool loop to a model that thinks",
    "T5": "thinking turned off after an answer with thinking",
    "T6": "the order of own blocks",
    "T7": "redacted thinking",
    "T8": "reasoning keys that strict servers refuse",
    "T9": "reasoning that must come back with each call",
    "T10": "a reasoning item and the item after it",
    "T11": "encrypted reasoning of another account",
    "T12": "item ids of another service",
    "T13": "calls without the signature that Gemini wants",
    "T14": "thinking in tags inside the text",
    "T15": "OpenRouter's reasoning details",
    "T16": "thinking that is not displayed",
    "C1": "a call that was never answered",
    "C2": "a result without its call",
    "C3": "the user speaks between call and result",
    "C4": "parallel calls",
    "C5": "ids with letters that are refused",
    "C6": "ids that look alike once cleaned",
    "C7": "an id used again later",
    "C8": "empty or missing ids",
    "C9": "ids that are too long",
    "C10": "Mistral's ids of nine",
    "C11": "broken arguments",
    "C12": "arguments that are no object",
    "C13": "names that are refused",
    "C14": "calls in the history, tools turned off",
    "C15": "a model without tools",
    "C16": "a user right after a tool",
    "C17": "the order that Gemini wants",
    "C18": "failed calls",
    "C19": "empty results",
    "C20": "the choice of tools",
    "C21": "parallel calls as a setting",
    "C22": "a service's own tools",
    "C23": "a swap between call and result",
    "M1": "empty and blank texts",
    "M3": "blanks at the end of the last answer",
    "M4": "a request that would end with the assistant",
    "M5": "a conversation that begins with the assistant",
    "M6": "neighbours of one role",
    "M7": "an answer with nothing left",
    "M8": "text as a list or as a string",
    "M9": "a refusal",
    "M10": "names on messages",
    "S1": "the leading system text",
    "S2": "a system text in mid-chat, Anthropic",
    "S3": "a system text in mid-chat, templates",
    "S4": "the role developer",
    "S5": "no system role at all",
    "S6": "a system text that names the old model",
    "I1": "pictures for a blind model",
    "I2": "a picture in a tool's result",
    "I3": "a picture by the assistant",
    "I4": "kinds of picture",
    "I5": "size of a picture",
    "I6": "pictures by address",
    "I7": "PDF and other files",
    "P1": "the bound of the answer is missing",
    "P2": "the key of the bound",
    "P3": "a bound above the limits",
    "P4": "temperature and top_p",
    "P5": "how hard to think",
    "P6": "state at the service",
    "P7": "marks for the cache",
    "P8": "lists of models",
    "X1": "a smaller window",
    "X2": "a window told by an error",
    "X3": "a window that cuts without a word",
    "E1": "reasons to stop",
    "E2": "a refusal as an ending",
    "E3": "a stopped answer",
    "E4": "an error between turns",
    "E5": "a paused turn",
    "E6": "what is counted",
    "E7": "the end of a stream",
    "E8": "kinds of error",
}
"""Every case, and what it is about; the numbers are those of the survey that it was taken from, which has no M2."""


def case_of(name: str) -> str:
    """Return the case that a test is named after."""
    found = re.match(r"test_([TCMSIPXE]\d+)_", name)
    assert found, f"{name} does not name its case"
    return found[1]


def every(
    *, sources: Iterable[Peer] = PEERS, targets: Iterable[Peer] = PEERS
) -> Callable[[Callable[[Peer, Peer], object]], Callable[[Peer], None]]:
    """Run a test of a pair for each target, after each source."""
    before = tuple(sources)

    def made(test: Callable[[Peer, Peer], object]) -> Callable[[Peer], None]:
        asked = tuple(targets)
        CONCERNED.update((case_of(test.__name__), s.name, t.name) for s in before for t in asked)

        def run(target: Peer) -> None:
            for source in before:
                try:
                    test(source, target)
                except BaseException as error:
                    error.add_note(f"from {source.name} to {target.name}")
                    raise
                TICKS.add((case_of(test.__name__), source.name, target.name))

        return _named(run, test, asked)

    return made


def each(*, targets: Iterable[Peer] = PEERS) -> Callable[[Callable[[Peer], object]], Callable[[Peer], None]]:
    """Run a test of a target for each target: where the history came from plays no part."""

    def made(test: Callable[[Peer], object]) -> Callable[[Peer], None]:
        asked = tuple(targets)
        CONCERNED.update((case_of(test.__name__), ANY, t.name) for t in asked)

        def run(target: Peer) -> None:
            test(target)
            TICKS.add((case_of(test.__name__), ANY, target.name))

        return _named(run, test, asked)

    return made


def _named(run: Callable[[Peer], None], test: Callable[..., object], targets: Iterable[Peer]) -> Callable[[Peer], None]:
    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return pytest.mark.parametrize("target", list(targets), ids=lambda p: p.name)(run)

"""Does the conversation fit the target's window, and what would have to be left out? Pure.

An estimate, made before anything is sent: what the last answer reported as its input,
plus a guess at the rest. Services count in tokens of their own, so the guess leans to
the high side; a limit that a service names in an error is learnt elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from aether.lowering.view import View
from aether.lowering.weight import chars
from aether.profile import Profile
from aether.transcript import Cut, Part, Transcript, Turn
from aether.usage import Usage

CHARS_PER_TOKEN = 3.5
"""English prose has about four characters a token, code and other languages fewer."""
LEAST_RESERVE = 512
"""Tokens that must be left for the answer, at the least."""

LEAST_SUSPECT = 2000
SUSPECT = 4
"""A count this many times below the estimate is no matter of another tokenizer."""


@dataclass(frozen=True)
class Fit:
    """How a conversation stands to a window, in tokens. `window` None: not known, so it fits."""

    needed: int
    window: int | None
    reserve: int

    @property
    def fits(self) -> bool:
        """Tell whether there is room for it and for the answer."""
        return self.window is None or self.needed + self.reserve <= self.window


def cut_silently(needed: int, usage: Usage) -> bool:
    """Tell whether a service seems to have read far less than it was sent, without saying so (X3: Ollama)."""
    return usage.input > 0 and needed >= LEAST_SUSPECT and usage.input * SUSPECT < needed


def measure(view: View, transcript: Transcript, profile: Profile) -> Fit:
    """Estimate what `view` needs against the window of `profile`."""
    window = profile.context_window
    reserve = LEAST_RESERVE if window is None else min(profile.max_output or 4096, max(LEAST_RESERVE, window // 8))
    known, guess = _known(transcript), _guess(view)
    # A count far below what is to be shown is of a request that was shown less: before a cut was taken back.
    return Fit(known if known * 2 >= guess else guess, window, reserve)


def _known(transcript: Transcript) -> int:
    """Return the last reported input and output, plus a guess at what was said after it; 0: none was reported."""
    if transcript.cuts:
        return 0  # what was reported counted what is now left out
    later = 0
    for turn in reversed(transcript.turns):
        known = _weight(turn)
        if known.counted is not None:
            return known.counted + later
        later += known.tokens
    return 0


def _guess(view: View) -> int:
    tools = sum(len(t.name) + len(t.description) + len(str(t.parameters)) for t in view.tools)
    return round((len(view.system) + tools + view.chars) / CHARS_PER_TOKEN) + 4 * len(view.messages)


def _tokens(parts: tuple[Part, ...]) -> int:
    return round(sum(map(chars, parts)) / CHARS_PER_TOKEN)


class _Weight(NamedTuple):
    """What a turn is worth in tokens; and what its last count says of all up to its end, if there was one."""

    tokens: int
    counted: int | None


def _weight(turn: Turn) -> _Weight:
    known: _Weight | None = turn.derived.get("weight")
    if known is None:
        known = turn.derived["weight"] = _weighed(turn)
    return known


def _weighed(turn: Turn) -> _Weight:
    later, counted = 0, None
    for step in reversed(turn.answer.steps if turn.answer else ()):
        results = _tokens(step.results)
        if counted is None and step.usage.input and not step.imported:
            counted = step.usage.input + step.usage.output + results + later
        later += results + _tokens(step.parts)
    return _Weight(_tokens(turn.prompt) + later, counted)


def turn_tokens(turn: Turn) -> int:
    """Estimate the tokens of one exchange."""
    return _weight(turn).tokens


def leave_out(transcript: Transcript, fit: Fit) -> Transcript | None:
    """Return the transcript with the fewest oldest exchanges left out so that it fits; None if none will do.

    The first exchange and the last stay: the first tells what it is all about. An
    earlier cut is taken up into the new one.
    """
    if fit.window is None:
        return None
    excess = fit.needed + fit.reserve - fit.window
    begin = transcript.cuts[0].first if transcript.cuts else 1
    already = transcript.cuts[-1].last if transcript.cuts else 0
    last = already
    while excess > 0 and last + 1 < len(transcript.turns) - 1:
        last += 1
        excess -= turn_tokens(transcript.turns[last])
    if excess > 0 or last == already:
        return None
    known = transcript.cuts[-1] if transcript.cuts else Cut(begin, last)
    return replace(transcript, cuts=(replace(known, first=begin, last=last),))  # a summary stays

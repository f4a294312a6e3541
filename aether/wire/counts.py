"""What a service says that an answer took → Usage. Pure; nothing that it says is believed unseen.

Services differ in what they add up: some count reasoning inside the answer, some beside it (xAI,
gateways to Gemini), and only the total tells. A report with one number in it that can be none
is no report at all: what was set aside for the request then stays charged.
"""

from __future__ import annotations

from aether.usage import Usage

MOST_TOKENS = 10_000_000
"""Tokens of one request: ten times the largest window there is."""


def usage_of(
    *,
    input: object,
    output: object,
    total: object = None,
    cache_read: object = None,
    cache_write: object = None,
    reasoning: object = None,
    spoke: bool,
) -> Usage:
    """Return the usage; an empty one if it is not reported, or not as counts that an answer can take.

    `input` includes what was cached; `spoke`: the model has said something, so it took some output.
    None: that part was not sent.
    """
    numbers = [_count(n) for n in (input, output, total, cache_read, cache_write, reasoning)]
    sound = [n for n in numbers if n is not None]
    if len(sound) < len(numbers):
        return Usage()
    read_in, written, whole, read, write, thought = sound
    written = max(written, whole - read_in)
    if thought > written:  # it cannot be a part of that
        written += thought
    if not read_in or (spoke and not written):
        return Usage()
    read = min(read, read_in)
    return Usage(read_in, written, read, min(write, read_in - read), thought)


def added(*counts: object) -> object:
    """Return the sum of counts that exclude each other; something that is no count if one of them is none."""
    numbers = [_count(n) for n in counts]
    return sum(n for n in numbers if n is not None) if None not in numbers else -1


def _count(value: object) -> int | None:
    """Return a count of tokens, of a part that was not sent 0; None if it can be no count."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST_TOKENS else None

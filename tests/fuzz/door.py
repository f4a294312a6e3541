"""What a door is, and what must hold of every value that comes out of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

CPU_S = 4.0
"""Seconds of this process's own time that one small input may take: far above what any takes, far below a freeze."""


class Broken(AssertionError):
    """A property does not hold."""


class TooSlow(BaseException):
    """One input took too long. No `except Exception` on the way may swallow it."""


@dataclass(frozen=True)
class Door:
    """A way by which a stranger's bytes come in.

    `make` returns an input; `enter` lets one in and raises if a property breaks. `share`: how
    many of a million inputs of a long run; `quick`: how many in the suite.
    """

    name: str
    make: Callable[[Random], bytes]
    enter: Callable[[bytes], None]
    share: int
    quick: int


def holds(claim: object, words: str) -> None:
    """Raise Broken unless the claim is true."""
    if not claim:
        raise Broken(words)


def sendable(value: Any, where: str) -> None:
    """Hold that a value can be written as JSON by whoever writes it: no NaN, no half of a character."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError, TypeError) as error:
        raise Broken(f"{where} cannot be written: {error}") from error

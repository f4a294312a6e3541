"""One line of the table: a figure, its floor and its aim. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.book import Samples

Value = Callable[[Samples], float]
CI = "ChatInterface"
OURS = "Aether"


def middle(samples: Samples) -> float:
    return samples.median


def p50(samples: Samples) -> float:
    return samples.at(0.50)


def p95(samples: Samples) -> float:
    return samples.at(0.95)


def p99(samples: Samples) -> float:
    return samples.at(0.99)


def most(samples: Samples) -> float:
    return max(samples.values)


@dataclass(frozen=True)
class Line:
    """One line of the table.

    `against`: the figure and the application that the ratio is taken to; without it the
    limits are on the value itself. `scale` makes the figure's unit into `unit`.
    """

    work: str
    figure: str
    unit: str
    floor: float | None = None
    aim: float | None = None
    against: tuple[str, str] | None = None
    value: Value = middle
    digits: int = 0

"""Numbers as people read them: tokens, money, seconds. Pure; no HTML, no model."""

from __future__ import annotations

import math


def count(number: int, noun: str) -> str:
    """Say `1 turn`, `2 turns`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def tokens(number: int) -> str:
    """Say a number of tokens in at most four digits: `312`, `4.1k`, `128k`, `1.2M`."""
    if number < 1_000:
        return str(number)
    for limit, unit in ((1_000_000, "k"), (math.inf, "M")):
        if number < limit * 0.9995:
            value = number / (1_000 if unit == "k" else 1_000_000)
            return f"{value:.1f}".removesuffix(".0") + unit if value < 100 else f"{value:.0f}{unit}"
    raise AssertionError("unreachable: the last limit is infinite")


def money(usd: float | None) -> str:
    """Say a cost in USD: `free`, `$0.0042`, `$1.30`, or `price unknown`."""
    if usd is None:
        return "price unknown"
    if usd <= 0:
        return "free"
    if usd < 0.0001:
        return "<$0.0001"
    return f"${usd:.4f}" if usd < 0.1 else f"${usd:,.2f}"


def duration(ms: float | None) -> str:
    """Say a time given in milliseconds: `85 ms`, `1.9 s`, `2 min 5 s`; empty when it is not known."""
    if ms is None:
        return ""
    if ms < 950:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"

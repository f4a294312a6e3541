"""Prices and context windows from `genai-prices`, for what neither file nor list tells.

Its table ships with the package: no network. It is read at first use, so that it does
not slow the start. What it does not know stays unknown; nothing is guessed.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from aether.usage import Price

LOOKUPS = 8192
"""Models whose facts are kept: more than all services list together. A visitor may type any id."""


@lru_cache(maxsize=LOOKUPS)
def known_facts(table: str, model_id: str) -> tuple[int | None, Price | None]:
    """Return the context window in tokens and the price of a model; None for what is not known."""
    if not table:
        return None, None
    from genai_prices import Usage, calc_price  # 0.2 s to import

    try:
        found = calc_price(Usage(input_tokens=1000, output_tokens=1000), model_ref=model_id, provider_id=table)
    except LookupError:
        return None, None
    price = found.model_price
    rates = [
        _rate(getattr(price, f, None)) for f in ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
    ]
    if rates[0] is None or rates[1] is None:
        return found.model.context_window, None
    return found.model.context_window, Price(rates[0], rates[1], rates[2], rates[3])


def _rate(value: object) -> float | None:
    """Return a rate in USD for a million tokens; of a tiered one the first, which is the lowest."""
    value = getattr(value, "base", value)
    return float(value) if isinstance(value, Decimal | int | float) else None

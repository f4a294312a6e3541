"""Prices and context windows from `genai-prices`, for what neither file nor list tells.

Its table ships with the package: no network. It is read at first use, so that it does
not slow the start. What it does not know stays unknown; nothing is guessed.
"""

from __future__ import annotations

import importlib
import math
from decimal import Decimal
from functools import lru_cache
from typing import Any

from aether.usage import Price, Rates

RATES = ("input", "output", "cache_read", "cache_write", "output_reasoning")
UNBOUNDED = (
    "output_audio_mtok", "output_image_mtok", "output_video_mtok", "output_citation_mtok", "audio_hours",
    "output_audio_hours", "input_text_messages_kcount",
)  # fmt: skip
"""What a model of that price may add to a bill whatever the request says."""

LOOKUPS = 8192
"""Models whose facts are kept: more than all services list together. A visitor may type any id."""


def load() -> None:
    """Load the table, which takes 0.2 s: in a thread, before anybody asks for a price."""
    importlib.import_module("genai_prices")


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
    return found.model.context_window, _price(found.model_price)


def _price(table: Any) -> Price | None:
    """Return a price with all that it depends on; None if a rate that it needs is not known."""
    columns = {name: getattr(table, f"{name}_mtok", None) for name in RATES}
    starts = sorted({tier.start for column in columns.values() for tier in getattr(column, "tiers", ())})
    base, *above = [_rates(columns, tokens) for tokens in (0, *(start + 1 for start in starts))]
    if base is None or None in above:
        return None
    return Price(
        base.input,
        base.output,
        base.cache_read,
        base.cache_write,
        tiers=tuple((start, rates) for start, rates in zip(starts, above, strict=True) if rates is not None),
        request=(_at(getattr(table, "requests_kcount", None), 0) or 0.0) / 1000,
        unbounded=any(getattr(table, name, None) is not None for name in UNBOUNDED),
    )


def _rates(columns: dict[str, Any], tokens: int) -> Rates | None:
    """Return the rates of a request with that much input; reasoning is counted as output, at the dearer of the two."""
    found = {name: _at(column, tokens) for name, column in columns.items()}
    read_in, written = found["input"], found["output"]
    if read_in is None or written is None:
        return None
    return Rates(read_in, max(written, found["output_reasoning"] or 0.0), found["cache_read"], found["cache_write"])


def _at(value: Any, tokens: int) -> float | None:
    """Return a rate in USD for a million tokens; of a tiered one that of the highest tier which is passed."""
    rate = getattr(value, "base", value)
    for tier in getattr(value, "tiers", ()):  # in rising order
        rate = tier.price if tokens > tier.start else rate
    return float(rate) if isinstance(rate, Decimal | int | float) and math.isfinite(rate) and rate >= 0 else None

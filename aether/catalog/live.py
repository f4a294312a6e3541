"""Live lists of models, in the forms that services use → Model. Garbage in an entry costs that entry alone."""

from __future__ import annotations

import math
import re
from typing import Any, cast

from aether.bounds import LIST_MODELS
from aether.catalog.file import LONGEST_ID, Model, Provider
from aether.usage import Price

Facts = dict[str, Any]
WINDOWS = (
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
    "max_input_tokens",
    "inputTokenLimit",
)
PRICES = (
    "prompt", "completion", "request", "image", "internal_reasoning", "input_cache_read", "input_cache_write"
)  # fmt: skip
LARGEST_USD = 1.0
"""For one token, picture or request; what a list says beyond that is no price, nor is NaN."""
OUTPUTS = ("max_completion_tokens", "max_output_tokens", "max_tokens", "outputTokenLimit")
NOT_CHAT = {"embedding", "embeddings", "image", "audio", "moderation", "rerank", "transcribe", "language-completion"}
"""Values of `type` that say that a model does not chat (Together, LM Studio)."""


def models_of(provider: Provider, entries: list[dict[str, Any]]) -> list[Model]:
    """Return the chat models of a live list; entries that are none, or make no sense, are left out."""
    return [m for e in entries[:LIST_MODELS] if (m := _model(provider, e)) is not None]


def _model(provider: Provider, entry: dict[str, Any]) -> Model | None:
    id_ = entry.get("id")
    if not isinstance(id_, str) or not id_.strip() or len(id_) > LONGEST_ID or not _is_whole(id_):
        return None
    id_ = id_.removeprefix("models/")  # Gemini's list
    if str(entry.get("type")) in NOT_CHAT or any(re.search(p, id_, re.IGNORECASE) for p in provider.leave_out):
        return None
    if _map(entry.get("capabilities")).get("completion_chat") is False or entry.get("active") is False:
        return None
    outputs = _map(entry.get("architecture")).get("output_modalities")
    if isinstance(outputs, list) and "text" not in outputs:
        return None
    facts = _facts(entry)
    label = entry.get("display_name") or entry.get("name")
    return Model(
        id=id_,
        label=label[:LONGEST_ID] if isinstance(label, str) and "/" not in label and _is_whole(label) else id_,
        profile=provider.profile.with_fields(facts),
        price=_price(entry.get("pricing")),
        stated=frozenset(facts),
    )


def _facts(entry: dict[str, Any]) -> Facts:
    """Return what an entry tells about its model, as fields of a profile."""
    top, meta = _map(entry.get("top_provider")), _map(entry.get("meta"))
    facts: Facts = {}
    window = next((n for k in WINDOWS if (n := _count(entry.get(k)))), None) or _count(meta.get("n_ctx"))
    if window:
        facts["context_window"] = window
    if output := next((n for k in OUTPUTS if (n := _count(top.get(k)) or _count(entry.get(k)))), None):
        facts["max_output"] = output
    inputs = _map(entry.get("architecture")).get("input_modalities") or entry.get("input_modalities")
    capable = _map(entry.get("capabilities"))
    if isinstance(inputs, list):
        facts["vision"] = "image" in inputs
    elif (sees := _flag(capable, "vision", "image_input")) is not None:
        facts["vision"] = sees
    taken = entry.get("supported_parameters")
    if isinstance(taken, list):
        facts["tools"] = "tools" in taken
    elif (calls := _flag(capable, "function_calling", "tool_use")) is not None:
        facts["tools"] = calls
    if (reads := _flag(capable, "pdf_input")) is not None:
        facts["files"] = reads
    return facts


def _flag(capable: Facts, *names: str) -> bool | None:
    """Return a capability: a plain flag, or a table with `supported`."""
    for name in names:
        value = capable.get(name)
        if isinstance(value, dict):
            value = cast(Facts, value).get("supported")
        if isinstance(value, bool):
            return value
    return None


def _price(pricing: object) -> Price | None:
    """Read OpenRouter's prices: USD for one token, as text; None where either is nothing, which is only a claim."""
    table = _map(pricing)
    rates = {key: _usd(table.get(key)) for key in PRICES}
    read_in, written = rates["prompt"], rates["completion"]
    if not read_in or not written:
        return None
    if any(rates[key] is None for key in PRICES if table.get(key) is not None):
        return None
    read, write = rates["input_cache_read"], rates["input_cache_write"]
    return Price(
        _million(read_in),
        _million(max(written, rates["internal_reasoning"] or 0.0)),
        None if read is None else _million(read),
        None if write is None else _million(write),
        request=rates["request"] or 0.0,
        image=rates["image"] or 0.0,
    )


def _usd(value: object) -> float | None:
    """Return an amount that a list tells; None if it is none, or below zero, which stands for "it depends"."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if 0 <= amount < LARGEST_USD else None


def _million(usd: float) -> float:
    """Return the price of a million tokens, rounded up: what is not free does not become free."""
    return math.ceil(round(usd * 1e12, 3)) / 1_000_000


def _is_whole(text: str) -> bool:
    """Return whether a text holds no half of a character, which nothing could write."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _map(value: object) -> Facts:
    return cast(Facts, value) if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

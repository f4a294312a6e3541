"""What a session keeps to show: the receipt of a swap, and the requests that were sent. Pure values."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Any

from aether.fit import Fit, measure
from aether.llm import LLM
from aether.lowering import Omission, ToolSpec, lower
from aether.transcript import Transcript
from aether.usage import Usage

USUAL_ANSWER = 500
"""Tokens of an answer where none was counted yet."""


@dataclass(frozen=True)
class Receipt:
    """What a swap means for the model chosen, before anything is sent.

    `omissions`: what it cannot be shown of the conversation. `fit`: how that stands to its
    window. `cost_usd`: what the next turn may cost; None: its price is not known. Both
    None: the conversation has not begun.
    """

    reference: str
    previous: str
    omissions: tuple[Omission, ...] = ()
    fit: Fit | None = None
    cost_usd: float | None = None


def preflight(transcript: Transcript, llm: LLM, tools: tuple[ToolSpec, ...], *, previous: str) -> Receipt:
    """Return what it means that `llm` answers next. Reckoned here alone: nothing is asked of anyone."""
    if not transcript.turns:
        return Receipt(llm.reference, previous)
    view = lower(transcript, llm.target(tools))
    fit = measure(view, transcript, llm.model.profile)
    price = llm.model.price
    cost = price.cost_usd(Usage(fit.needed, _usual_answer(transcript))) if price else None
    return Receipt(llm.reference, previous, view.omissions, fit, cost)


def _usual_answer(transcript: Transcript) -> int:
    """Return how many tokens the answers here have had, of late."""
    answers = [t.answer for t in transcript.turns[-5:] if t.answer]
    counted = [n for a in answers if (n := sum(s.usage.output for s in a.steps))]
    return round(sum(counted) / len(counted)) if counted else USUAL_ANSWER


@dataclass(frozen=True)
class WireRecord:
    """One request as it was sent, for the inspector. `body` holds no key.

    `at`, in seconds, is that of the step which it led to. `key_name` is the variable that
    holds the key. `omissions` are what the model was not shown.
    """

    turn: int
    reference: str
    body: dict[str, Any]
    at: float
    protocol: str = ""
    url: str = ""
    key_name: str = ""
    messages: int = 0
    omissions: tuple[Omission, ...] = ()
    notes: tuple[str, ...] = ()


def swapped(receipt: Receipt, *, pending: bool) -> dict[str, Any]:
    """Return the API's event of a swap."""
    payload: dict[str, Any] = {**pair(receipt.reference), "previous": pair(receipt.previous), "pending": pending}
    return {
        "event_type": "model_updated",
        "payload": payload | {"omissions": [o.to_dict() for o in receipt.omissions]},
    }


def not_swapped(provider: object, model: object, sentence: str, *, current: str) -> dict[str, Any]:
    """Return the API's event of a swap that could not be."""
    asked = {"provider": word(provider), "model": word(model)}
    return {"event_type": "model_update_failed", "payload": asked | {"error": sentence, "current": pair(current)}}


def pair(reference: str) -> dict[str, str]:
    """Return a model reference as the API writes it."""
    provider, _, model = reference.partition("/")
    return {"provider": provider, "model": model}


def word(value: object) -> str:
    """Return what came from outside as one short line, for logs and answers."""
    return " ".join(value[:200].split()) if isinstance(value, str) else reprlib.repr(value)[:200]

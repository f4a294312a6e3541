"""What a session keeps to show: the receipt of a swap, and the requests that were sent. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aether.lowering import Omission


@dataclass(frozen=True)
class Receipt:
    """What a swap means for the model chosen: what it cannot be shown of the conversation."""

    reference: str
    previous: str
    omissions: tuple[Omission, ...]


@dataclass(frozen=True)
class WireRecord:
    """One request as it was sent, for the inspector. `body` holds no key."""

    turn: int
    reference: str
    body: dict[str, Any]
    at: float


def pair(reference: str) -> dict[str, str]:
    """Return a model reference as the API writes it."""
    provider, _, model = reference.partition("/")
    return {"provider": provider, "model": model}


def word(value: object) -> str:
    """Return what came from outside as one short line, for logs and answers."""
    return " ".join(value.split())[:200] if isinstance(value, str) else repr(value)[:200]

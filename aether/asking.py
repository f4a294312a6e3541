"""What the guard is told: of a turn before it begins, and of a request before it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from aether.agent import Draft
from aether.guard import Asking, Medium, Proposal, Target
from aether.limits import Limits
from aether.llm import LLM
from aether.transcript import File, Part, Text
from aether.wire.base import Carried

ANSWER_BYTES = 16_000
"""What an answer is expected to take in the store, until it is counted."""
INDEXED = 3
"""How often a text is stored: as it is, as the words that a search finds, and in their index."""


def asking(draft: Draft, limits: Limits) -> Asking:
    """Describe a request to the guard: who is asked, at what price, with how much."""
    llm = draft.llm
    free = llm.provider.local or llm.own_key
    return Asking(
        reference=llm.reference,
        label=llm.model.label,
        price=llm.model.price,
        free=free,
        body=draft.body,
        media=tuple(media_of(draft.body)),
        answer_tokens=_answer_tokens(llm, limits),
        violations=tuple(map(str, draft.violations)),
        is_billable=lambda: draft.exchange.is_billable,
    )


def media_of(body: dict[str, Any]) -> Iterator[Medium]:
    """Yield the pictures and files that were written into a body as it was lowered, each as often as it is there."""
    left: list[Any] = [body]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += cast(dict[str, Any], value).values()
        elif isinstance(value, list):
            left += cast(list[Any], value)
        elif isinstance(value, Carried):
            yield Medium(value.sha256, value.chars)


def _answer_tokens(llm: LLM, limits: Limits) -> int | None:
    """Return the most tokens that an answer takes; None if nothing bounds it."""
    profile = llm.model.profile
    bound = limits.answer_tokens or profile.max_output
    return bound if profile.bounds_reasoning else profile.max_output or profile.context_window


def proposal(owner: str, parts: Sequence[Part], models: Sequence[LLM], limits: Limits) -> Proposal:
    """Describe a turn to the guard before it begins: who keeps it, what it brings, who answers."""
    texts = [p.text for p in parts if isinstance(p, Text)] + [p.text or "" for p in parts if isinstance(p, File)]
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    return Proposal(
        owner=owner,
        message_bytes=size,
        kept_bytes=size * INDEXED + ANSWER_BYTES * len(models),
        targets=tuple(
            Target(m.model.label, m.model.price, m.provider.local or m.own_key, _answer_tokens(m, limits))
            for m in models
        ),
    )

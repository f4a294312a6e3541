"""What the guard is told of a request that is about to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from aether.agent import Draft
from aether.guard import Asking, Medium
from aether.limits import Limits
from aether.llm import LLM
from aether.wire.base import Carried


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
        media=() if free else tuple(media_of(draft.body)),
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

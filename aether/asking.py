"""What the guard is told of a request that is about to be sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aether.guard import Asking
from aether.limits import Limits
from aether.llm import LLM
from aether.lowering import View
from aether.transcript import File, Image, ToolResult


def asking(llm: LLM, body: dict[str, Any], view: View, limits: Limits) -> Asking:
    """Describe a request to the guard: who is asked, at what price, with how much."""
    parts = [part for message in view.messages for part in message.parts]
    results = [part for found in parts if isinstance(found, ToolResult) for part in found.parts]
    told = Asking(
        reference=llm.reference,
        label=llm.model.label,
        price=llm.model.price,
        free=llm.provider.local or llm.own_key,
        body=body,
        blobs=tuple(p.blob for p in (*parts, *results) if isinstance(p, Image | File)),
    )
    return replace(told, answer_tokens=limits.answer_tokens) if limits.answer_tokens else told

"""What a request costs at the worst, before it is sent. Pure.

A token of a text is at least one byte of it, so its bytes are a bound that no wording can
pass. What pictures and files come to is told by `media.py`, from their bytes.
"""

from __future__ import annotations

import json
import math

from aether.guard import Asking
from aether.guard.media import PICTURE_USD
from aether.store.ledger import NANO
from aether.usage import Price, Usage

TOOLS_TOKENS = 700
"""What a service adds to a request with tools: Anthropic documents 264 to 530 tokens for the models it serves."""


def text_tokens(asking: Asking) -> int:
    """Return a bound of what a body without its pictures and files comes to in tokens."""
    size = len(json.dumps(asking.body, ensure_ascii=False, default=str).encode("utf-8", "replace"))
    tools = TOOLS_TOKENS if asking.body.get("tools") else 0
    return size - sum(medium.chars for medium in asking.media) + tools


def worst_nano_usd(tokens: int, answer_tokens: int, price: Price, *, pictures: int = 0) -> int:
    """Return what a request costs at the most: all of its input anew, and the longest answer."""
    usd = max(price.worst_usd(tokens, answer_tokens, pictures), pictures * PICTURE_USD)
    return math.ceil(usd * NANO)


def true_nano_usd(usage: Usage, price: Price, *, pictures: int = 0) -> int:
    """Return what a request has cost."""
    return math.ceil(round((price.cost_usd(usage) + pictures * price.image) * NANO, 3))

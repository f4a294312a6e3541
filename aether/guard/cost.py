"""What a request costs at the worst, before it is sent. Pure.

A token of a text is at least one byte of it, so its bytes are a bound that no wording can
pass. What pictures and files come to is the services' own business; a high guess stands in.
"""

from __future__ import annotations

import json
import math

from aether.guard import Asking
from aether.store.ledger import NANO
from aether.usage import Price, Usage

MEDIA_TOKENS = 6_000
BYTES_PER_MEDIA_TOKEN = 50
"""A file of many pages: 3,000 tokens for a page of about 150 kB."""


def input_tokens(asking: Asking) -> int:
    """Return a bound of what a body comes to in tokens."""
    media = asking.blobs
    carried = sum(4 * math.ceil(blob.size / 3) for blob in media)
    size = len(json.dumps(asking.body, ensure_ascii=False, default=str).encode("utf-8", "replace"))
    guessed = sum(max(MEDIA_TOKENS, blob.size // BYTES_PER_MEDIA_TOKEN) for blob in media)
    return max(size - carried, 0) + guessed


def worst_nano_usd(tokens: int, answer_tokens: int, price: Price) -> int:
    """Return what a request costs at the most: all of its input anew, and the longest answer."""
    dearest = max(price.input, price.cache_write or 0.0)
    return math.ceil((tokens * dearest + answer_tokens * price.output) * NANO / 1_000_000)


def true_nano_usd(usage: Usage, price: Price) -> int:
    """Return what a request has cost."""
    return math.ceil(round(price.cost_usd(usage) * NANO, 3))

"""The form of a visitor's own key: what real keys look like, and the sentence for what is none. Pure.

Shipped providers give out 32 letters and digits (Mistral), prefixes with 20 to 160 characters behind them
(`sk-…`, `gsk_…`, `hf_…`, `AIza…`, `nvapi-…`, `csk-…`, `xai-…`), and 64 hexadecimal digits (Together).
"""

from __future__ import annotations

import math
import re
from collections import Counter

from aether.errors import BadKey

SHORTEST, LONGEST = 16, 300
LEAST_SIGNS = 8
"""Different characters: 32 random hexadecimal digits have some 14."""
LEAST_BITS = 40.0
"""Bits by the frequencies of its characters: 16 random ones have some 60, a repeated word far fewer."""
_FORM = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:~+/=-]*[A-Za-z0-9_=-])?")


def checked(key: object) -> str:
    """Return a key without the spaces around it; raise BadKey for what can be none."""
    value = key.strip() if isinstance(key, str) else ""
    if not SHORTEST <= len(value) <= LONGEST:
        raise BadKey("That does not look like a key: keys have 16 to 300 characters.")
    if not _FORM.fullmatch(value):
        raise BadKey("That does not look like a key: keys have letters, digits and - _ . only, without spaces.")
    has_both = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    if not has_both or len({*value}) < LEAST_SIGNS or _bits(value) < LEAST_BITS:
        raise BadKey("That does not look like a key: keys are random letters and digits, not words.")
    return value


def _bits(value: str) -> float:
    counts = Counter(value)
    return -sum(n * math.log2(n / len(value)) for n in counts.values())

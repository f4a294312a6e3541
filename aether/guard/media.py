"""What pictures and documents come to in tokens at the most, told by their bytes alone.

What a transcript says of a file is a claim of whoever wrote it. The bytes are measured in a worker
process, once for each digest. What cannot be measured counts as the most that a request may hold.

The rates are the highest that a service documents or was seen to bill (2026-11):
Anthropic, vision: a token for each 28x28 pixels, at most 4,784 after scaling; PDF support: 1,500 to
3,000 tokens of text a page, and the page as a picture (1,600: measured, datasets/JOHNISKING/pdf-token-cost).
OpenAI, images: patches of 32x32 pixels, at most 1,536 times 2.46 (the smallest models) or 10,000 times 1.2
(original detail); 85 and 170 a tile for others; gpt-4o-mini bills 48,169 tokens, which is 0.0073 USD.
Gemini: 258 a tile of at most 768x768 pixels; from version 3 on 1,120 to 2,240 a picture. xAI: 1,792.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil

from aether.parts import Blob

PICTURE_LEAST = 2_240
PICTURE_USD = 0.0075
"""What a picture costs at least where it is bounded by money: see gpt-4o-mini above."""
PAGE_PICTURE = 1_600
PAGE_TEXT = 3_000
MOST_PAGES = 100
"""Pages that are looked at; more than that no request on a shared link may hold."""
UNKNOWN_TOKENS = 1_000_000
"""What bytes count as that could not be measured: the largest window there is."""
MEASURE_S = 10.0
LARGEST_CACHE = 10_000
FORMS = ("JPEG", "PNG", "GIF", "WEBP")

Measures = tuple[int, int]
"""Tokens at the most, and how many pictures and pages that is."""
Measure = Callable[[bytes, str], Awaitable[Measures]]
"""Measure bytes for an owner, out of the way of the event loop."""


@dataclass(frozen=True)
class Weight:
    """What one picture or document comes to at the most."""

    tokens: int = UNKNOWN_TOKENS
    pictures: int = 1


def measure(data: bytes) -> Measures:
    """Return the tokens of a picture or document at the most, and its number of pictures and pages. Slow: for a worker.

    Bytes may be both; what they are declared as is not asked.
    """
    tokens, pages = _document(data) if b"%PDF" in data[:2048] else (0, 0)
    size = _size(data)
    if size is None:
        return (tokens, pages) if pages else (UNKNOWN_TOKENS, 1)
    return max(tokens, picture_tokens(*size)), max(pages, 1)


def picture_tokens(width: int, height: int) -> int:
    """Return the most tokens that a picture of that size comes to, in pixels."""
    patches = ceil(width / 32) * ceil(height / 32)
    tile = max(256.0, min(768.0, min(width, height) / 1.5))
    return max(
        PICTURE_LEAST,
        min(ceil(width / 28) * ceil(height / 28), 4_784),
        ceil(min(patches, 1_536) * 2.46),
        ceil(min(patches, 10_000) * 1.2),
        258 * ceil(width / tile) * ceil(height / tile),
    )


def _size(data: bytes) -> tuple[int, int] | None:
    from PIL import Image as Pictures

    try:
        width, height = Pictures.open(io.BytesIO(data), formats=FORMS).size
    except Exception:  # a library's own errors are many; whatever it was, the size is not known
        return None
    return (width, height) if width > 0 and height > 0 else None


def _document(data: bytes) -> tuple[int, int]:
    from pypdf import PdfReader

    try:
        pages = PdfReader(io.BytesIO(data)).pages
        if (count := len(pages)) > MOST_PAGES:
            return UNKNOWN_TOKENS, count
        texts = [len(pages[number].extract_text().encode("utf-8", "replace")) for number in range(count)]
    except Exception:  # as above
        return UNKNOWN_TOKENS, 1
    return sum(PAGE_PICTURE + max(PAGE_TEXT, text) for text in texts) or UNKNOWN_TOKENS, max(count, 1)


class Scale:
    """Tell what stored bytes weigh, each digest measured once."""

    def __init__(self, read: Callable[[Blob], bytes] | None = None, measure: Measure | None = None) -> None:
        self._read, self._measure = read, measure
        self._known: OrderedDict[str, Weight] = OrderedDict()

    async def weigh(self, sha256: str, owner: str) -> Weight:
        """Return what the bytes of a digest come to; raise AetherError where no place is free to measure them."""
        if (known := self._known.get(sha256)) is not None:
            self._known.move_to_end(sha256)
            return known
        weight = await self._weighed(sha256, owner)
        self._known[sha256] = weight
        while len(self._known) > LARGEST_CACHE:
            self._known.popitem(last=False)
        return weight

    async def _weighed(self, sha256: str, owner: str) -> Weight:
        if self._read is None or self._measure is None:
            return Weight()
        try:
            data = self._read(Blob(sha256, ""))
        except KeyError:
            return Weight()
        return Weight(*await self._measure(data, owner))


def unmeasured() -> Measures:
    """Return what bytes count as that could not be measured."""
    return UNKNOWN_TOKENS, 1

"""Redactor: keys and what looks like one, replaced in texts and in the string values of structures. Pure.

It never changes the text of a JSON document: `values` walks the structure, so that what it returns is
as valid as what it was given. A redactor knows the keys that it was made with and learns no more; one
for a single request is made with `knowing`, so that no key of one visitor alters what another one sees.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import quote

MASK = "[redacted]"
SHORTEST_KEY = 6
"""Known keys under this many characters are not searched for: they would match plain words."""
STRONG = 24
"""Characters from which a known key is searched for everywhere, and from its first `HEAD` on; a shorter one as a
whole word alone."""
HEAD = 16
DEEPEST = 200
"""Levels of a structure that are walked; services refuse bodies that are deeper."""
_PREFIXES = ("sk", "pk", "rk", "nvapi", "hf", "gsk", "xai", "csk", "tgp", "key")
_VENDORS = (*(f"{prefix}{sign}" for prefix in _PREFIXES for sign in "-_"), "AIza")
_WORDS = ("bearer", "authorization", "api-key")
_VENDOR_KEY = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf]))"
    rf"(?:(?:{'|'.join(_PREFIXES)})[-_]|AIza)[A-Za-z0-9_-]{{16,}}"
)
_CREDENTIAL = re.compile(
    r"\b(bearer|x-api-key|api-key|authorization)(['\"]?\s{0,4}[:=,]?\s{0,4}b?['\"]?(?:(?:bearer|basic|token)\s+)?)"
    r"([A-Za-z0-9._~+/=-]{8,})",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"(?<=://)[^/\s:@\"'\\{}<>,]+:[^/\s:@\"'\\{}<>,]+(?=@)")
_RUN = re.compile(r"[A-Za-z0-9]{16,}")


class Redactor:
    """Replace keys: those it knows, whole, cut off at the end or encoded; and what has the shape of one."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = tuple(sorted({k for k in keys if len(k) >= SHORTEST_KEY}, key=len, reverse=True))
        self._heads = tuple((key[:HEAD] if len(key) >= STRONG else key, key) for key in self._keys)
        self._encoded = tuple(form for key in self._keys if len(key) >= HEAD for form in _encoded(key))

    def knowing(self, *keys: str) -> Redactor:
        """Return a redactor that knows these keys as well."""
        more = [key for key in keys if key not in self._keys]
        return Redactor([*self._keys, *more]) if more else self

    def __call__(self, text: str) -> str:
        """Return `text` without keys."""
        for form in self._encoded:
            if form in text:
                text = text.replace(form, MASK)
        return self._without(text)

    def values(self, value: object) -> Any:
        """Return a copy of a JSON structure with keys replaced in its strings and in the names of its fields."""
        return self._copy(value, DEEPEST)

    def _copy(self, value: object, levels: int) -> Any:
        match value:
            case str():
                return self._without(value)
            case None | bool() | int() | float():
                return value
            case _ if not levels:
                return "…"
            case dict():
                fields = cast(dict[Any, Any], value)
                return {self._without(str(k)): self._copy(v, levels - 1) for k, v in fields.items()}
            case list() | tuple():
                return [self._copy(v, levels - 1) for v in cast(list[Any], value)]
            case _:
                return self._without(str(value))

    def _without(self, text: str) -> str:
        for head, key in self._heads:
            if head in text:
                text = _masked(text, head, key)
        if any(start in text for start in _VENDORS):
            text = _VENDOR_KEY.sub(_judge_vendor_key, text)
        lower = text.lower()
        if any(word in lower for word in _WORDS):
            text = _CREDENTIAL.sub(_judge_credential, text)
        return _PASSWORD.sub(MASK, text) if "://" in text and "@" in text else text


def _masked(text: str, head: str, key: str) -> str:
    """Replace a key, or what is left of one that was cut off; a short one only where it is a whole word."""
    pieces: list[str] = []
    at = 0
    while (start := text.find(head, at)) >= 0:
        end = start + len(head)
        for wanted, found in zip(key[len(head) :], text[end : start + len(key)], strict=False):
            if wanted != found:
                break
            end += 1
        is_word = len(key) >= STRONG or (_is_edge(text, start) and not text[end : end + 1].isalnum())
        pieces += [text[at:start], MASK if is_word else text[start:end]]
        at = end
    return "".join([*pieces, text[at:]])


def _is_edge(text: str, start: int) -> bool:
    """Return whether a word may begin here: after no letter or digit, or after an escaped line break."""
    return not text[start - 1 : start].isalnum() or (
        start > 1 and text[start - 2] == "\\" and text[start - 1] in "nrtbf"
    )


def _judge_vendor_key(found: re.Match[str]) -> str:
    """Keep names such as `sk-folding-cube`: a key has a digit and a long run without a separator."""
    token = found[0]
    return MASK if any(c.isdigit() for c in token) and _RUN.search(token) else token


def _judge_credential(found: re.Match[str]) -> str:
    """Keep words: a credential has a digit, or the two dots of a signed token."""
    value = found[3]
    is_credential = any(c.isdigit() for c in value) or value.strip(".").count(".") >= 2
    return f"{found[1]}{found[2]}{MASK}" if is_credential else found[0]


def _encoded(key: str) -> set[str]:
    """Return what a key looks like in base64 at each of its three places, in a URL, and backwards."""
    base64 = {b64encode(b"-" * lead + key.encode()).decode()[4:-4] for lead in range(3)}
    urlsafe = {form.replace("+", "-").replace("/", "_") for form in base64}
    return {form for form in (*base64, *urlsafe, quote(key, safe=""), key[::-1]) if form != key and len(form) >= 12}

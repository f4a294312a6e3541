"""Ids and signatures: minted here, remembered here, and asked for when they come back.

A signature that this server never gave out was made up, altered, or made by someone else.
Nothing here knows a protocol's keys, but for `learn`, which reads what a replay sends.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from typing import Any

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"
SIGNATURE = re.compile(r'"(?:signature|encrypted_content|data)"\s*:\s*"([^"]{16,})"')
ITEM_ID = re.compile(r'"((?:rs|msg|fc)_[A-Za-z0-9_-]+)"')


class Issuer:
    """Mint ids and signatures, and tell whether one was issued here.

    `trusts_all` takes every signature and id as its own: for judging bodies that were
    recorded elsewhere.
    """

    def __init__(self, *, trusts_all: bool = False) -> None:
        self.trusts_all = trusts_all
        self._secret = secrets.token_hex(8)
        self._count = 0
        self._signed: dict[str, tuple[str | None, str]] = {}
        self._items: dict[str, str] = {}
        self._reasoning_of: dict[str, str] = {}

    def mint(self, prefix: str, length: int = 24) -> str:
        """Return a new id: the prefix and `length` alphanumerics."""
        self._count += 1
        number = int(hashlib.sha512(f"{self._secret}{self._count}".encode()).hexdigest(), 16)
        letters: list[str] = []
        for _ in range(length):
            number, rest = divmod(number, len(ALPHABET))
            letters.append(ALPHABET[rest])
        return prefix + "".join(letters)

    def sign(self, text: str, *, prefix: str = "") -> str:
        """Return a new signature for `text`, bound to the digest `prefix` of what stood before it."""
        signature = "Er" + base64.b64encode(self.mint("", 40).encode()).decode()
        self._signed[signature] = (text, prefix)
        return signature

    def item(self, kind: str, *, response: str, reasoning: str = "") -> str:
        """Return a new item id of a response; `reasoning` is the item that it must not be parted from."""
        id_ = self.mint(f"{kind}_", 48)
        self._items[id_] = response
        if reasoning:
            self._reasoning_of[id_] = reasoning
        return id_

    def signed(self, signature: str, *, text: str | None = None, prefix: str | None = None) -> bool:
        """Tell whether the signature was issued here, for this text and after this prefix where given."""
        if self.trusts_all:
            return True
        if signature not in self._signed:
            return False
        own_text, own_prefix = self._signed[signature]
        # A block may come back with its text left out; a changed text is another matter.
        same_text = text in (None, "", own_text) or own_text is None
        return same_text and (prefix is None or not own_prefix or prefix == own_prefix)

    def issued(self, item_id: str) -> bool:
        """Tell whether the item id was issued here."""
        return self.trusts_all or item_id in self._items

    def together(self, first: str, second: str) -> bool:
        """Tell whether two items came in one response."""
        if self.trusts_all:
            return bool(second)
        return first in self._items and self._items[first] == self._items.get(second)

    def reasoning_of(self, item_id: str) -> str:
        """Return the reasoning item that must stand before this one, or the empty string."""
        return self._reasoning_of.get(item_id, "")

    def learn(self, text: str) -> None:
        """Take the signatures and item ids in a replayed body as issued here."""
        plain = text.replace('\\"', '"')
        for signature in SIGNATURE.findall(plain):
            self._signed[signature] = (None, "")
        response = self.mint("resp_")
        for item_id in ITEM_ID.findall(plain):
            self._items.setdefault(item_id, response)


def digest(*values: Any) -> str:
    """Return a digest of JSON values, equal for equal content."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:24]

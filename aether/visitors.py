"""Who a visitor is: a cookie that only this server and one browser know, and names made from it. Pure.

The cookie is a random value and the server's signature of it (`Cookies`): nobody makes one himself. It is the
visitor's one secret, and kept nowhere on the server. What is kept, and what names an owner, is a digest of
it. The hash that a tab chooses for its session is made one with its visitor: the same hash from another browser
names another session, which is not there.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Collection
from hashlib import sha256
from urllib.parse import quote, unquote

from aether.signing import ServerSecret

COOKIE = "aether_visitor"
HEADER = "x-aether-visitor"
"""The header by which the gate tells the rooms behind it who asks; what comes from outside is dropped."""
PROGRAM = "program"
"""The name that all programs without a cookie share."""
OWN_KEYS_COOKIE = "aether_own_keys"
OWN_KEYS = "x-aether-own-keys"
"""The providers for which a visitor wanted a key of their own: a cookie, a header between gate and rooms."""
MOST_NAMES = 20
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_session() -> str:
    """Return the hash of a session for a call that brings none: 256 random bits."""
    return secrets.token_urlsafe(32)


class Cookies:
    """Make the cookies of visitors, and know them again.

    A cookie without our signature is taken from a visitor of an earlier version alone: one whose conversations were
    there when signatures began (`is_known`). While the server's secret is not shared yet, because the database has
    not answered, nothing can be verified and the form alone counts: no visitor loses a cookie to that.
    """

    def __init__(self, secret: ServerSecret, is_known: Callable[[str], bool]) -> None:
        self._secret = secret
        self._is_known = is_known

    def mint(self) -> str:
        """Return the cookie of a new visitor: 128 random bits, and 126 of our signature of them."""
        value = secrets.token_urlsafe(16)
        return value + self._signature(value)

    def is_ours(self, cookie: str) -> bool:
        """Return whether a cookie was made here, by any process that shares the secret."""
        if not _VALUE.fullmatch(cookie):
            return False
        if hmac.compare_digest(cookie[22:], self._signature(cookie[:22])):
            return True
        return not self._secret.is_shared or self._is_known(identify(cookie))

    def _signature(self, value: str) -> str:
        return self._secret.sign("visitor", value)[:21]


def names(text: str) -> frozenset[str]:
    """Return the names that a cookie lists."""
    return frozenset(unquote(name)[:100] for name in text.split("&", MOST_NAMES)[:MOST_NAMES] if name)


def listed(names: Collection[str]) -> str:
    """Return some names as a cookie lists them."""
    return "&".join(quote(name, safe="") for name in sorted(names)[:MOST_NAMES])


def identify(cookie: str) -> str:
    """Return the name of the visitor who holds `cookie`; empty for what is no cookie of ours."""
    return sha256(f"aether-visitor:{cookie}".encode()).hexdigest()[:32] if _VALUE.fullmatch(cookie) else ""


def own_session(cookie: str, session_hash: str) -> str:
    """Return the name of the session that `session_hash` is for the visitor who holds `cookie`."""
    key = cookie if _VALUE.fullmatch(cookie) else ""
    digest = hmac.new(key.encode(), session_hash.encode("utf-8", "surrogatepass"), sha256).hexdigest()
    return f"{identify(cookie) or PROGRAM}-{digest[:32]}"


def owner_of_session(session: str) -> str:
    """Return the name of the visitor whose session it is; that of all programs for one without a cookie."""
    return session.rpartition("-")[0]

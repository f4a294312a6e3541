"""Who a visitor is: a cookie that only this server and one browser know, and names made from it. Pure.

The cookie's value is the visitor's one secret; it is kept nowhere on the server. What is kept,
and what names an owner, is a digest of it. The hash that a tab chooses for its session is made
one with its visitor: the same hash from another browser names another session, which is not there.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256

COOKIE = "aether_visitor"
HEADER = "x-aether-visitor"
"""The header by which the gate tells the rooms behind it who asks; what comes from outside is dropped."""
PROGRAM = "program"
"""The name that all programs without a cookie share."""
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_cookie() -> str:
    """Return the cookie of a new visitor: 256 random bits."""
    return secrets.token_urlsafe(32)


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

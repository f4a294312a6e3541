"""ServerSecret: random bytes that all processes of one database share, and signatures made with them. Pure.

A signature belongs to one purpose: what was signed for one is not valid for another. The bytes are in the
database alone, in no log, export or page. Until the database answers, random bytes of this process are in
their place; what they have signed is unknown to other processes, and to this one once the database answers.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256

SIZE = 32
"""Length of the secret, in bytes."""


class ServerSecret:
    """Sign and verify with the server's random bytes; it shows itself as `***`."""

    __slots__ = ("_value", "is_shared")

    def __init__(self) -> None:
        self._value = secrets.token_bytes(SIZE)
        self.is_shared = False

    def use(self, value: bytes) -> None:
        """Sign with the bytes that the database holds from now on; raise ValueError if they are too few."""
        if len(value) < SIZE:
            raise ValueError("The server's secret is too short.")
        self._value = value
        self.is_shared = True

    def sign(self, purpose: str, data: str | bytes) -> str:
        """Return the signature of `data` for `purpose`: 43 characters of letters, digits, `-` and `_`."""
        message = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        key = hmac.digest(self._value, purpose.encode(), sha256)  # a key of its own for each purpose
        return urlsafe_b64encode(hmac.digest(key, message, sha256)).rstrip(b"=").decode("ascii")

    def verify(self, purpose: str, data: str | bytes, signature: str) -> bool:
        """Return whether `signature` is that of `data` for `purpose`, in constant time."""
        sent = signature.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(sent, self.sign(purpose, data).encode("ascii"))

    def __repr__(self) -> str:
        return "***"

"""Keys that visitors have handed over: in memory alone, by visitor and provider, for a while.

A key is given for one provider and its address comes from the operator's files, so that it
can be sent nowhere else. It is in no list, no log and no file; it ends with the process.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable

from aether.errors import BadKey
from aether.secret import Secret

IDLE_S = 12 * 3600.0
VISITORS = 300
EACH = 6
"""Keys are kept of so many visitors, the last to use theirs, and so many of each: every line is searched for all."""
_FORM = re.compile(r"[\x21-\x7e]{8,500}")


class Keyring:
    """Hold the keys of visitors."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, dict[str, Secret]]] = OrderedDict()

    def put(self, visitor: str, provider: str, key: object) -> None:
        """Take a key over; raise BadKey for what can be none."""
        if not visitor:
            raise BadKey("A key can be kept only for a browser or program that keeps cookies.")
        value = key.strip() if isinstance(key, str) else ""
        if not _FORM.fullmatch(value):
            raise BadKey("That does not look like a key.")
        _, keys = self._held.get(visitor, (0.0, dict[str, Secret]()))
        if len(keys) >= EACH and provider not in keys:
            raise BadKey("That is one key more than can be kept.")
        self.drop(visitor, provider)
        self._held[visitor] = (self._clock(), keys | {provider: Secret(value)})
        self._held.move_to_end(visitor)
        while len(self._held) > VISITORS:
            self._forget(next(iter(self._held)))

    def get(self, visitor: str, provider: str) -> Secret | None:
        """Return the visitor's key for a provider; None if there is none, or if it lay idle too long."""
        self._sweep()
        held = self._held.get(visitor)
        if held is None or provider not in held[1]:
            return None
        self._held[visitor] = (self._clock(), held[1])
        self._held.move_to_end(visitor)
        return held[1][provider]

    def names(self, visitor: str) -> list[str]:
        """Return the providers for which a visitor has handed over a key."""
        self._sweep()
        return sorted(self._held[visitor][1]) if visitor in self._held else []

    def drop(self, visitor: str, provider: str) -> None:
        """Forget a key."""
        at, keys = self._held.get(visitor, (0.0, dict[str, Secret]()))
        if keys.pop(provider, None) is not None:
            self._held[visitor] = (at, keys)

    def _sweep(self) -> None:
        while self._held:
            visitor, (at, _) = next(iter(self._held.items()))
            if self._clock() - at < IDLE_S:
                return
            self._forget(visitor)

    def _forget(self, visitor: str) -> None:
        del self._held[visitor]

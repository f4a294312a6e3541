"""Keys that visitors have handed over: in memory alone, by visitor and provider, for a while.

A key is given for one provider and its address comes from the operator's files, so that it can be sent
nowhere else. It is in no list, no log and no file; it ends with the process. That a visitor wanted a key
of their own outlives the key: what they ask for is never paid by another without their word (`release`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from aether.errors import BadKey
from aether.keys import checked
from aether.secret import Secret

IDLE_S = 12 * 3600.0
VISITORS = 5_000
EACH = 6
"""Keys are kept of so many visitors, and so many of each."""
WISHES = 100_000
"""Visitors of whom it is remembered that they wanted a key of their own."""


@dataclass
class _Held:
    at: float
    keys: dict[str, Secret] = field(default_factory=dict[str, Secret])
    accepted: bool = False  # a provider has answered with one of them


class Keyring:
    """Hold the keys of visitors.

    Where there is no room, a key that no provider has accepted yet gives way, the oldest first; one that was
    accepted is pushed out by nobody, so that made-up keys cost only each other.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._wishes: OrderedDict[str, set[str]] = OrderedDict()

    def put(self, visitor: str, provider: str, key: object) -> None:
        """Take a key over; raise BadKey for what can be none."""
        if not visitor:
            raise BadKey("A key can be kept only for a browser or program that keeps cookies.")
        value = checked(key)
        self._sweep()
        held = self._held.get(visitor)
        if held is not None and len(held.keys) >= EACH and provider not in held.keys:
            raise BadKey("That is one key more than can be kept.")
        if held is None:
            self._make_room()
            held = self._held[visitor] = _Held(self._clock())
        held.at = self._clock()
        held.keys[provider] = Secret(value)
        self._held.move_to_end(visitor)
        self._wishes.setdefault(visitor, set()).add(provider)

    def get(self, visitor: str, provider: str) -> Secret | None:
        """Return the visitor's key for a provider; None if there is none, or if it lay idle too long."""
        self._sweep()
        held = self._held.get(visitor)
        if held is None or provider not in held.keys:
            return None
        held.at = self._clock()
        self._held.move_to_end(visitor)
        return held.keys[provider]

    def names(self, visitor: str) -> list[str]:
        """Return the providers for which a visitor has handed over a key."""
        self._sweep()
        return sorted(self._held[visitor].keys) if visitor in self._held else []

    def wanted(self, visitor: str) -> frozenset[str]:
        """Return the providers for which a visitor wanted a key of their own, whether it is still here or not."""
        return frozenset(self._wishes.get(visitor, ()))

    def accept(self, visitor: str) -> None:
        """Take note that a provider has answered with a key of this visitor."""
        if (held := self._held.get(visitor)) is not None:
            held.accepted = True

    def release(self, visitor: str, provider: str) -> None:
        """Forget a key, and that one was wanted: from here on the operator's own may be used."""
        if (wishes := self._wishes.get(visitor)) is not None:
            wishes.discard(provider)
            if not wishes:
                del self._wishes[visitor]
        if (held := self._held.get(visitor)) is not None:
            held.keys.pop(provider, None)
            if not held.keys:
                del self._held[visitor]

    def _make_room(self) -> None:
        """See to it that one more visitor fits in; raise BadKey where every key that is here is in use."""
        if len(self._wishes) >= WISHES:
            raise BadKey("More keys cannot be kept at this moment. Try again later.")
        if len(self._held) >= VISITORS:
            oldest = next((visitor for visitor, held in self._held.items() if not held.accepted), None)
            if oldest is None:
                raise BadKey("More keys cannot be kept at this moment. Try again later.")
            del self._held[oldest]

    def _sweep(self) -> None:
        while self._held:
            visitor, held = next(iter(self._held.items()))
            if self._clock() - held.at < IDLE_S:
                return
            del self._held[visitor]


@dataclass(frozen=True)
class OwnKeys:
    """The keys of one visitor, as a value: who binds a model is given it, and looks nothing up about who asks.

    `asked`: providers for which the visitor's own browser remembers that a key was wanted.
    """

    ring: Keyring | None = None
    visitor: str = ""
    asked: Collection[str] = ()

    def key(self, provider: str) -> Secret | None:
        """Return the visitor's own key for a provider; None if it is not here."""
        return self.ring.get(self.visitor, provider) if self.ring is not None and self.visitor else None

    def is_wanted(self, provider: str) -> bool:
        """Return whether the visitor wanted a key of their own for a provider, and has not taken that back."""
        if self.ring is None or not self.visitor:
            return False
        return provider in self.asked or provider in self.ring.wanted(self.visitor)

    def accept(self) -> None:
        """Take note that a provider has answered with one of these keys."""
        if self.ring is not None and self.visitor:
            self.ring.accept(self.visitor)


NO_OWN_KEYS = OwnKeys()

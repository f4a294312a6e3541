"""Facts about models that services told in errors: for whom they hold, for how long, and how far they may go.

A fact holds for one endpoint, one model and one account: what a service says to a visitor's own key changes
nothing for others. It is forgotten after a while, and no window is made smaller than half of what was read.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

LEARNT_S = 3600.0
"""Seconds after which a fact is asked for again, by trying."""
LEAST_WINDOW = 256
"""Tokens: no model that can chat has a smaller window."""
MOST = 2_000
"""Models and accounts of which something is remembered, the oldest going first."""
Key = tuple[str, str, str]


@dataclass
class _Entry:
    accepted: int = 0
    facts: dict[str, tuple[float, Any]] = field(default_factory=dict[str, tuple[float, Any]])


class Learnt:
    """Remember facts by endpoint, model and account."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()

    def add(self, key: Key, facts: Mapping[str, Any]) -> None:
        """Remember what an error told."""
        entry, now = self._entry(key), self._clock()
        for name, value in facts.items():
            entry.facts[name] = (now, value)

    def accept(self, key: Key, tokens: int) -> None:
        """Take note that the model has read so many tokens at once."""
        entry = self._entry(key)
        entry.accepted = max(entry.accepted, tokens)

    def get(self, key: Key) -> dict[str, Any]:
        """Return the facts that hold now."""
        entry = self._entries.get(key)
        if entry is None:
            return {}
        until = self._clock() - LEARNT_S
        found = {name: value for name, (at, value) in entry.facts.items() if at > until}
        if "context_window" in found:
            found["context_window"] = max(found["context_window"], entry.accepted // 2, LEAST_WINDOW)
        return found

    def _entry(self, key: Key) -> _Entry:
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        while len(self._entries) > MOST:
            self._entries.popitem(last=False)
        return entry

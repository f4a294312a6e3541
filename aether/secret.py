"""Secret: a value that shows itself nowhere. Pure.

Whoever reads one out leaves a note of it in the context of the task (a `ContextVar`): log lines of that task, and
of what it starts, are redacted for it (`logs.RedactingFilter`). No list of all keys is needed for that, and the
lines of other tasks are not searched.
"""

from __future__ import annotations

from contextvars import ContextVar

_revealed: ContextVar[frozenset[str]] = ContextVar("revealed", default=frozenset())


class Secret:
    """Hold a key. It shows itself as `***`; `reveal()` is the one way to its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value; from here on the log lines of this task are redacted for it."""
        known = _revealed.get()
        if self._value not in known:
            _revealed.set(known | {self._value})
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def revealed() -> frozenset[str]:
    """Return the values that were read out in this task, or in one that it comes from."""
    return _revealed.get()

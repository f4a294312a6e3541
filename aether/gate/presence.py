"""Who is listening: the sessions with an open stream of events now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, nullcontext


@contextmanager
def counted(open_: Counter[str], name: str) -> Generator[None, None, None]:
    """Count one more under a name meanwhile; a name with none is forgotten."""
    open_[name] += 1
    try:
        yield
    finally:
        open_[name] -= 1
        if not open_[name]:
            del open_[name]


class Presence:
    """Count the open streams of each session."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def here(self, session: str) -> Generator[None, None, None]:
        """Count a stream while it is open."""
        with counted(self._open, session) if session else nullcontext():
            yield

    def listens(self, session: str) -> bool:
        """Tell whether anyone listens to a session."""
        return session in self._open

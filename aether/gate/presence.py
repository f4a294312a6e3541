"""Who is listening: the sessions with an open stream of events now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from aether.visitors import all_sessions_of


class Presence:
    """Count the open streams of each session."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def here(self, session: str) -> Generator[None, None, None]:
        """Count a stream while it is open."""
        if not session:
            yield
            return
        self._open[session] += 1
        try:
            yield
        finally:
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]

    def listens(self, session: str) -> bool:
        """Tell whether anyone listens to a session."""
        return session in self._open or all_sessions_of(session) in self._open

"""Who has requests under way, and who must give way when there are too many.

A visitor with a cookie fills his own places only. Programs without one share a class, and may
be told apart by nothing that a stranger could not choose, or, behind a proxy, by nothing at
all. So their class is never closed: whoever comes takes the place of a request that only
waits (an idle stream, a body that does not come), the oldest of the address with the most.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.types import Message, Receive, Scope

from aether.gate import capacity
from aether.gate.answers import Refused
from aether.visitors import PROGRAM

OPEN_AT_ONCE = 64
"""Requests of one visitor under way: a dozen tabs."""
OPEN_OF_PROGRAMS = 512
"""The same for all programs without a cookie together."""
TOO_MANY = "You have too many requests open at once."
GAVE_WAY = "This request waited for long and gave way to others."
EVENTS_OF_VISITOR, EVENTS_OF_PROGRAMS = 48, 192
"""Events that have begun and not ended; the queue takes 768 in all."""
PLACE = "aether.place"
"""The key of a scope under which a request finds its place."""
SIGNS = re.compile(r"/healthz|/robots\.txt|/favicon\.ico|/metrics|/operator(/.*)?")
"""Signs of life and the operator's own routes: never counted, so that no crowd can refuse them."""
_STREAMS = re.compile(r"/gradio_api/(heartbeat/.*|queue/data|upload_progress|call/.*)")


@dataclass(eq=False)
class Place:
    """One request under way. `session`: whose events it waits for."""

    visitor: str
    address: str
    task: asyncio.Task[object] | None
    is_stream: bool
    has_body: bool
    session: str = ""
    gave_way: bool = False

    def receiving(self, receive: Receive) -> Receive:
        """Return `receive`, noting when the whole body has come."""

        async def received() -> Message:
            message = await receive()
            self.has_body = self.has_body or not message.get("more_body", False)
            return message

        return received


@dataclass
class Places:
    """The requests under way. `is_busy`: whether an answer of a session is being written."""

    is_busy: Callable[[str], bool]
    in_all: int = field(default_factory=lambda: capacity.max_connections(capacity.raise_file_limit()) * 3 // 4)
    of_programs: int = OPEN_OF_PROGRAMS

    def __post_init__(self) -> None:
        self._open: dict[Place, None] = {}
        self._of: Counter[str] = Counter()

    @contextmanager
    def one(self, scope: Scope, visitor: str) -> Generator[Place, None, None]:
        """Count a request while it is open; raise Refused for one too many."""
        if visitor and self._of[visitor] >= OPEN_AT_ONCE:
            raise Refused(429, TOO_MANY)
        if not visitor and self._of[""] >= self.of_programs:
            self._make_room([place for place in self._open if not place.visitor], lambda place: place.address)
        elif len(self._open) >= self.in_all:
            self._make_room(list(self._open), lambda place: place.visitor)
        has_no_body, client = scope["method"] in ("GET", "HEAD"), scope.get("client") or ("",)
        is_stream = has_no_body and bool(_STREAMS.fullmatch(scope["path"]))
        place = Place(visitor, str(client[0]), asyncio.current_task(), is_stream, has_no_body)
        self._open[place] = None
        self._of[visitor] += 1
        try:
            yield place
        finally:
            self._leave(place)

    def events_of(self, owner: str) -> int:
        """Return how many events of a visitor may be under way at once."""
        return EVENTS_OF_PROGRAMS if owner == PROGRAM else EVENTS_OF_VISITOR

    def _leave(self, place: Place) -> None:
        if place in self._open:
            del self._open[place]
            self._of[place.visitor] -= 1
            if not self._of[place.visitor]:
                del self._of[place.visitor]

    def _make_room(self, places: list[Place], group: Callable[[Place], str]) -> None:
        """End the oldest request that only waits, of the group with most of them; raise Refused if all are at work."""
        waiting = [place for place in places if self._waits(place)]
        if not waiting:
            raise Refused(429, TOO_MANY)
        largest = Counter(map(group, waiting)).most_common(1)[0][0]
        oldest = next(place for place in waiting if group(place) == largest)
        oldest.gave_way = True
        self._leave(oldest)
        if oldest.task is not None:
            oldest.task.cancel()

    def _waits(self, place: Place) -> bool:
        return not place.has_body or (place.is_stream and not self.is_busy(place.session))

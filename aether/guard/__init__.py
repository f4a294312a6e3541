"""Who may do what and spend what. The runtime opens a `Pass` for each answer and asks it before each request.

`OpenPass` asks for nothing: it stands where Aether is on one's own machine. It knows no
conversation, no key and no wire: what it is told of a request is in `Asking`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from aether.parts import Blob
from aether.usage import Price, Usage


@dataclass(frozen=True)
class Who:
    """Who asks: the visitor's name, and the session of the tab."""

    visitor: str = ""
    session: str = ""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A request that is about to be sent. `free`: nobody pays, or the visitor with a key of their own."""

    reference: str
    label: str
    price: Price | None
    free: bool
    body: dict[str, Any]
    blobs: tuple[Blob, ...] = ()
    answer_tokens: int = 32_000


class Pass(Protocol):
    """The way of one answer through the guard. Every method may raise a GuardError."""

    @property
    def seconds(self) -> float | None:
        """Return how long the answer may take by the clock; None: as long as it likes."""
        ...

    async def enter(self) -> None:
        """Wait for a place, and count the turn."""
        ...

    async def reserve(self, asking: Asking) -> None:
        """Set aside what the request costs at the worst."""
        ...

    async def settle(self, usage: Usage) -> None:
        """Charge what was reported; what was not reported stays charged as it was set aside."""
        ...

    async def refused(self) -> None:
        """Give all of it back: the service did not take the request."""
        ...

    async def leave(self) -> None:
        """Give the place to the next one."""
        ...


class OpenPass:
    """A pass that asks for nothing."""

    seconds: float | None = None

    async def enter(self) -> None: ...
    async def reserve(self, asking: Asking) -> None: ...
    async def settle(self, usage: Usage) -> None: ...
    async def refused(self) -> None: ...
    async def leave(self) -> None: ...

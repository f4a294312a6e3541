"""Who may do what and spend what. The runtime opens a `Pass` for each answer and asks it before each request.

`OpenPass` asks for nothing: it stands where Aether is on one's own machine. It knows no
conversation, no key and no wire: what it is told of a request is in `Asking`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aether.usage import Price, Usage


@dataclass(frozen=True)
class Who:
    """Who asks: the visitor's name, and the session of the tab."""

    visitor: str = ""
    session: str = ""


@dataclass(frozen=True)
class Medium:
    """A picture or file as it stands in a body: the digest of its bytes, and how many characters it takes there."""

    sha256: str
    chars: int


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A request that is about to be sent. `free`: nobody pays, or the visitor with a key of their own.

    `media` is what was written into `body` as it was lowered. `answer_tokens` None: nothing bounds the answer.
    `violations` are rules of its protocol that the body breaks. `is_billable` tells, as long as the request is open,
    whether somebody may be billed for it: its first byte has left, and the service did not refuse it.
    """

    reference: str
    label: str
    price: Price | None
    free: bool
    body: dict[str, Any]
    media: tuple[Medium, ...] = ()
    answer_tokens: int | None = 32_000
    violations: tuple[str, ...] = ()
    is_billable: Callable[[], bool]


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
        """Set aside what the request costs at the worst; end the request before it, if that was not settled."""
        ...

    async def settle(self, usage: Usage) -> None:
        """Charge what was reported; what was not reported stays charged as it was set aside."""
        ...

    async def leave(self) -> None:
        """End the request that is open, if one is, and give the place to the next one."""
        ...


class OpenPass:
    """A pass that asks for nothing."""

    seconds: float | None = None

    async def enter(self) -> None: ...
    async def reserve(self, asking: Asking) -> None: ...
    async def settle(self, usage: Usage) -> None: ...
    async def leave(self) -> None: ...

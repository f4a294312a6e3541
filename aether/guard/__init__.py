"""Who may do what and spend what. Asked twice: before a turn is saved, and before each request to a model.

A `Guard` admits a message and gives a `Permit` for it, which the runtime needs to begin a turn; nothing
of the message exists before. The permit holds a `Pass` for each answer, which is asked before
each request. `OpenGuard` and `OpenPass` limit nothing: they guard one's own machine. This room
knows no conversation, no key and no wire: a message is a `Proposal`, a request an `Asking`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aether.usage import Price, Usage


@dataclass(frozen=True)
class Who:
    """Who asks: the visitor's name, and the session of the tab.

    `own_keys`: the providers for which the visitor's browser remembers that a key of their own was wanted.
    """

    visitor: str = ""
    session: str = ""
    own_keys: frozenset[str] = frozenset()


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


@dataclass(frozen=True)
class Target:
    """A model that is to answer, as `Asking` describes it."""

    label: str
    price: Price | None
    free: bool
    answer_tokens: int | None = 32_000


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A turn that somebody wants to begin. Nothing of it is saved yet.

    `owner` is whose conversation it is. `message_bytes` and `kept_bytes` are what it brings: the
    text, and all that would be stored. `targets` are the models that answer, one for each answer.
    """

    owner: str = ""
    message_bytes: int = 0
    kept_bytes: int = 0
    targets: tuple[Target, ...] = ()


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


class Permit:
    """Leave to begin one turn, given by a guard. It is taken once; as a context it is given back where it was not."""

    def __init__(self, passes: Sequence[Pass]) -> None:
        self._passes = tuple(passes)
        self._leaving: set[asyncio.Task[None]] = set()

    def take(self, count: int) -> tuple[Pass, ...]:
        """Return a pass for each of `count` answers, and be used; raise NotAdmitted for more than were admitted."""
        if count != len(self._passes):
            raise NotAdmitted
        passes, self._passes = self._passes, ()
        return passes

    def __enter__(self) -> Permit:
        return self

    def __exit__(self, *_: object) -> None:
        passes, self._passes = self._passes, ()
        for unused in passes:
            task = asyncio.ensure_future(unused.leave())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)


class NotAdmitted(RuntimeError):
    """Say that a turn was to begin without leave: a defect, not a visitor's fault."""


class Guard(Protocol):
    """Admits turns."""

    async def admit(self, who: Who, proposal: Proposal) -> Permit:
        """Return leave to begin a turn; raise GuardError with the reason, and then nothing was counted."""
        ...

    async def admit_bytes(self, owner: str, size: int) -> None:
        """Raise GuardError where a visitor cannot keep so many bytes more: a file, a copy, a share."""
        ...

    def unasked(self, count: int) -> Permit:
        """Return leave for a caller that did not ask; raise NotAdmitted where everybody has to."""
        ...


class Keeps(Protocol):
    """Knows how much may be kept."""

    async def admit(self, owner: str, size: int) -> None:
        """Raise GuardError where so much more cannot be kept."""
        ...


class OpenGuard:
    """A guard that admits everybody, as long as there is room."""

    def __init__(self, quota: Keeps | None = None) -> None:
        self._quota = quota

    async def admit(self, who: Who, proposal: Proposal) -> Permit:
        await self.admit_bytes(proposal.owner, proposal.kept_bytes)
        return self.unasked(len(proposal.targets))

    async def admit_bytes(self, owner: str, size: int) -> None:
        if self._quota is not None:
            await self._quota.admit(owner, size)

    def unasked(self, count: int) -> Permit:
        return Permit([OpenPass() for _ in range(count)])

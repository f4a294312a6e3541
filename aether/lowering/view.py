"""A transcript as one target may see it: the working copy that the passes rewrite.

Pure values without any vendor's key. A wire turns a view into a body, shape for shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from aether.profile import Profile
from aether.transcript import Native, Origin, Part, Step

Role = Literal["system", "user", "assistant", "tool"]
OmissionKind = Literal["reasoning", "image", "file", "tools", "native", "turns"]


@dataclass(frozen=True)
class Omission:
    """Say what the target is not shown: how many of a kind, and why, in plain words."""

    kind: OmissionKind
    count: int
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return it in the form of the API."""
        return {"kind": self.kind, "count": self.count, "reason": self.reason}


@dataclass(frozen=True)
class ToolSpec:
    """A tool as it is offered to a model. `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Target:
    """Whom a request is for: the origin that will issue the answer, and what it takes.

    `provider` is the name in the catalog, for the system prompt. `tools` are those
    offered in this request.
    """

    provider: str
    origin: Origin
    profile: Profile
    tools: tuple[ToolSpec, ...] = ()


class Message(NamedTuple):
    """One message. `native`: the issuer's own blocks, sent as they are instead of `parts`.

    `whole` is false where reasoning had to be left out of `native`: blocks that are bound
    to it then lose the ids that bind them. `step` is where an assistant's message came
    from. A tuple, because there are thousands of them in a long conversation.
    """

    role: Role
    parts: tuple[Part, ...] = ()
    native: tuple[Native, ...] = ()
    whole: bool = True
    step: Step | None = None


@dataclass(frozen=True)
class View:
    """What the target is shown, and what it is not. `prefix` digests all of it.

    `tool_choice` is `none` where `tools` only explain calls in the history. `chars` is about
    what the messages weigh.
    """

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: Literal["auto", "none"] = "auto"
    omissions: tuple[Omission, ...] = ()
    prefix: str = ""
    chars: int = 0

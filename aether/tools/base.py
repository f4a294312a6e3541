"""What a tool is: a plain typed function, offered to a model as a name, a description and a schema.

`@tool` makes one. The toolbox of a session (`toolbox.py`) decides which are offered and
runs them. This room knows no model, no protocol and no screen.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from aether.lowering.view import ToolSpec
from aether.tools.consent import Approval, Consent
from aether.tools.signature import Arguments
from aether.transcript import Text, ToolCall, ToolResult

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every protocol takes as a tool's name."""

Approve = Callable[[ToolCall], Awaitable[Approval]]
"""Ask the person whether a call may run. Their thinking time is not the tool's."""


class ToolError(Exception):
    """Say to the model what went wrong and what to do instead. The text is shown as it is: no secret in it."""


@dataclass(frozen=True)
class ToolState:
    """A tool as the panel shows it.

    `off_because` is set where nobody can switch it on; `allowed`: it does more than read,
    and its person has allowed all its calls in this session.
    """

    name: str
    description: str
    server: str
    reads_only: bool
    on: bool
    off_because: str = ""
    allowed: bool = False


class Toolbox(Protocol):
    """The tools that one session may use, and the questions about them that wait for its person."""

    @property
    def consent(self) -> Consent: ...

    @property
    def specs(self) -> tuple[ToolSpec, ...]: ...

    @property
    def states(self) -> tuple[ToolState, ...]: ...

    @property
    def troubles(self) -> tuple[str, ...]:
        """Say in sentences which servers of tools are not there, and why."""
        ...

    def switch(self, name: str, *, on: bool) -> bool:
        """Switch one tool on or off for this session; tell whether it is on now."""
        ...

    async def prepare(self) -> None:
        """Find out which tools there are; quick once they are known. Never raises but for cancellation."""
        ...

    async def run(self, call: ToolCall) -> ToolResult:
        """Run one call; never raises but for cancellation: a mistake is an error result."""
        ...


class NoTools:
    """An empty toolbox."""

    specs: tuple[ToolSpec, ...] = ()
    states: tuple[ToolState, ...] = ()
    troubles: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.consent = Consent()

    def switch(self, name: str, *, on: bool) -> bool:
        """Do nothing: there is nothing to switch."""
        return False

    async def prepare(self) -> None:
        """Do nothing: there is nothing to find out."""

    async def run(self, call: ToolCall) -> ToolResult:
        """Answer that there is no such tool."""
        text = f"There is no tool named {call.name[:80]}, and no other tool either. Answer without tools."
        return ToolResult(call.id, call.name, (Text(text),), "error")


@dataclass(frozen=True)
class Tool:
    """One tool. `run` takes the arguments as the model wrote them, raw JSON, and raises ToolError.

    `reads_only` claims that it changes nothing and reaches no further than the operator
    has allowed; without it the person is asked first. `quotes` claims that its output may
    hold words of others, which are then marked as data. `server` names where it comes
    from, empty for our own. `off_because` says why it may not be used, empty if it may.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    run: Callable[[str], Awaitable[str]]
    reads_only: bool = False
    quotes: bool = True
    timeout_s: float = 10.0
    server: str = ""
    off_because: str = ""

    @property
    def spec(self) -> ToolSpec:
        """Return the tool as it is offered to a model."""
        return ToolSpec(self.name, self.description, self.parameters)


@dataclass(frozen=True)
class Draft:
    """A decorated function that still waits for what the app gives it: its keyword-only parameters."""

    tool: Tool
    function: Callable[..., Any]
    arguments: Arguments

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the names of what the app has to give."""
        return self.arguments.given

    def made(self, given: Mapping[str, object]) -> Tool:
        """Return the tool, with what it needs out of `given`; raise KeyError if something is missing."""
        bound = functools.partial(self.function, **{n: given[n] for n in self.needs})

        async def run(raw: str) -> str:
            values = self.arguments.read(raw)
            if inspect.iscoroutinefunction(self.function):
                return str(await bound(**values))
            return str(await asyncio.to_thread(bound, **values))

        return replace(self.tool, run=run)


def tool(*, reads_only: bool, quotes: bool = True, timeout_s: float = 10.0) -> Callable[[Callable[..., Any]], Draft]:
    """Make a tool of a typed function, plain or async, that returns its answer as text.

    The name is the function's; the description is its docstring, in which a line
    `parameter: text` describes that parameter; the schema follows from the annotations.
    Keyword-only parameters are the app's to give and are not shown to the model. A plain
    function runs in a thread, which nobody can end: let it be short, or take a `Deadline`.
    Raises TypeError for a name or a signature that cannot be offered.
    """

    def decorate(function: Callable[..., Any]) -> Draft:
        name = function.__name__
        if not NAME.fullmatch(name):
            raise TypeError(f"{name} cannot be a tool's name: letters, digits, - and _, at most 64.")
        arguments = Arguments.of(function)
        described = Tool(
            name,
            arguments.description,
            arguments.schema,
            _not_made,
            reads_only=reads_only,
            quotes=quotes,
            timeout_s=timeout_s,
        )
        return Draft(described, function, arguments)

    return decorate


def shortened(text: str, longest: int) -> str:
    """Return a result's text with at most `longest` characters of it, and a note where it was cut."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n[Cut here: {longest:,} of {len(text):,} characters are shown. Ask for a smaller part.]"


async def _not_made(raw: str) -> str:
    raise ToolError("This tool was not given what it needs.")

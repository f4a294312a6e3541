"""What a tool is to the agent: specs to offer, and a way to run a call. Knows no model and no protocol."""

from __future__ import annotations

from typing import Protocol

from aether.lowering.view import ToolSpec
from aether.transcript import Text, ToolCall, ToolResult


class Toolbox(Protocol):
    """The tools that one session may use."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]: ...

    async def run(self, call: ToolCall) -> ToolResult:
        """Run one call; never raises but for cancellation: a mistake is an error result."""
        ...


class NoTools:
    """An empty toolbox."""

    specs: tuple[ToolSpec, ...] = ()

    async def run(self, call: ToolCall) -> ToolResult:
        """Answer that there is no such tool."""
        return ToolResult(call.id, call.name, (Text(f"There is no tool named {call.name}."),), "error")

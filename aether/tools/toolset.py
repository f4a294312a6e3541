"""All tools of this process: Aether's own, and those of the operator's servers.

It builds what `AETHER_TOOLS` allows and opens a toolbox for each session. Visitors have no
part in it: they can switch a tool off for themselves, and that is all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from aether.settings import ToolLevel
from aether.tools.base import Approve, Tool
from aether.tools.builtin import drafts
from aether.tools.toolbox import SessionTools
from aether.tools.workspace import Workspace

READS_ONLY = "It may do more than read, and AETHER_TOOLS allows reading alone."


class Servers(Protocol):
    """Tools that come from somewhere else and may come and go."""

    @property
    def tools(self) -> tuple[Tool, ...]: ...

    @property
    def troubles(self) -> tuple[str, ...]: ...

    async def prepare(self) -> None: ...

    async def stop(self) -> None: ...


class Toolset:
    """Hold the tools of this process; `level` is the operator's word on what there is."""

    def __init__(self, *, level: ToolLevel, workspace: Workspace, servers: Servers | None = None) -> None:
        self._level = level
        self._servers = servers if level != "none" else None
        self._own = built_in(workspace) if level != "none" else ()

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Return every tool there is now, those that may not be used with the reason."""
        found = (*self._own, *(self._servers.tools if self._servers is not None else ()))
        return tuple(self._leveled(t) for t in found)

    def open(self, *, approve: Approve | None = None) -> SessionTools:
        """Return a fresh toolbox for one session."""
        servers = self._servers
        if servers is None:
            return SessionTools(lambda: self.tools, approve=approve)
        return SessionTools(
            lambda: self.tools, approve=approve, troubles=lambda: servers.troubles, prepare=servers.prepare
        )

    async def stop(self) -> None:
        """End the servers."""
        if self._servers is not None:
            await self._servers.stop()

    def _leveled(self, tool: Tool) -> Tool:
        if self._level == "read" and not tool.reads_only and not tool.off_because:
            return replace(tool, off_because=READS_ONLY)
        return tool


def built_in(workspace: Workspace) -> tuple[Tool, ...]:
    """Return Aether's own tools on a workspace; those that need it are off where it cannot be read."""
    given = {"workspace": workspace}
    made = ((draft, draft.made(given)) for draft in drafts())
    return tuple(replace(t, off_because=workspace.off_because) if d.needs else t for d, t in made)

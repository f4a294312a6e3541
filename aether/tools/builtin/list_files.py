"""The tool `list_files`: the names in a folder of the workspace."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from aether.tools.base import ToolError, tool
from aether.tools.workspace import Deadline, Entry, TimeUp, Workspace, entries, in_thread, open_folder, shown_name

MOST = 400
"""Names that one answer holds."""
TIME_S = 1.5


@tool(reads_only=True)
async def list_files(path: str = ".", depth: Annotated[int, Field(ge=1, le=5)] = 1, *, workspace: Workspace) -> str:
    """List the files and folders in a folder of the workspace, with sizes in bytes.

    path: The folder, relative to the workspace; . is the workspace itself.
    depth: How many levels to show: 1 shows the folder alone, 2 also what is in its folders.
    """
    return await in_thread(lambda deadline: listing(workspace, path, depth, deadline), timeout_s=TIME_S)


def listing(workspace: Workspace, path: str, depth: int, deadline: Deadline) -> str:
    """Return the listing as text, one name a line, indented by level."""
    lines: list[str] = []
    notes: list[str] = []
    with workspace.folder(path) as folder:
        try:
            _list(folder, depth, "", lines, notes, deadline)
        except TimeUp:
            notes.append(f"Stopped after {TIME_S:g} seconds. Name a folder inside, or a smaller depth.")
    if not lines and not notes:
        return "This folder is empty, or holds hidden files only."
    return "\n".join([*lines, *(f"[{n}]" for n in dict.fromkeys(notes))])


def _list(folder: int, depth: int, indent: str, lines: list[str], notes: list[str], deadline: Deadline) -> None:
    counted = _Counted(entries(folder, deadline))
    shown = heapq.nsmallest(MOST, counted, key=lambda e: e.name)  # never the whole folder in memory
    for entry in shown:
        if len(lines) >= MOST:
            notes.append(f"Only the first {MOST} names are shown. Name a folder inside to see the rest.")
            return
        lines.append(indent + _line(entry))
        if entry.kind == "folder" and depth > 1:
            try:
                inner = open_folder(entry.name, folder, entry.name)
            except ToolError:
                lines[-1] += " (cannot be opened)"
                continue
            try:
                _list(inner, depth - 1, indent + "  ", lines, notes, deadline)
            finally:
                os.close(inner)
    if counted.total > len(shown):
        notes.append(f"A folder here has {counted.total:,} names; the first {len(shown)} by the alphabet are shown.")


class _Counted:
    """Pass entries on and count them."""

    def __init__(self, found: Iterator[Entry]) -> None:
        self._found = found
        self.total = 0

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._found:
            self.total += 1
            yield entry


def _line(entry: Entry) -> str:
    name = shown_name(entry.name)
    match entry.kind:
        case "folder":
            return f"{name}/"
        case "file":
            return f"{name}  {entry.size:,}"
        case kind:
            return f"{name}  ({kind}, not opened)"

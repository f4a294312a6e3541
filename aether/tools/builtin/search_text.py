"""The tool `search_text`: lines of the workspace's files that hold a text or match a pattern.

Patterns run in RE2, whose time grows with the text and never with the pattern's tricks.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aether.tools.base import ToolError, tool
from aether.tools.builtin.read_file import is_binary
from aether.tools.workspace import (
    DEEPEST,
    Deadline,
    Entry,
    TimeUp,
    Workspace,
    entries,
    in_thread,
    open_file,
    open_folder,
    shown_name,
)

TIME_S = 1.5
LONGEST_QUERY = 500
MOST_MATCHES = 100
MOST_NAMES = 20_000
"""Names of one folder that are looked at."""
MOST_BYTES = 2 * 1024 * 1024
"""Bytes of one file that are searched."""
LONGEST_SEARCHED = 64 * 1024
"""Characters of one line that a pattern is tried on."""
AROUND = 120
"""Characters shown before and behind a match in a long line."""
PATTERN_MEMORY = 4 * 1024 * 1024

re2: Any = importlib.import_module("re2")  # it carries no types

Find = Callable[[str], tuple[int, int] | None]
"""Tell where in a line the match begins and ends."""


@tool(reads_only=True)
async def search_text(query: str, path: str = ".", regex: bool = False, *, workspace: Workspace) -> str:
    """Find the lines of the workspace's text files that hold a text, upper and lower case alike.

    query: The text to find; with regex, a regular expression (RE2 syntax; upper and lower case differ).
    path: The file or folder to search, relative to the workspace.
    regex: Take the query as a regular expression.
    """
    find = matcher(query, regex=regex)
    return await in_thread(lambda deadline: search(workspace, path, find, deadline), timeout_s=TIME_S)


def matcher(query: str, *, regex: bool) -> Find:
    """Return the test for one line; raise ToolError for a query that cannot be searched for."""
    if not query or len(query) > LONGEST_QUERY:
        raise ToolError(f"The query must have 1 to {LONGEST_QUERY} characters.")
    if not regex:
        wanted = query.lower()

        def find_text(line: str) -> tuple[int, int] | None:
            at = line.lower().find(wanted)
            return None if at < 0 else (at, at + len(wanted))

        return find_text
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY
    options.log_errors = False
    try:
        pattern = re2.compile(query, options)
    except re2.error as error:
        reason: object = error.args[0]
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ToolError(f"This regular expression cannot be used: {told[:200]}. It is read as RE2 syntax.") from None

    def find_pattern(line: str) -> tuple[int, int] | None:
        match: Any = pattern.search(line[:LONGEST_SEARCHED])
        return match.span() if match else None

    return find_pattern


@dataclass
class Found:
    """What a search has found so far."""

    lines: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    files: int = 0


def search(workspace: Workspace, path: str, find: Find, deadline: Deadline) -> str:
    """Return the matching lines as text, with notes on what was not searched."""
    found = Found()
    try:
        if workspace.kind(path) == "folder":
            with workspace.folder(path) as folder:
                _search_folder(folder, "" if path in ("", ".") else path.strip("/") + "/", find, found, deadline, 0)
        else:
            with workspace.file(path) as handle:
                _search_file(handle, path, find, found, deadline)
    except TimeUp:
        found.notes.append(
            f"Stopped after {TIME_S:g} seconds and {found.files:,} files. Name a folder inside to search less."
        )
    except _Enough:
        found.notes.append(f"The first {MOST_MATCHES} matches are shown. Search for something rarer, or in one folder.")
    head = [] if found.lines else [f"Nothing was found in {found.files:,} text files."]
    return "\n".join([*head, *found.lines, *(f"[{n}]" for n in dict.fromkeys(found.notes))])


class _Enough(Exception):
    """No more matches are wanted."""


def _search_folder(folder: int, prefix: str, find: Find, found: Found, deadline: Deadline, level: int) -> None:
    if level > DEEPEST:
        found.notes.append(f"Folders more than {DEEPEST} levels deep were not searched.")
        return
    for entry in _some(entries(folder, deadline), found):
        deadline.check()
        shown = prefix + shown_name(entry.name)
        try:
            if entry.kind == "folder":
                handle = open_folder(entry.name, folder, shown)
            elif entry.kind == "file":
                handle = open_file(entry.name, folder, shown)
            else:
                continue
        except ToolError:  # not allowed, or gone meanwhile
            continue
        try:
            if entry.kind == "folder":
                _search_folder(handle, shown + "/", find, found, deadline, level + 1)
            else:
                _search_file(handle, shown, find, found, deadline)
        finally:
            os.close(handle)


def _some(listed: Iterator[Entry], found: Found) -> list[Entry]:
    """Return the entries in order of their names, as many as one folder may have."""
    kept: list[Entry] = []
    for entry in listed:
        if len(kept) == MOST_NAMES:
            found.notes.append(f"A folder has more than {MOST_NAMES:,} names; not all were searched.")
            break
        kept.append(entry)
    return sorted(kept, key=lambda e: e.name)


def _search_file(handle: int, shown: str, find: Find, found: Found, deadline: Deadline) -> None:
    data = os.read(handle, 8192)
    if is_binary(data):
        return
    found.files += 1
    while len(data) < MOST_BYTES and (chunk := os.read(handle, 256 * 1024)):
        deadline.check()
        data += chunk
    if len(data) >= MOST_BYTES:
        found.notes.append(f"Of files larger than {MOST_BYTES // 1024 // 1024} MB only the beginning was searched.")
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        if number % 64 == 0:
            deadline.check()
        if (span := find(line)) is not None:
            found.lines.append(f"{shown}:{number}: {_around(line, span)}")
            if len(found.lines) >= MOST_MATCHES:
                raise _Enough


def _around(line: str, span: tuple[int, int]) -> str:
    start, end = max(0, span[0] - AROUND), min(len(line), span[1] + AROUND, span[0] + 3 * AROUND)
    before, behind = "…" if start else "", "…" if end < len(line) else ""
    return f"{before}{line[start:end].strip()}{behind}"

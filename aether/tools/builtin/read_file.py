"""The tool `read_file`: some lines of a text file of the workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from aether.tools.base import ToolError, tool
from aether.tools.workspace import Deadline, TimeUp, Workspace, in_thread

TIME_S = 1.5
CHUNK = 64 * 1024
LONGEST_LINE = 2_000
"""Characters of a line that are shown."""
LONGEST_ANSWER = 20_000
"""Characters of lines that one answer holds."""


@tool(reads_only=True)
async def read_file(
    path: str,
    start_line: Annotated[int, Field(ge=1)] = 1,
    lines: Annotated[int, Field(ge=1, le=2000)] = 200,
    *,
    workspace: Workspace,
) -> str:
    """Read lines of a text file in the workspace.

    path: The file, relative to the workspace.
    start_line: The first line to read, counted from 1.
    lines: How many lines to read.
    """
    return await in_thread(lambda d: excerpt(workspace, path, start_line, lines, d), timeout_s=TIME_S)


def excerpt(workspace: Workspace, path: str, start_line: int, count: int, deadline: Deadline) -> str:
    """Return the lines as text, with notes on what is not shown."""
    with workspace.file(path) as handle:
        size = os.fstat(handle).st_size
        if is_binary(os.pread(handle, 8192, 0)):
            raise ToolError(f"{path} is not a text file: it holds zero bytes ({size:,} bytes in all).")
        if size == 0:
            return "[The file is empty.]"
        return _excerpt(handle, start_line, count, deadline)


def is_binary(head: bytes) -> bool:
    """Tell from its first bytes whether a file is no text."""
    return b"\0" in head


def _excerpt(handle: int, start_line: int, count: int, deadline: Deadline) -> str:
    page = Page(start_line, count)
    try:
        for number, (raw, cut) in enumerate(_lines(handle, deadline), 1):
            if not page.take(number, raw, cut):
                break
    except TimeUp:
        if not page.shown:
            raise ToolError(
                f"Line {start_line:,} was not reached within {TIME_S:g} seconds. "
                "Ask for an earlier line, or find the place with search_text."
            ) from None
        page.notes.append(f"Stopped after {TIME_S:g} seconds: the file is very large.")
    if not page.shown:
        raise ToolError(f"The file has {page.seen:,} lines; there is no line {start_line:,}.")
    return "\n".join([*page.shown, *(f"[{n}]" for n in dict.fromkeys(page.notes))])


class Page:
    """The lines of one answer, as many as fit."""

    def __init__(self, start_line: int, count: int) -> None:
        self._start = start_line
        self._count = count
        self._room = LONGEST_ANSWER
        self.seen = 0
        self.shown: list[str] = []
        self.notes: list[str] = []

    def take(self, number: int, raw: bytes, cut: bool) -> bool:
        """Take line `number` in; tell whether the next one is wanted."""
        self.seen = number
        if number < self._start:
            return True
        whole = raw.decode("utf-8-sig" if number == 1 else "utf-8", "ignore" if cut else "replace")
        line = whole[:LONGEST_LINE]
        if len(self.shown) == self._count or len(line) >= self._room:
            self.notes.append(f"Lines {self._start:,} to {number - 1:,} are shown. For more: start_line={number}.")
            return False
        if "\ufffd" in line:
            self.notes.append("Some bytes are not valid UTF-8; they stand as \ufffd.")
        if cut or len(whole) > LONGEST_LINE:
            self.notes.append(f"Lines of more than {LONGEST_LINE:,} characters are cut; search_text looks into them.")
        self.shown.append(line)
        self._room -= len(line) + 1
        return True


def _lines(handle: int, deadline: Deadline) -> Iterator[tuple[bytes, bool]]:
    """Give the lines of an open file one by one, each with whether it was cut; hold no more than a chunk."""
    most = LONGEST_LINE * 4  # bytes of so many characters, at the most
    line, skipping = b"", False
    while chunk := os.read(handle, CHUNK):
        deadline.check()
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            if not skipping:
                line += part
                yield line[:most].removesuffix(b"\r"), len(line) > most
            line, skipping = b"", False
        line += b"" if skipping else rest
        if len(line) > most:  # given at once: its end may be gigabytes away
            yield line[:most], True
            line, skipping = b"", True
    if line:
        yield line.removesuffix(b"\r"), False

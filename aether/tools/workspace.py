"""The one folder that the tools may see, opened so that nothing outside it can be reached.

Every path is walked from a handle on the folder, one name at a time, without following a
link; what was opened is looked at again through its own handle. So there is no moment
between check and use, and no `..`, link or device that leads out. Hidden names are not
there. It knows no tool and no model.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
import unicodedata
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from aether.tools.base import ToolError

T = TypeVar("T")

LONGEST_PATH = 1_000
DEEPEST = 64
"""Folders in each other that a path may name."""
FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
FILE_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # opening a FIFO would wait for its other end
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
HANDLES = os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd and os.scandir in os.supports_fd
"""Whether this system opens files relative to a folder's handle. Windows does not."""


class TimeUp(Exception):
    """A piece of work has used up its time, or nobody waits for it any more."""


class Deadline:
    """A bound in time for work in a thread, which nobody can end from outside: it has to ask."""

    def __init__(self, timeout_s: float) -> None:
        self._at = time.monotonic() + timeout_s
        self._given_up = False

    def give_up(self) -> None:
        """End the work at its next question."""
        self._given_up = True

    def check(self) -> None:
        """Raise TimeUp if the time is over."""
        if self._given_up or time.monotonic() > self._at:
            raise TimeUp


async def in_thread(work: Callable[[Deadline], T], *, timeout_s: float) -> T:
    """Run `work` in a thread, and have it end soon after a cancellation."""
    deadline = Deadline(timeout_s)
    try:
        return await asyncio.to_thread(work, deadline)
    except asyncio.CancelledError:
        deadline.give_up()
        raise


@dataclass(frozen=True)
class Entry:
    """One name in a folder. `size` in bytes, of files alone."""

    name: str
    kind: str  # "folder", "file", or in words what else it is
    size: int = 0


class Workspace:
    """A folder of the operator. Raises ToolError, in words for the model, where a path is none of it."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def holds(self, path: Path) -> bool:
        """Tell whether a path, links followed, lies in this folder or is it."""
        return Path(os.path.realpath(path)).is_relative_to(self.root)

    @property
    def off_because(self) -> str:
        """Say why no file can be read here; empty if files can be read."""
        if not HANDLES:
            return "This system cannot open files relative to a folder's handle, so they cannot be read safely."
        return "" if self.root.is_dir() else "The workspace folder does not exist."

    @contextmanager
    def folder(self, path: str) -> Generator[int]:
        """Open a folder for reading; give its handle, which is closed at the end."""
        handle = self._open_root()
        try:
            walked: list[str] = []
            for name in names_of(path):
                walked.append(name)
                inner = open_folder(name, handle, "/".join(walked))
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def file(self, path: str) -> Generator[int]:
        """Open a regular file for reading; give its handle, which is closed at the end."""
        names = names_of(path)
        if not names:
            raise ToolError("This is the workspace folder itself. Use list_files to see what is in it.")
        with self.folder("/".join(names[:-1])) as folder:
            handle = open_file(names[-1], folder, "/".join(names))
            try:
                yield handle
            finally:
                os.close(handle)

    def kind(self, path: str) -> str:
        """Tell whether a path is a "folder", a "file" or what else; raise ToolError if it is not there."""
        names = names_of(path)
        if not names:
            return "folder"
        with self.folder("/".join(names[:-1])) as folder:
            return kind_of(_stat(names[-1], folder, "/".join(names)))

    def _open_root(self) -> int:
        if self.off_because:
            raise ToolError(self.off_because)
        try:
            return os.open(self.root, FOLDER_FLAGS)
        except OSError as error:
            raise ToolError("The workspace folder cannot be opened.") from error


def names_of(path: str) -> tuple[str, ...]:
    """Part a relative path into its names; raise ToolError for one that could lead out or to a hidden file."""
    if len(path) > LONGEST_PATH:
        raise ToolError(f"The path is longer than {LONGEST_PATH} characters.")
    if "\0" in path:
        raise ToolError("The path holds a zero byte.")
    if "\\" in path:
        raise ToolError("Write the path with /, not with backslashes.")
    if path.startswith("/"):
        raise ToolError("Paths are relative to the workspace folder: write docs/a.txt, or . for the folder itself.")
    names = tuple(n for n in path.split("/") if n not in ("", "."))
    if len(names) > DEEPEST:
        raise ToolError(f"The path is more than {DEEPEST} folders deep.")
    for name in names:
        if unicodedata.normalize("NFKC", name).startswith(".."):
            raise ToolError("There is no way out of the workspace folder: leave out the “..”.")
        if is_hidden(name):
            raise ToolError("Hidden files and folders, whose names begin with a dot, cannot be read.")
    return names


def is_hidden(name: str) -> bool:
    """Tell whether a name begins with a dot, or with a sign that some file systems take for one."""
    return unicodedata.normalize("NFKC", name).startswith(".")


def open_folder(name: str, parent: int, shown: str) -> int:
    """Open the folder `name` in the folder with the handle `parent`; the caller closes it."""
    if (kind := kind_of(_stat(name, parent, shown))) != "folder":
        raise ToolError(f"{shown} is {_a(kind)}, not a folder.")
    return _open(name, FOLDER_FLAGS, parent, shown)


def open_file(name: str, parent: int, shown: str) -> int:
    """Open the regular file `name` in the folder with the handle `parent`; the caller closes it."""
    before = _stat(name, parent, shown)
    _refuse_unless_file(before, shown)  # before opening: opening a device may already do something
    handle = _open(name, FILE_FLAGS, parent, shown)
    try:
        _refuse_unless_file(os.fstat(handle), shown)  # and after: what was opened is what counts
    except ToolError:
        os.close(handle)
        raise
    return handle


def entries(folder: int, deadline: Deadline) -> Iterator[Entry]:
    """Give what is in an open folder, hidden names left out, in no order."""
    with os.scandir(folder) as found:
        for number, entry in enumerate(found):
            if number % 256 == 0:
                deadline.check()
            if is_hidden(entry.name):
                continue
            with suppress(OSError):  # it may be gone by now
                status = entry.stat(follow_symlinks=False)
                kind = kind_of(status)
                yield Entry(entry.name, kind, status.st_size if kind == "file" else 0)


def kind_of(status: os.stat_result) -> str:
    """Say in a word what a file is."""
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return "file" if status.st_nlink == 1 else "file with several names"
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def shown_name(name: str) -> str:
    """Return a name on one line, signs that would not print as escapes."""
    return name if name.isprintable() else name.encode("unicode_escape", "replace").decode("ascii")


def _refuse_unless_file(status: os.stat_result, shown: str) -> None:
    match kind_of(status):
        case "file":
            return
        case "folder":
            raise ToolError(f"{shown} is a folder. Use list_files to see what is in it.")
        case "link":
            raise ToolError(f"{shown} is a link. Links are not followed, because they may lead out of the workspace.")
        case "file with several names":
            # A path cannot tell where a hard link's other names are: one may stand outside the workspace.
            raise ToolError(f"{shown} is a hard link: it has other names, perhaps outside the workspace. Not read.")
        case kind:
            raise ToolError(f"{shown} is a {kind}, not a file that can be read.")


def _stat(name: str, parent: int, shown: str) -> os.stat_result:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except (OSError, ValueError) as error:
        raise ToolError(_why(error, shown)) from error


def _open(name: str, flags: int, parent: int, shown: str) -> int:
    try:
        return os.open(name, flags, dir_fd=parent)
    except (OSError, ValueError) as error:
        raise ToolError(_why(error, shown)) from error


def _why(error: Exception, shown: str) -> str:
    match error:
        case PermissionError():
            return f"{shown} may not be read: the system does not allow it."
        case FileNotFoundError():
            return f"There is no {shown} in the workspace. Use list_files to see what there is."
        case _:
            return f"{shown[:200]} cannot be opened. Use list_files to see what there is."


def _a(kind: str) -> str:
    if kind == "link":
        return "a link (links are not followed)"
    return f"a {kind}"

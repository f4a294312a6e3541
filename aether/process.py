"""What the operating system shows of this process to others: its files, its environment, its memory, its output.

Every file and folder it makes is its user's alone. The block behind `/proc/PID/environ` is empty once the
settings are read, no core is dumped, and each line it prints passes through the redactor. It knows no setting.
"""

from __future__ import annotations

import atexit
import ctypes
import io
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import TextIO

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The permissions of everyone but the owner."""
PR_SET_DUMPABLE = 4
ENV_START, ENV_END = 47, 48
"""Fields 50 and 51 of `/proc/self/stat`, counted behind the command's closing bracket."""
LONGEST_LINE = 64_000
"""Characters of output without an end of line that are kept back, so that no key is cut in two."""


def close_to_others() -> None:
    """Make new files the user's alone, and let a crash write no core."""
    os.umask(OTHERS)
    with suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hide_memory() -> None:
    """Keep other processes of the same user from the memory, and cores from a handler that knows no limit (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def erase_environment_block() -> None:
    """Overwrite what the process was started with, which `/proc/PID/environ` shows to its end (Linux).

    Nothing may point into it any more: the caller has emptied the environment, and fills it afterwards.
    """
    if sys.platform != "linux":
        return
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[ENV_START]), int(fields[ENV_END])
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)


def close_paths(*paths: Path) -> int:
    """Take from others what an earlier start left open to them; return how many files and folders that were.

    A folder is closed with all that lies in it, unless it holds more than ours, such as a home. Links in it are not
    followed, and what belongs to another user is left alone.
    """
    return sum(_close(entry) for path in paths for entry in _whole(path))


def private_folder(name: str) -> Path:
    """Return a folder of this user alone under the system's folder for temporary files.

    One that another user has made in its place, or a link, is not used.
    """
    wanted = Path(tempfile.gettempdir()) / f"{name}-{_user()}"
    with suppress(OSError):
        wanted.mkdir(mode=0o700, exist_ok=True)
        found = wanted.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == _user():
            wanted.chmod(0o700)
            return wanted
    return Path(tempfile.mkdtemp(prefix=f"{name}-"))


def _is_of_others(folder: Path) -> bool:
    """Return whether a folder, all links followed, is one that other programs use as well."""
    here = Path.cwd().resolve()
    shared = (Path("/"), Path.home().resolve(), here, *here.parents)
    return folder in shared or bool(folder.stat().st_mode & stat.S_ISVTX)


def _whole(path: Path) -> Iterator[Path]:
    """Return a path, and what lies in a folder that others can enter."""
    found = path.resolve()
    if not found.exists() or (found.is_dir() and _is_of_others(found)):
        return
    inside = found.is_dir() and found.stat().st_mode & OTHERS
    yield found
    for parent, folders, files in os.walk(found) if inside else ():
        yield from (Path(parent) / name for name in (*folders, *files))


def _close(path: Path) -> bool:
    with suppress(OSError):  # gone meanwhile
        found = path.lstat()
        is_ours = found.st_uid == _user() and not stat.S_ISLNK(found.st_mode)
        if is_ours and found.st_mode & OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS & 0o777)
            return True
    return False


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


class RedactedOutput(io.TextIOBase):
    """Standard output or error whose lines pass through `redact` before they are written, none of them cut in two."""

    def __init__(self, stream: TextIO, redact: Callable[[str], str]) -> None:
        self._stream, self._redact = stream, redact
        self._lock, self._rest = RLock(), ""  # a finalizer that runs inside may print as well
        self.buffer = _Bytes(self)

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._stream.encoding

    def write(self, text: str, /) -> int:
        with self._lock:
            lines, end, self._rest = (self._rest + text).rpartition("\n")
            if len(self._rest) > LONGEST_LINE:
                lines, end, self._rest = lines + end + self._rest, "", ""
            if lines or end:
                self._write(lines, end)
        return len(text)

    def flush(self) -> None:
        """Write what is whole lines; the beginning of one waits for its end."""
        self._stream.flush()

    def finish(self) -> None:
        """Write the rest as well."""
        with self._lock:
            rest, self._rest = self._rest, ""
            self._write(rest)
        self._stream.flush()

    def _write(self, lines: str, end: str = "") -> None:
        with suppress(UnicodeError):  # what cannot be written fails nothing
            self._stream.write(self._redact(lines) + end)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


class _Bytes(io.RawIOBase):
    """The binary side of redacted output, for libraries that write bytes."""

    def __init__(self, output: RedactedOutput) -> None:
        self._output = output

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._output.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


def redact_output(redact: Callable[[str], str]) -> None:
    """Let all that this process prints from now on, and a library's own tracebacks, pass through `redact`."""
    output, errors = RedactedOutput(sys.stdout, redact), RedactedOutput(sys.stderr, redact)
    sys.stdout, sys.stderr = output, errors
    atexit.register(output.finish)
    atexit.register(errors.finish)

"""The child process: one worker of `workers.py`. Run by path; imports of Aether only what a call names.

Reads calls from its standard input and writes replies to its standard output, each a pickle behind
its length. It has no environment, no terminal, writes no file, and ends with its parent: when its
input is closed, and on Linux at once. A call that uses up its CPU time ends the process.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

HEADER = 8
"""Bytes of the length before a message."""
LONGEST_ERROR = 500
"""Characters of an error's text."""
GROWN_BYTES = 160_000_000
"""Resident memory above which a worker ends after its reply."""
DEATH_SIGNAL = 1
"""`PR_SET_PDEATHSIG` of `linux/prctl.h`."""


def main() -> None:
    """Answer calls until the input is closed."""
    calls, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)  # what a function prints is no reply
    _end_with_parent()
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_FSIZE", 0)
    sys.dont_write_bytecode = True
    sys.path[:] = pickle.loads(_read(calls) or b"")
    while (call := _read(calls)) is not None:
        reply, is_last = _answer(call, replies)
        _write(replies, reply)
        if is_last:
            break
    os._exit(0)


def _answer(call: bytes, replies: BinaryIO) -> tuple[bytes, bool]:
    """Return the reply to a call, (value, error, is it the last), and whether it is the last."""
    try:
        try:
            module, name, args, cpu_s, memory_bytes = pickle.loads(call)
            function = getattr(importlib.import_module(module), name)
        finally:
            _write(replies, b"")  # the time for imports is not the call's, and an error comes after this sign too
        _limit("RLIMIT_AS", memory_bytes)
        _limit_cpu(cpu_s)
        value: Any = function(*args)
        _limit_cpu(0)
        is_last = _resident_bytes() > GROWN_BYTES
        return pickle.dumps((value, None, is_last), pickle.HIGHEST_PROTOCOL), is_last
    except BaseException as error:  # whatever a stranger's input leads to is an answer
        _limit_cpu(0)
        _limit("RLIMIT_AS", -1)
        kind, is_last = type(error), isinstance(error, MemoryError)
        error_text = str(error)[:LONGEST_ERROR]
        return pickle.dumps((None, (kind.__module__, kind.__qualname__, error_text), is_last)), is_last


def _read(stream: BinaryIO) -> bytes | None:
    """Return the next message; None at the end."""
    header = stream.read(HEADER)
    if len(header) < HEADER:
        return None
    return stream.read(int.from_bytes(header, "big"))


def _write(stream: BinaryIO, message: bytes) -> None:
    stream.write(len(message).to_bytes(HEADER, "big") + message)
    stream.flush()


def _end_with_parent() -> None:
    """Let the kernel end this process when its parent is gone, also in the middle of a call."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def _limit(name: str, most: int) -> None:
    """Set a limit of the system; -1: as high as it may be."""
    with suppress(ImportError, AttributeError, OSError, ValueError):  # not every system has such limits
        import resource

        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        soft = hard if most < 0 else most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (soft, hard))


def _limit_cpu(seconds: float) -> None:
    """End the process when it has used so much CPU time from here on; 0: lift that limit."""
    with suppress(AttributeError):  # Windows has no such timer
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _resident_bytes() -> int:
    """Return the resident memory in bytes; 0 where the system does not say."""
    with suppress(OSError, ValueError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


if __name__ == "__main__":
    main()

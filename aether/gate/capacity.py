"""How many files the process may have open, and how many connections of these."""

from __future__ import annotations

import asyncio
import logging
import resource
from contextlib import suppress
from typing import Any

log = logging.getLogger("aether")

MAX_FILES = 65_536
MAX_CONNECTIONS = 8_000
RESERVED_FILES = 256
"""Files that are no connections of visitors: the database, providers, uploads, children's pipes."""
ACCEPTED_AT_ONCE = 512
"""Connections that wait to be accepted, and that one turn of the loop accepts."""


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one, within reason; return the limit that holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # a system may have a lower limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_FILES if soft == resource.RLIM_INFINITY else soft


def max_connections(files: int) -> int:
    """Return how many connections there may be at once where `files` may be open."""
    return max(32, min(MAX_CONNECTIONS, max(files - RESERVED_FILES, files // 2)))


def report_quietly(loop: asyncio.AbstractEventLoop) -> None:
    """Let the loop say in one line, not in one traceback per attempt, that no file is left for a connection."""
    loop.set_exception_handler(_report)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if str(context.get("message", "")).startswith("socket.accept() out of system resource"):
        log.error("No connection can be accepted (%s): raise the limit of open files", context.get("exception"))
    else:
        loop.default_exception_handler(context)

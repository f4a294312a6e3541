"""Functions that the tests of `aether/workers.py` run in a worker."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from aether.transcript import Text, TranscriptError


def double(number: int) -> int:
    return 2 * number


def describe() -> tuple[int, list[str], dict[str, str]]:
    return os.getpid(), sorted(sys.modules), dict(os.environ)


def compute_for_ever() -> None:
    while True:
        pass


def sleep_for_ever() -> None:
    time.sleep(600)


def fill_memory() -> int:
    return len(bytearray(4_000_000_000))


def refuse(words: str) -> None:
    raise TranscriptError(words)


def fail() -> None:
    raise ValueError("secret words")


def end() -> None:
    os._exit(3)


def print_much() -> Text:
    print("noise" * 100_000)
    return Text("quiet")


def return_a_function() -> object:
    return os.system


def write_a_file(path: str) -> None:
    Path(path).write_text("x" * 10)


def wait_for(path: str) -> int:
    """Return the process's id once a file is there."""
    while not Path(path).exists():
        time.sleep(0.01)
    return os.getpid()

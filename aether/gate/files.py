"""Files in a request's JSON: only what a visitor has handed in here, never a path or an address of their own.

Gradio takes a file as `{"path": …}`, copies what stands at the path and fetches what stands at
an address. Its own look at the path is left out where it is mounted into an application. The file
system is asked only about few and short paths that begin with the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

NESTED = 60
"""Levels that are looked through; Gradio's own data has far fewer."""
MOST_FILES = 64
"""Files that one request may name; a message has a quarter of it."""
PATH_CHARS = 1_000


def is_foreign(value: object, folder: Path) -> bool:
    """Return whether a value names a file outside `folder`, too many of them, or is nested too deep to tell."""
    paths = enumerate(_paths(value, NESTED))
    return any(number >= MOST_FILES or not is_inside(path, folder) for number, path in paths)


def is_inside(path: object, folder: Path) -> bool:
    """Return whether a path, all its links followed, is that of something in a folder."""
    if not isinstance(path, str) or len(path) > PATH_CHARS or "\0" in path:
        return False
    real_folder = _real(folder)
    if not path.startswith((f"{folder}{os.sep}", f"{real_folder}{os.sep}")):
        return False
    return Path(os.path.realpath(path)).is_relative_to(real_folder) and os.path.realpath(path) != real_folder


@lru_cache(8)
def _real(folder: Path) -> str:
    return os.path.realpath(folder)


def _paths(value: object, levels: int) -> Iterator[object]:
    """Yield each path that a value names; None, which no folder holds, for what is nested too deep."""
    if isinstance(value, list):
        inner = cast(list[object], value)
    elif isinstance(value, dict):
        fields = cast(dict[str, Any], value)
        if fields.get("path") is not None:
            yield fields["path"]
        inner = list[object](fields.values())
    else:
        return
    if levels <= 0:
        yield None
        return
    for held in inner:
        yield from _paths(held, levels - 1)

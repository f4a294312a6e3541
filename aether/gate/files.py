"""Files in a request's JSON: only what a visitor has handed in here, never a path or an address of their own.

Gradio takes a file as `{"path": …}`, copies what stands at the path and fetches what stands at
an address. Its own look at the path is left out where it is mounted into an application.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

NESTED = 60
"""Levels that are looked through; Gradio's own data has far fewer."""


def is_foreign(value: object, folder: Path, *, levels: int = NESTED) -> bool:
    """Tell whether a value holds a file that is not one in `folder`, or is nested deeper than can be told."""
    if levels <= 0:
        return isinstance(value, dict | list)
    if isinstance(value, list):
        return any(is_foreign(held, folder, levels=levels - 1) for held in cast(list[object], value))
    if not isinstance(value, dict):
        return False
    held = cast(dict[str, Any], value)
    if "path" in held and held["path"] is not None and not _is_inside(held["path"], folder):
        return True
    return any(is_foreign(inner, folder, levels=levels - 1) for inner in held.values())


def _is_inside(path: object, folder: Path) -> bool:
    """Tell whether a path, all its links followed, is that of something in a folder."""
    if not isinstance(path, str) or not Path(path).is_absolute() or "\0" in path:
        return False
    real = Path(os.path.realpath(path))
    return real != folder and real.is_relative_to(os.path.realpath(folder))

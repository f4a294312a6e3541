"""The tools that Aether brings, one a file. A new file here with a `@tool` function is a new tool."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from aether.tools.base import Draft


@cache
def drafts() -> tuple[Draft, ...]:
    """Return every `@tool` function of the files in this folder, by the order of the files' names."""
    found: list[Draft] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        found += [value for value in vars(loaded).values() if isinstance(value, Draft)]
    return tuple(found)

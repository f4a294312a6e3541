"""Gradio without its type stubs: a start in two thirds of the time.

Each time it is imported, Gradio parses the source of every component to write a `.pyi` file
beside it (`component_meta.create_or_modify_pyi`): help for an editor, two of its five seconds,
and a write into the installed package. An application needs none of it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

WHERE, WHAT = "gradio.component_meta", "create_or_modify_pyi"


class _Stubless(Loader):
    """Load a module as its own loader does, and leave the writing of stubs out of it."""

    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        if hasattr(module, WHAT):
            setattr(module, WHAT, _write_nothing)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == WHERE else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Stubless(spec.loader)
        return spec


def _write_nothing(*_: object) -> None:
    pass


def import_without_stubs() -> None:
    """Let the next import of Gradio write no stubs; nothing happens where it is imported already."""
    if WHERE not in sys.modules:
        sys.meta_path.insert(0, _Finder())

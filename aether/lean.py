"""Gradio with less: a start in half of the time, and a quarter of the memory left out.

What it does each time that it is imported, and an application needs none of:

- It parses the source of every component to write a `.pyi` file beside it
  (`component_meta.create_or_modify_pyi`): help for an editor, two of its five seconds, and a write
  into the installed package.
- It loads pandas for the functions that it caches (`gradio.caching`). Here that is loaded when such
  a function is called with something that might be of its kind.
- It loads the MCP SDK, where that is installed, to offer the application as a server of tools
  (`gradio.mcp`); without the SDK it leaves that out, and Aether never asks for it.
- It makes and keeps the whole configuration of the page anew for each session, 200 kB and most of the
  time that a session costs, so that a link could show it again (`gr.DeepLinkButton`). Aether has no such
  button; a session keeps what it is and no more.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

WHERE, WHAT = "gradio.component_meta", "create_or_modify_pyi"


class _Later(ModuleType):
    """A module that is loaded when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


class _Forgetful(dict[int, dict[str, Any]]):
    """A session's copy of the page's configuration that keeps nothing."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: int) -> dict[str, Any]:
        return {}

    def __setitem__(self, key: int, value: dict[str, Any]) -> None: ...


class _Less(Loader):
    """Load a module as its own loader does, and leave out what an application does not need."""

    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        with _left_out(module.__name__):
            self._own.exec_module(module)
        if hasattr(module, WHAT):
            setattr(module, WHAT, _write_nothing)
        if module.__name__ == STATE:
            nothing = _Forgetful()
            module.SessionState.config_values = property(lambda _: nothing, lambda _, __: None)
            module.SessionState.__init__ = _begin_session


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in LESS else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Less(spec.loader)
        return spec


STATE = "gradio.state_holder"
LESS = (WHERE, STATE, "gradio.caching", "gradio.mcp")


def _left_out(name: str) -> AbstractContextManager[None]:
    match name:
        case "gradio.caching":
            return _standing_in("pandas", _Later("pandas"))
        case "gradio.mcp":
            return _standing_in("mcp", None)
        case _:
            return nullcontext()


@contextmanager
def _standing_in(name: str, other: ModuleType | None) -> Generator[None]:
    """Let who imports a module find another one in its place, or none, unless it is loaded already."""
    if name in sys.modules:
        yield
        return
    modules: dict[str, Any] = sys.modules
    modules[name] = other  # None: the import system takes it as not installed
    try:
        yield
    finally:
        modules.pop(name, None)


def _begin_session(session: Any, blocks: Any) -> None:
    """Begin a session as Gradio does, without describing every component of the page for it."""
    session.blocks_config = copy(blocks.default_config)
    session.state_data, session._state_ttl = dict[int, Any](), dict[int, Any]()
    session.is_closed, session.STATE_TTL_WHEN_CLOSED = False, math.inf


def _write_nothing(*_: object) -> None:
    pass


def import_gradio_leaner() -> None:
    """Let the next import of Gradio do less; nothing happens where it is imported already."""
    if WHERE not in sys.modules:
        sys.meta_path.insert(0, _Finder())

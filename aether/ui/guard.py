"""Who asks: the session of the tab, as Gradio tells it, and the visitor whom the gate has named."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from gradio.context import LocalContext

from aether import visitors
from aether.guard import Who

_visitor: ContextVar[str] = ContextVar("visitor", default="")


def visiting(visitor: str) -> None:
    """Say on whose behalf a route runs that is no event of Gradio's."""
    _visitor.set(visitor)


def who() -> Who:
    """Return who has started the event or asked for the route that runs now."""
    request: Any = LocalContext.request.get(None)
    if request is None:
        return Who(_visitor.get())
    return Who(str(request.headers.get(visitors.HEADER, "")), str(request.session_hash or ""))

"""Who asks: the session of the tab, as Gradio tells it, and the visitor whom the gate has named."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from gradio.context import LocalContext

from aether import visitors
from aether.guard import Who

NOBODY = Who()
_asker: ContextVar[Who] = ContextVar("asker", default=NOBODY)


def visiting(who: Who) -> None:
    """Say on whose behalf a route runs that is no event of Gradio's."""
    _asker.set(who)


def who() -> Who:
    """Return who has started the event or asked for the route that runs now."""
    request: Any = LocalContext.request.get(None)
    if request is None:
        return _asker.get()
    return who_of(request.headers, str(request.session_hash or ""))


def who_of(headers: Mapping[str, str], session: str = "") -> Who:
    """Return who asks, as the gate has written it into the headers of a request."""
    return Who(headers.get(visitors.HEADER, ""), session, visitors.names(headers.get(visitors.OWN_KEYS, "")))

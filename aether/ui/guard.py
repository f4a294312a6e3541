"""Who asks, as Gradio tells it: the session of the tab, and the visitor whom the gate has named."""

from __future__ import annotations

from typing import Any

from gradio.context import LocalContext

from aether import visitors
from aether.guard import Who


def who() -> Who:
    """Return who has started the event that runs now."""
    request: Any = LocalContext.request.get(None)
    if request is None:
        return Who()
    return Who(str(request.headers.get(visitors.HEADER, "")), str(request.session_hash or ""))

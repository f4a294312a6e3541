"""uninterrupted: work that is done to its end, whatever ends its caller meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger("aether")

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; a caller that is cancelled meanwhile ends when it is done."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("A transaction failed while its answer was stopped: %s", type(error).__name__)
        raise cancelled
    return task.result()

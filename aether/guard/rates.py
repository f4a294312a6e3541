"""How much of something a visitor may do in a while: counted in memory, or in Redis for all processes together.

Where Redis does not answer, each process counts by itself until it does: a limit that is too
wide for a while is better than a link that stands still.
"""

from __future__ import annotations

import logging
import time

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from aether.bounds import UPLOADS_PER_HOUR
from aether.share import Share

log = logging.getLogger("aether")

KEYS = RateLimitItemPerMinute(30, namespace="keys")
"""Keys that a visitor may hand over."""
UPLOADS = RateLimitItemPerHour(UPLOADS_PER_HOUR, namespace="upload requests")
"""Requests that hand in files, whatever their size: each makes some."""
SESSIONS = RateLimitItemPerMinute(120, namespace="sessions")
"""Sessions that a visitor may begin: each page that is opened or loaded again is one."""
SILENT_S = 60.0


class Rates:
    """Count what visitors do. `messages` and `uploads` (in kB) are the operator's to set."""

    def __init__(self, share: Share) -> None:
        self.messages = RateLimitItemPerMinute(share.visitor_rate, namespace="messages")
        self.uploads = RateLimitItemPerHour(share.visitor_upload_mb * 1000, namespace="uploads")
        self._url = share.redis_url
        self._near = self._far = _limiter("async+memory://")
        if share.redis_url:
            self._far = _limiter(f"async+{share.redis_url}")
        self._told = -SILENT_S

    async def allow(self, item: RateLimitItem, who: str, *, cost: int = 1) -> bool:
        """Count `cost` for somebody; tell whether that is still within the limit."""
        if self._far is not self._near:
            try:
                return await self._far.hit(item, who, cost=cost)
            except Exception as error:  # the client's own, of several libraries
                self._tell(error)
        return await self._near.hit(item, who, cost=cost)

    def _tell(self, error: Exception) -> None:
        if time.monotonic() - self._told >= SILENT_S:
            self._told = time.monotonic()
            log.warning("Redis does not answer (%s): this process counts by itself", type(error).__name__)


def _limiter(url: str) -> SlidingWindowCounterRateLimiter:
    extra = {"implementation": "redispy", "socket_timeout": 1.0} if "redis" in url.partition(":")[0] else {}
    return SlidingWindowCounterRateLimiter(storage_from_string(url, **extra))  # pyright: ignore[reportArgumentType]

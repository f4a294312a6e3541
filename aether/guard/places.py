"""The turns that a visitor has under way in all processes together: a lease in Redis for each.

A lease runs out by itself, so that the turns of a process that died are not held against their
visitor for ever. Where Redis does not answer, the process's own count (`admission.py`) stands alone.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol, cast

log = logging.getLogger("aether")

TAKE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
redis.call('EXPIREAT', KEYS[1], math.ceil(tonumber(ARGV[3])))
return 1
"""
ANSWER_S = 1.0


class Places(Protocol):
    """Where turns under way are counted."""

    async def take(self, visitor: str, turn: str) -> bool:
        """Count a turn; tell whether there was a place for it."""
        ...

    async def give_back(self, visitor: str, turn: str) -> None:
        """Count it no more."""
        ...


class OwnPlaces:
    """Count nothing beside what the process counts by itself."""

    async def take(self, visitor: str, turn: str) -> bool:
        return True

    async def give_back(self, visitor: str, turn: str) -> None: ...


class SharedPlaces:
    """Count in Redis. `each`: turns of one visitor at once; `lease_s`: longer than any turn takes."""

    def __init__(self, url: str, *, each: int, lease_s: float) -> None:
        from redis.asyncio import Redis  # loaded where processes share their counts
        from redis.exceptions import RedisError

        self._failures = (RedisError, OSError)
        self._redis = cast(Any, Redis).from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
        self._each, self._lease_s = each, lease_s

    async def take(self, visitor: str, turn: str) -> bool:
        now = time.time()
        try:
            return bool(await self._redis.eval(TAKE, 1, _name(visitor), now, self._each, now + self._lease_s, turn))
        except self._failures as error:
            log.warning("Redis does not answer (%s): turns are counted in this process alone", type(error).__name__)
            return True

    async def give_back(self, visitor: str, turn: str) -> None:
        try:
            await self._redis.zrem(_name(visitor), turn)
        except self._failures as error:
            log.warning("Redis does not answer (%s): a turn stays counted until it runs out", type(error).__name__)


def _name(visitor: str) -> str:
    return f"aether:turns:{visitor or 'program'}"

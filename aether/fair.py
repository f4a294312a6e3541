"""Places that are shared by owner, and threads that are: nobody holds all of them, and who waits has turns.

A place is held by an owner for the time of one call. Each owner may hold a share of them and no more; where
several wait, the owners take turns, however much each of them asks for.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from aether.errors import WorkerBusy

Result = TypeVar("Result")


class FairPlaces:
    """Who holds a place, and who waits for one; `queue` and `queue_per_owner` bound who waits. For one event loop."""

    def __init__(
        self, places: int, *, per_owner: int, queue: int | None = None, queue_per_owner: int | None = None
    ) -> None:
        self._places, self._per_owner = places, per_owner
        self._queue, self._queue_per_owner = queue, queue_per_owner
        self._running = Counter[str]()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def take(self, owner: str, wait_s: float | None = None) -> None:
        """Return when `owner` holds a place; raise WorkerBusy if that cannot be."""
        if not self._waiting.get(owner) and self._has_place(owner):
            self._running[owner] += 1
            return
        queue = self._waiting.setdefault(owner, deque())
        if self._is_full(queue):
            self._forget(owner)
            raise WorkerBusy
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            async with asyncio.timeout(wait_s):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():  # it was given in the same moment
                self.give_back(owner)
            else:
                if place in queue:  # else it was passed over in the same moment
                    queue.remove(place)
                self._forget(owner)
            if isinstance(error, TimeoutError):
                raise WorkerBusy from error
            raise

    def give_back(self, owner: str) -> None:
        """Free a place of `owner`, and give it to who waits longest among those who may have one."""
        self._running[owner] -= 1
        self._running += Counter()  # drops what is at zero
        while (following := next((o for o in self._waiting if self._has_place(o)), None)) is not None:
            place = self._waiting[following].popleft()
            self._waiting.move_to_end(following)
            self._forget(following)
            if not place.done():
                place.set_result(None)
                self._running[following] += 1

    def _has_place(self, owner: str) -> bool:
        return self._running.total() < self._places and self._running[owner] < self._per_owner

    def _is_full(self, queue: deque[asyncio.Future[None]]) -> bool:
        waiting = sum(map(len, self._waiting.values()))
        is_owners_full = self._queue_per_owner is not None and len(queue) >= self._queue_per_owner
        return is_owners_full or (self._queue is not None and waiting >= self._queue)

    def _forget(self, owner: str) -> None:
        if not self._waiting.get(owner):
            self._waiting.pop(owner, None)


class FairThreads:
    """Threads in which calls of visitors run, a share of them for each."""

    def __init__(self, name: str, *, threads: int = 8, per_owner: int = 4) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._places = FairPlaces(threads, per_owner=per_owner)

    async def run(self, work: Callable[[], Result], *, owner: str) -> Result:
        """Return `work()`, called in a thread. The owner's place is held until it ends, whoever waits for it."""
        await self._places.take(owner)
        loop = asyncio.get_running_loop()

        def end(_: Future[Result]) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._places.give_back, owner)

        try:
            future = self._threads.submit(partial(copy_context().run, work))
        except RuntimeError:  # the threads have ended
            self._places.give_back(owner)
            raise
        future.add_done_callback(end)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Wait for what runs, and end the threads."""
        self._threads.shutdown(wait=True)

"""One writer for all that wait: what comes while a transaction is being committed goes into the next one, together.

SQLite lets one transaction write at a time, and waits for the disk at the end of each. Fifty
first messages that come at once are kept in a few of them. A work is done when its
transaction is committed, and not before. Long works wait for the short ones, and go alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager

from sqlalchemy.engine import Connection

from aether.errors import AetherError

TOGETHER = 64
"""Works in one transaction: no other process waits for longer than these take."""
Work = Callable[[Connection], None]
"""What is written through a connection. One that refuses, with an AetherError, has written nothing until then."""


class Writer:
    """Write in a thread of its own, through transactions that `begin` opens."""

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._begin = begin
        self._waiting: deque[tuple[Work, Future[None]]] = deque()
        self._long: deque[tuple[Work, Future[None]]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")

    def put(self, work: Work, *, is_long: bool = False) -> Future[None]:
        """Return what is done once `work` is committed, or has what was wrong with it."""
        done: Future[None] = Future()
        (self._long if is_long else self._waiting).append((work, done))
        self._thread.submit(self._write)
        return done

    def close(self) -> None:
        """Write what waits, and end."""
        self._thread.shutdown(wait=True)

    def _write(self) -> None:
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER))]
        if not taken and self._long:
            taken = [self._long.popleft()]
        lot = [(work, done) for work, done in taken if done.set_running_or_notify_cancel()]
        for (_, done), error in zip(lot, self._commit([work for work, _ in lot]), strict=True):
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    def _commit(self, works: list[Work]) -> list[Exception | None]:
        """Do the works in one transaction, or each in its own if the database fails at one; return what was wrong."""
        if not works:
            return []
        is_begun = False
        try:
            with self._begin() as connection:
                is_begun = True
                return [_refused(connection, work) for work in works]
        except Exception as error:
            if len(works) > 1 and is_begun:
                return [said for work in works for said in self._commit([work])]
            return [error for _ in works]


def _refused(connection: Connection, work: Work) -> AetherError | None:
    """Do a work; return why it was refused. What the database says is raised: it may have ended the transaction."""
    try:
        work(connection)
    except AetherError as refusal:
        return refusal
    return None

"""The store of conversations: save, load, browse, change. One code for SQLite and PostgreSQL.

Everything is asked for as somebody: another one's conversation is as little there as one
that never was. Two writers never mix: who saves names the revision that he knows, and meets
`Conflict` if it is not the newest. Methods block; `run` calls one in a thread of the store's own.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from aether.errors import AetherError
from aether.fair import FairThreads
from aether.signing import ServerSecret
from aether.store import engine as engines
from aether.store import listing, server_secret
from aether.store.grain import clean, is_id, is_owner, transcript_of
from aether.store.listing import Entry, Wanted
from aether.store.tables import ANSWERS, CONVERSATIONS, STEPS, TURNS
from aether.store.writer import Writer
from aether.store.writing import Moment, Place, is_held, save
from aether.transcript import Answer, Failure, Transcript

log = logging.getLogger("aether")
Result = TypeVar("Result")

KEPT_S = 30 * 24 * 3600
"""Seconds that a deleted conversation can be brought back."""
LONG = 20
"""A saving that adds or takes more turns lets the others go first."""
INTERRUPTED = Failure(
    "interrupted",
    "The server stopped in the middle of this answer. What it had written until then is kept. "
    "Answer again, with this model or another, or write “continue”.",
)
ELSEWHERE = Failure("elsewhere", "This answer is still being written in another tab.")


_DIGEST = re.compile(r'"sha256":"([0-9a-f]{64})"')


class StoreError(AetherError):
    """Say that the database did not do what it was asked."""

    kind = "store"
    remedy = "The chat goes on; what is said now is not saved."


class NotFound(AetherError):
    """Say that there is no such conversation, or that it is not this visitor's: the same to him."""

    kind = "not_found"
    remedy = ""

    def __init__(self) -> None:
        super().__init__("There is no such conversation.")


@dataclass(frozen=True)
class Kept:
    """A conversation as it was kept. `is_held`: an answer to it is being written elsewhere at this moment."""

    place: Place
    title: str
    model: str
    transcript: Transcript
    is_held: bool = False


class Store:
    """Conversations in a database, and its `secret`. Raises StoreError where that cannot be reached."""

    def __init__(self, url: str) -> None:
        self.engine = engines.open_engine(url)
        self.secret = ServerSecret()
        self._earlier_owners: frozenset[str] = frozenset()
        self.notice = ""
        self._is_open = False
        self._threads = FairThreads("store", threads=engines.CONNECTIONS)
        self._writer = Writer(self.writing) if self.engine.dialect.name == "sqlite" else None

    async def run(self, work: Callable[[], Result], *, owner: str) -> Result:
        """Call `work` for `owner` in a thread of the store's own: no owner holds all of them."""
        return await self._threads.run(work, owner=owner)

    def open(self) -> None:
        """Bring the schema up to date; raise SettingError for a newer one, StoreError if there is no database."""
        with _translated():
            if self.engine.dialect.name == "sqlite" and self.engine.url.database:
                path = Path(self.engine.url.database)
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.notice = engines.prepare_file(path) or self.notice
            engines.migrate(self.engine)
            with self.engine.begin() as connection:
                self.secret.use(server_secret.load(connection))
                self._earlier_owners = server_secret.earlier_owners(connection)
            self._is_open = True
        with self.writing() as connection:  # later ones are purged while it runs: `housekeeping.py`
            gone = CONVERSATIONS.c.deleted_at < time.time() - KEPT_S
            connection.execute(sa.delete(CONVERSATIONS).where(gone))

    def close(self) -> None:
        """Let all connections go."""
        self._threads.close()
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()

    def is_earlier_owner(self, owner: str) -> bool:
        """Return whether somebody's conversations were here when cookies began to be signed."""
        return owner in self._earlier_owners

    def check(self) -> None:
        """Raise StoreError if the database does not answer."""
        with self.reading() as connection:
            connection.execute(sa.select(sa.literal(1)))

    def save(self, place: Place, now: Moment, before: Moment | None = None) -> Place:
        """Save what differs from `before`, the last that was saved here; return the place with its new revision.

        Raises Conflict if somebody has written since, or if the conversation was deleted.
        """
        with self.writing() as connection:
            save(connection, place, now, before)
        return replace(place, revision=place.revision + 1)

    async def saved(self, place: Place, now: Moment, before: Moment | None = None) -> Place:
        """Save in the background, where SQLite writes together with all that waits; raise as `save` does."""
        if self._writer is None:
            return await self.run(lambda: self.save(place, now, before), owner=place.owner)
        known = len(before.transcript.turns) if before is not None else 0
        is_long = abs(len(now.transcript.turns) - known) > LONG
        written = self._writer.put(lambda connection: save(connection, place, now, before), is_long=is_long)
        await asyncio.wrap_future(written)
        return replace(place, revision=place.revision + 1)

    def load(self, owner: str, id_: str) -> Kept:
        """Return a conversation; answers that were cut off are marked. Raises NotFound."""
        with self.reading() as connection:
            row = connection.execute(sa.select(CONVERSATIONS).where(*_own(owner, id_))).mappings().first()
            if row is None or row["deleted_at"] is not None:
                raise NotFound
            turns, answers, steps = (
                connection.execute(sa.select(table).where(table.c.conversation_id == id_).order_by(*table.primary_key))
                .mappings()
                .all()
                for table in (TURNS, ANSWERS, STEPS)
            )
        transcript = transcript_of(row["head"], turns, answers, steps)
        held = is_held(row["held_until"])
        for cut in (a for a in answers if a["is_open"]):
            transcript = _marked(transcript, cut["turn"], cut["number"], ELSEWHERE if held else INTERRUPTED)
        return Kept(Place(owner, id_, row["revision"]), row["title"], row["model"], transcript, held)

    def digests(self, owner: str, wanted: Iterable[str]) -> list[str]:
        """Return which of the digests somebody's conversations name in a message, without those that were deleted."""
        if not is_owner(owner):
            return []
        own = (CONVERSATIONS.c.owner == owner, CONVERSATIONS.c.deleted_at.is_(None))
        heads = (
            sa.select(TURNS.c.head)
            .join(CONVERSATIONS, CONVERSATIONS.c.id == TURNS.c.conversation_id)
            .where(*own, TURNS.c.head.contains('"sha256":"')),
            sa.select(CONVERSATIONS.c.head).where(*own, CONVERSATIONS.c.head.contains('"sha256":"')),
        )
        with self.reading() as connection:
            named = {found for rows in heads for head in connection.execute(rows).scalars() for found in _named(head)}
        return [digest for digest in wanted if digest in named]

    def browse(self, owner: str, wanted: Wanted) -> list[Entry]:
        """Return a page of somebody's conversations, newest first; those with some words, if any are wanted."""
        with self.reading() as connection:
            return listing.page(connection, owner, wanted) if is_owner(owner) else []

    def change(
        self,
        owner: str,
        id_: str,
        *,
        title: str | None = None,
        pinned: bool | None = None,
        deleted: bool | None = None,
        model: str | None = None,
    ) -> Entry:
        """Rename, pin, delete or bring back; raise NotFound."""
        values: dict[str, object] = {}
        if title is not None and clean(title):
            values |= {"title": clean(title), "named": True}
        if pinned is not None:
            values["pinned"] = pinned
        if deleted is not None:
            values["deleted_at"] = time.time() if deleted else None
        if model is not None:
            values["model"] = model
        with self.writing() as connection:
            if values:
                connection.execute(sa.update(CONVERSATIONS).where(*_own(owner, id_)).values(**values))
            entry = listing.one(connection, *_own(owner, id_))
        if entry is None:
            raise NotFound
        return entry

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """Open a transaction that writes."""
        self._opened()
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """Open a transaction that only reads, and sees one state of the database."""
        self._opened()
        with _translated(), engines.reading(self.engine) as connection:
            yield connection

    def _opened(self) -> None:
        if not self._is_open:  # the database was not there at the start: it may be now
            self.open()


def _named(head: str) -> list[str]:
    return _DIGEST.findall(head)


def _own(owner: str, id_: str) -> tuple[sa.ColumnElement[bool], ...]:
    if not (is_owner(owner) and is_id(id_)):
        raise NotFound
    return CONVERSATIONS.c.id == id_, CONVERSATIONS.c.owner == owner


def _marked(transcript: Transcript, turn: int, number: int, failure: Failure) -> Transcript:
    whole = transcript.turns[turn]
    answers = list(whole.answers)
    answers[number] = Answer(answers[number].steps, failure)
    return transcript.replace_turn(turn, replace(whole, answers=tuple(answers)))


@contextmanager
def _translated() -> Generator[None]:
    """Turn what a database or a disk says into StoreError; what it said goes to the log."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        log.error("The store failed: %s", str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise StoreError("The database does not answer as it should.") from error

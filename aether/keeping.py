"""One session's conversation and its place in the store: the message first, then the answer, second by second.

It is asked by the runtime and asks the store, in threads of the store's own. It never raises
and never slows an answer: what cannot be saved is tried again with the next second, and
`trouble` says so. It knows no model and no screen.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from aether.errors import AetherError
from aether.live import Live, Lives
from aether.store.conversations import Store
from aether.store.writing import Conflict, Moment, Place
from aether.transcript import Answer, Transcript

log = logging.getLogger("aether")

CHECKPOINT_S = 0.8
"""Seconds between two savings of an answer that grows."""
PATIENCE_S = 3.0
"""Seconds that a request waits for the message to be saved before it leaves all the same."""
FORKED = "This conversation went on in another tab. What you say here is now a copy of its own."


@dataclass
class Notice:
    """What the visitor should know of the keeping: `trouble` for as long as it lasts, `news` once."""

    trouble: str = ""
    news: str = ""


class Keeper(Protocol):
    """What the runtime tells of its conversation. Nothing here raises."""

    notice: Notice

    @property
    def id(self) -> str:
        """Return the id under which the conversation is, or will be, kept."""
        ...

    def belong(self, owner: str) -> None:
        """Say whose session this is; the first word counts."""

    def fresh(self, place: Place | None = None) -> None:
        """Go on with another conversation: a new one, or one that was loaded and stands now as it is kept."""

    async def begin(self) -> None:
        """Commit what was asked, and go on to save the answer until it has ended."""

    def settle(self) -> None:
        """Save what the conversation is now: a turn has ended, or something was changed."""

    async def flush(self) -> None:
        """Wait until all that was to be saved is."""


class KeepsNothing:
    """The keeper of a session that is not kept."""

    def __init__(self, now: Callable[[], Moment]) -> None:
        self.notice = Notice()
        self.id = secrets.token_hex(16)

    def belong(self, owner: str) -> None:
        """Keep nothing."""

    def fresh(self, place: Place | None = None) -> None:
        """Keep nothing, under another id."""
        self.id = secrets.token_hex(16)

    async def begin(self) -> None:
        """Keep nothing."""

    def settle(self) -> None:
        """Keep nothing."""

    async def flush(self) -> None:
        """Keep nothing."""


@dataclass
class _Kept:
    """A conversation, where it is kept and what was saved of it last."""

    place: Place
    saved: Moment | None = None


class StoreKeeper:
    """Keep one conversation at a time in the store; nothing before its visitor is known."""

    def __init__(self, store: Store, now: Callable[[], Moment]) -> None:
        self._store = store
        self._now = now
        self._kept = _Kept(Place("", secrets.token_hex(16)))
        self._order = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None
        self._savings: set[asyncio.Task[None]] = set()
        self.notice = Notice()

    @property
    def id(self) -> str:
        """Return the id under which the conversation is, or will be, kept."""
        return self._kept.place.id

    def belong(self, owner: str) -> None:
        """Say whose session this is; the first word counts."""
        if not self._kept.place.owner:
            self._kept.place = replace(self._kept.place, owner=owner)

    def fresh(self, place: Place | None = None) -> None:
        """Go on with another conversation; what was to be saved of the last one still is."""
        owner = self._kept.place.owner
        self._kept = _Kept(place, self._now()) if place else _Kept(Place(owner, secrets.token_hex(16)))
        self.notice.news = ""

    async def begin(self) -> None:
        """Commit what was asked, and go on to save the answer until it has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.shield(self._spawn())
        if self._timer is None or self._timer.done():
            self._timer = asyncio.get_running_loop().create_task(self._checkpoints())

    def settle(self) -> None:
        """Save what the conversation is now, in the background."""
        self._spawn()

    async def flush(self) -> None:
        """Wait until all that was to be saved is."""
        if self._timer is not None:
            self._timer.cancel()
        while self._savings:
            await asyncio.wait(self._savings)

    def _spawn(self) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._save(self._kept, self._now()))
        self._savings.add(task)
        task.add_done_callback(self._savings.discard)
        return task

    async def _checkpoints(self) -> None:
        while self._now().open:
            await asyncio.sleep(CHECKPOINT_S)
            await asyncio.shield(self._spawn())

    async def _save(self, kept: _Kept, moment: Moment) -> None:
        async with self._order:
            if not kept.place.owner or not moment.transcript.turns or moment == kept.saved:
                return
            try:
                await self._put(kept, moment)
            except AetherError as error:
                self.notice.trouble = f"Not saved. {error.sentence}"
            except Exception:
                log.exception("A conversation could not be saved")
                self.notice.trouble = "Not saved. Something went wrong inside Aether. The chat goes on."
            else:
                self.notice.trouble = ""

    async def _put(self, kept: _Kept, moment: Moment) -> None:
        place, before = kept.place, kept.saved
        try:
            kept.place = await self._store.run(lambda: self._store.save(place, moment, before))
        except Conflict:  # somebody else wrote to it: what is said here goes into a copy of its own
            copy = Place(place.owner, secrets.token_hex(16))
            kept.place = await self._store.run(lambda: self._store.save(copy, moment))
            self.notice.news = FORKED
        kept.saved = moment


def moment(transcript: Transcript, model: str, lives: Lives | None) -> Moment:
    """Return the conversation as it stands, with what is being written as far as it came."""
    if lives is None or lives.is_over or lives.turn >= len(transcript.turns):
        return Moment(transcript, model)
    turn = transcript.turns[lives.turn]
    first = min(lives.before, len(turn.answers))
    answers = (*turn.answers[:first], *(_so_far(live) for live in lives.answers))
    grown = transcript.replace_turn(lives.turn, replace(turn, answers=answers))
    opened = frozenset((lives.turn, first + n) for n, live in enumerate(lives.answers) if not live.finished)
    return Moment(grown, model, opened)


def _so_far(live: Live) -> Answer:
    if live.finished or live.draft is None:
        return live.answer()
    return Answer((*live.steps, live.draft.settle(stop="stopped")), live.failure, live.stopped)

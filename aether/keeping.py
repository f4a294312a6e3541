"""One session's conversation and its place in the store: the message first, then the answer, second by second.

It is asked by the runtime and asks the store, in threads of the store's own. It never raises
and never slows an answer: what cannot be saved is tried again until it is, and `trouble`
says so meanwhile. It knows no model and no screen.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from aether.errors import AetherError
from aether.live import Live, Lives
from aether.store.conversations import Store
from aether.store.writing import Conflict, Deleted, Moment, Place, stages
from aether.transcript import Answer, Transcript

log = logging.getLogger("aether")

CHECKPOINT_S = 0.8
"""Seconds between two savings of an answer that grows."""
PATIENCE_S = 3.0
"""Seconds that a request waits for the message to be saved before it leaves all the same."""
SLOWEST_S = 10.0
"""Seconds between two tries to save, once many have failed."""
LONGEST_PAUSE_S = 0.1
"""Seconds at most between two stages of a long saving: as long as the stage took, for those who wait."""
GIVE_UP_S = 600.0
"""Seconds for which is still tried what a visitor left behind unsaved."""
News = Literal["", "forked", "deleted"]
"""What became of a conversation elsewhere: it went on there, or was deleted; what is said here is a copy of its own."""


@dataclass
class Notice:
    """What the visitor should know of the keeping. `trouble`: what is said is not saved at the moment."""

    trouble: bool = False
    news: News = ""


class Keeper(Protocol):
    """What the runtime tells of its conversation. Nothing here raises."""

    notice: Notice

    @property
    def id(self) -> str:
        """Return the id under which the conversation is, or will be, kept."""
        ...

    @property
    def owner(self) -> str:
        """Return whose session this is; empty while that was not said."""
        ...

    @property
    def is_owned(self) -> bool:
        """Tell whether it was said whose session this is: every page and every program does so first."""
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
        self.owner = ""
        self.is_owned = True

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


@dataclass(eq=False)
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
        self._owed: dict[_Kept, Moment] = {}
        self._left_at = 0.0
        self.notice = Notice()

    @property
    def id(self) -> str:
        """Return the id under which the conversation is, or will be, kept."""
        return self._kept.place.id

    @property
    def owner(self) -> str:
        """Return whose session this is; empty while that was not said."""
        return self._kept.place.owner

    @property
    def is_owned(self) -> bool:
        """Tell whether it was said whose session this is."""
        return bool(self._kept.place.owner)

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
        self._left_at = 0.0
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.shield(self._spawn())
        self._watch()

    def settle(self) -> None:
        """Save what the conversation is now, in the background."""
        self._spawn()

    async def flush(self) -> None:
        """Wait until all that was to be saved is, or could not be: then it is still tried for a while."""
        self._left_at = time.monotonic()
        while self._savings:
            await asyncio.wait(self._savings)
        if self._timer is not None and not self._owed:
            self._timer.cancel()

    def _spawn(self) -> asyncio.Task[None]:
        return self._saving(self._kept, self._now())

    def _saving(self, kept: _Kept, moment: Moment, *, again: bool = False) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._save(kept, moment, again=again))
        self._savings.add(task)
        task.add_done_callback(self._savings.discard)
        return task

    def _watch(self) -> None:
        """See to it that what grows, and what could not be saved, is saved in time."""
        if self._timer is None or self._timer.done():
            self._timer = asyncio.get_running_loop().create_task(self._checkpoints())

    async def _checkpoints(self) -> None:
        wait_s = CHECKPOINT_S
        while self._now().open or self._owed:
            await asyncio.sleep(wait_s)
            if self._now().open:
                await asyncio.shield(self._spawn())
            for kept, moment in list(self._owed.items()):
                await asyncio.shield(self._saving(kept, moment, again=True))
            wait_s = min(wait_s * 2, SLOWEST_S) if self._owed else CHECKPOINT_S
            if self._left_at and time.monotonic() > self._left_at + GIVE_UP_S:
                return

    async def _save(self, kept: _Kept, moment: Moment, *, again: bool = False) -> None:
        async with self._order:
            if not kept.place.owner or not moment.transcript.turns:
                return
            if again and self._owed.get(kept) is not moment:  # a newer one was saved, or is owed, since
                return
            try:
                if moment != kept.saved:
                    await self._put(kept, moment)
            except Exception as error:
                if not isinstance(error, AetherError):  # those that a database causes were logged there
                    log.exception("A conversation could not be saved")
                self._owed[kept] = moment
                self._watch()
            else:
                self._owed.pop(kept, None)
            self.notice.trouble = bool(self._owed)

    async def _put(self, kept: _Kept, moment: Moment) -> None:
        place, before = kept.place, kept.saved
        try:
            await self._put_in_stages(kept, moment)
        except Conflict as conflict:
            is_deleted = isinstance(conflict, Deleted)
            if kept is self._kept:
                self.notice.news = "deleted" if is_deleted else "forked"
            if is_deleted and kept.saved is not before:
                return  # it was deleted while its many turns were being written
            if is_deleted and before is not None and _asked(moment) == _asked(before):
                return  # who deleted it meant the answer that was being written, too
            kept.place = Place(place.owner, secrets.token_hex(16))  # what is said here never mixes with what was there
            kept.saved = None
            await self._put_in_stages(kept, moment)

    async def _put_in_stages(self, kept: _Kept, moment: Moment) -> None:
        """Save in short transactions; others write between two of them, and what was saved stays where one fails."""
        for stage in stages(moment, kept.saved):
            began = time.monotonic()
            kept.place = await self._store.saved(kept.place, stage, kept.saved)
            kept.saved = stage
            if stage is not moment:
                await asyncio.sleep(min(time.monotonic() - began, LONGEST_PAUSE_S))


def _asked(moment: Moment) -> list[object]:
    return [turn.prompt for turn in moment.transcript.turns]


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

"""Pages made without holding the event loop: what takes long is rendered in the workers, each fragment with a budget.

A page is made once to see what is missing, that is rendered, and it is made again. What exceeds its
budget is shown as it stands. This module knows neither components nor what a page is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from aether.errors import WorkerBusy, WorkerError, WorkerTimeout
from aether.ui.fragments import Cache, Fragment, Key, Markups, is_light, made, rendered_all
from aether.workers import WorkerPool

FRAGMENT_S = 1.0
"""CPU seconds of one fragment."""
PAGE_S = 4.0
"""CPU seconds of one page; what is missing after that is shown as it stands, and rendered at the next look."""
GROUP_CHARS = 16_000
"""Characters of light fragments that are rendered in one call of a worker."""
WAIT_S = 2.0
"""Seconds that a page waits for a worker."""

Result = TypeVar("Result")


class Done(NamedTuple):
    """Markup by its key. `exceeded`: a fragment has exceeded its budget; `busy`: no worker was free for all."""

    markups: Markups
    exceeded: bool = False
    busy: bool = False


class Renderer:
    """Makes pages, over the workers of the process; without workers all that is not light is shown as it stands."""

    def __init__(self, workers: WorkerPool | None = None) -> None:
        self._workers = workers
        self._cache = Cache()

    async def page(self, make: Callable[[], Result], *, owner: str) -> Result:
        """Return what `make` makes, all its fragments rendered or shown as they stand."""
        state, page = made(make, self._cache, {})
        if not page.missing or self._workers is None:
            return state
        done = await self._rendered(page.missing, owner)
        for key, markup in done.markups.items():
            self._cache.put(key, markup)
        return made(make, self._cache, done.markups)[0]

    async def frame(self, make: Callable[[], Result], known: Markups, *, owner: str) -> tuple[Result, Markups, Done]:
        """Return a state of an answer, the markup that is in it, and how rendering went; nothing is kept."""
        state, page = made(make, None, known)
        if not page.missing or self._workers is None:
            return state, page.used, Done({})
        done = await self._rendered(page.missing, owner)
        state, page = made(make, None, known | done.markups)
        return state, page.used, done

    async def _rendered(self, missing: dict[Key, Fragment], owner: str) -> Done:
        """Return the markup of fragments; of one that exceeds its budget, how it stands."""
        assert self._workers is not None
        markups: Markups = {}
        left_s, exceeded = PAGE_S, False
        for group in _groups(missing.items()):
            values = [tuple(fragment) for _, fragment in group]
            try:
                done, cpu_s = await self._workers.run(
                    rendered_all, values, timeout_s=FRAGMENT_S, owner=owner, wait_s=WAIT_S
                )
            except WorkerBusy:
                return Done(markups, exceeded, busy=True)
            except WorkerTimeout:
                cpu_s, exceeded = FRAGMENT_S, True
                done = [fragment.as_it_stands for _, fragment in group]
            except WorkerError:  # the worker's failure, not the text's: it is tried again at the next look
                cpu_s, exceeded, group, done = FRAGMENT_S, True, [], []
            markups |= {key: markup for (key, _), markup in zip(group, done, strict=True)}
            left_s -= cpu_s
            if left_s <= 0:
                return Done(markups, exceeded=True)
        return Done(markups, exceeded)


class Growing:
    """Makes the states of the answers to one turn. What was rendered of the last state is at hand for the next.

    Where a state has exceeded its budget, what is not light of all that follow is shown as it stands:
    an answer that is slow to render is not tried again with each of its words.
    """

    def __init__(self, renderer: Renderer, owner: str) -> None:
        self._renderer = renderer
        self._owner = owner
        self._known: Markups = {}
        self._state = ""
        self._exceeded = False

    async def frame(self, make: Callable[[], str]) -> str:
        """Return the next state; the last one again where all workers are busy."""
        if self._exceeded:
            return made(make, None, {})[0]
        state, self._known, done = await self._renderer.frame(make, self._known, owner=self._owner)
        self._exceeded = done.exceeded
        if not done.busy or not self._state:
            self._state = state
        return self._state

    async def last(self, make: Callable[[], str]) -> str:
        """Return the last state, which is kept: it is what the page asks for next."""
        return await self._renderer.page(make, owner=self._owner)


def _groups(missing: Iterable[tuple[Key, Fragment]]) -> list[list[tuple[Key, Fragment]]]:
    """Return the fragments in groups for one call each: the light ones together, each other one alone."""
    groups: list[list[tuple[Key, Fragment]]] = []
    together: list[tuple[Key, Fragment]] = []
    room = GROUP_CHARS
    for key, fragment in missing:
        if not is_light(fragment):
            groups.append([(key, fragment)])
            continue
        if len(fragment.source) > room and together:
            groups.append(together)
            together, room = [], GROUP_CHARS
        together.append((key, fragment))
        room -= len(fragment.source)
    return [together, *groups] if together else groups

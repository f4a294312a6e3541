"""What of a page is rendered where: the loop renders little, whatever there is to render."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import AsyncIterator

import pytest

from aether.ui import fragments, markdown, words
from aether.ui.fragments import CACHE_BYTES, INLINE_CHARS, LIGHT_CHARS, PAGE_CHARS, Cache, Fragment, is_light, made
from aether.ui.renderer import Growing, Renderer
from aether.workers import PoolLimits, WorkerPool
from tests import work

LIST = "- an *item*\n"
SLOW = "- $x_1$ `a` " + "![" * 600 + "\n"


@pytest.fixture
async def workers() -> AsyncIterator[WorkerPool]:
    workers = WorkerPool()
    yield workers
    await workers.aclose()


def rendered_here(*sources: str) -> int:
    """Return how many characters of a page are rendered on the loop."""
    _, page = made(lambda: [fragments.prose(source) for source in sources], Cache(), {})
    missing = {fragment.source for fragment in page.missing.values()}
    return sum(len(source) for source in set(sources) - missing)


def test_the_loop_renders_little_of_a_page_whatever_it_holds() -> None:
    choose = random.Random(3)
    for _ in range(20):
        kind = choose.choice((LIST, "word ", SLOW, "a\n\n"))
        sources = [(str(n) + kind * (9_000 // len(kind)))[: choose.randint(1, 9_000)] for n in range(40)]
        assert rendered_here(*sources) <= INLINE_CHARS


def test_an_ordinary_answer_is_rendered_at_once() -> None:
    answer = "A plain answer of *some* length, with `code` and a [link](https://example.org).\n\n" * 12
    assert rendered_here(answer) == len(answer)


def test_what_is_light_is_short_or_plain() -> None:
    assert is_light(Fragment("prose", "[" * LIGHT_CHARS, "", "en"))
    assert not is_light(Fragment("prose", "[" * (LIGHT_CHARS + 1), "", "en"))
    assert is_light(Fragment("prose", "word " * 700, "", "en"))
    assert not is_light(Fragment("code", "word " * 700, "python", ""))


async def test_a_worker_renders_what_the_loop_would_not(workers: WorkerPool) -> None:
    renderer = Renderer(workers)
    source = LIST * 1_500
    words.speak("de")
    try:
        shown = await renderer.page(lambda: fragments.prose(source + "```py\nx = 1\n```"), owner="a")
        assert shown == markdown.prose(source + "```py\nx = 1\n```")
    finally:
        words.speak("")
    state, page = made(lambda: fragments.prose(source + "```py\nx = 1\n```"), renderer._cache, {})  # pyright: ignore[reportPrivateUsage]
    assert page.missing, "another language of the page has other markup"
    assert state.startswith('<p class="plain">')


async def test_what_was_rendered_is_not_rendered_again(workers: WorkerPool) -> None:
    renderer = Renderer(workers)
    first = await renderer.page(lambda: fragments.prose(LIST * 900), owner="a")
    await workers.aclose()
    assert await renderer.page(lambda: fragments.prose(LIST * 900), owner="a") == first


async def test_what_exceeds_its_budget_stands_as_it_is_and_is_not_tried_again(workers: WorkerPool) -> None:
    renderer = Renderer(WorkerPool(PoolLimits(memory_bytes=1)))  # whatever is asked of them fails
    shown = await renderer.page(lambda: fragments.prose("<b>" + LIST * 900), owner="a")
    assert shown == markdown.unrendered("<b>" + LIST * 900)
    growing = Growing(renderer, "a")
    for length in (1_200, 1_300):
        state = await growing.frame(lambda length=length: fragments.prose(LIST * length))
        assert state == markdown.unrendered(LIST * length)


async def test_a_text_whose_worker_was_killed_is_rendered_at_the_next_look(workers: WorkerPool) -> None:
    renderer = Renderer(workers)
    pid = (await workers.run(work.describe, timeout_s=9, owner="a"))[0]
    os.kill(pid, signal.SIGKILL)
    assert await renderer.page(lambda: fragments.prose(LIST * 900), owner="a") == markdown.unrendered(LIST * 900)
    assert await renderer.page(lambda: fragments.prose(LIST * 900), owner="b") == markdown.prose(LIST * 900)


async def test_an_answer_that_grows_is_rendered_by_workers_once_it_is_long(workers: WorkerPool) -> None:
    growing = Growing(Renderer(workers), "a")
    for length in (10, 900, 905):
        state = await growing.frame(lambda length=length: fragments.prose(LIST * length))
        assert state == markdown.prose(LIST * length)
    assert await growing.last(lambda: fragments.prose(LIST * 905)) == markdown.prose(LIST * 905)


def test_a_page_shows_no_more_than_it_has_room_for() -> None:
    long = "word " * 30_000
    texts, _ = made(lambda: [fragments.plain(f"{n}{long}") for n in range(40)], None, {})
    assert sum(map(len, texts)) < PAGE_CHARS + 40 * 3_000
    assert "characters" in texts[-1] or "more" in texts[-1]


def test_what_is_kept_is_bounded_in_bytes() -> None:
    cache = Cache()
    for number in range(2_000):
        cache.put(number.to_bytes(20, "big"), "ä" * 20_000)
    assert cache.size <= CACHE_BYTES
    assert cache.get((1_999).to_bytes(20, "big"))
    assert cache.get((0).to_bytes(20, "big")) is None

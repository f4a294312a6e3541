"""What of a page takes time to render: how much of it the event loop renders, and what is kept. No component.

The loop renders only what is short: `is_light` says what that is, `INLINE_CHARS` how much of it in one page.
Everything else is missing from a page that is made, until `renderer.py` has it rendered elsewhere. What
was rendered is kept by the digest of its source, the newest `CACHE_BYTES` of it, so that a settled answer is
rendered once and not at each look. `render.py` and its like call `prose`, `code` and `plain` while they make a page.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from hashlib import blake2b
from typing import Literal, NamedTuple, TypeVar

from aether.ui import lexers, markdown, words
from aether.ui.sentences import told
from aether.ui.tangle import LONGEST

LIGHT_CHARS = 1_000
"""Characters that may be rendered on the loop whatever they are: 27 ms at worst of 1,300 texts made to be slow."""
LONGEST_LIGHT = 4_000
FEW_MARKS = 250
"""Signs of Markdown in such a text: it costs no more than a short one that holds nothing else."""
INLINE_CHARS = 4_000
"""Characters that the loop renders for one page; what is more, if only by its sum, goes to a worker."""
PAGE_PIECES = 3_000
"""Parts, calls of tools and notes that one page shows."""
PAGE_TRANSLATIONS = 60
"""Texts of a page that are looked up among our own sentences; one takes up to some milliseconds."""
PAGE_CHARS = 2_000_000
"""Characters that one page shows; a text beyond them is cut to its first `CUT_CHARS`."""
CUT_CHARS = 2_000
CACHE_BYTES = 24_000_000
LEAST_KEPT = 200
"""Characters of a source below which its markup is made again sooner than looked up."""
_MARKS = re.compile(r"[\[\]*_~`<>$\\|!&]")

Kind = Literal["prose", "code"]
Result = TypeVar("Result")
Key = bytes
Markups = dict[Key, str]


class Fragment(NamedTuple):
    """A source and what it is; `reader` is the language of the page, `language` that of code."""

    kind: Kind
    source: str
    language: str
    reader: str

    @property
    def key(self) -> Key:
        """Return the digest of all that its markup depends on."""
        digest = blake2b(f"{self.kind}\0{self.language}\0{self.reader}\0".encode(), digest_size=20)
        digest.update(self.source.encode("utf-8", "surrogatepass"))
        return digest.digest()

    @property
    def as_it_stands(self) -> str:
        """Return its markup without anything rendered."""
        return markdown.unrendered(self.source) if self.kind == "prose" else markdown.text(self.source)


def is_light(fragment: Fragment) -> bool:
    """Return whether a fragment is rendered in a bounded time, a few hundredths of a second."""
    length = len(fragment.source)
    if length <= LIGHT_CHARS:
        return True
    return fragment.kind == "prose" and length <= LONGEST_LIGHT and len(_MARKS.findall(fragment.source)) <= FEW_MARKS


def rendered(fragment: Fragment) -> str:
    """Return the markup of a fragment, however long that takes."""
    if fragment.kind == "prose":
        return markdown.prose(fragment.source)
    return markdown.coloured(fragment.source, language=fragment.language)


def rendered_all(fragments: list[tuple[Kind, str, str, str]]) -> tuple[list[str], float]:
    """Return the markup of some fragments, and the CPU seconds that it took; called in a worker."""
    began_s = time.process_time()
    markups: list[str] = []
    for values in fragments:
        fragment = Fragment(*values)
        words.speak(fragment.reader)
        markups.append(rendered(fragment))
    return markups, time.process_time() - began_s


class Cache:
    """Markup by the digest of its source, the most recently used of it."""

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        self._most_bytes = most_bytes
        self._markups: OrderedDict[Key, str] = OrderedDict()
        self.size = 0

    def get(self, key: Key) -> str | None:
        """Return the markup, None where it is not there."""
        markup = self._markups.get(key)
        if markup is not None:
            self._markups.move_to_end(key)
        return markup

    def put(self, key: Key, markup: str) -> None:
        """Keep a markup."""
        if key not in self._markups:
            self._markups[key] = markup
            self.size += _weight(markup)
        while self.size > self._most_bytes:
            self.size -= _weight(self._markups.popitem(last=False)[1])


def _weight(markup: str) -> int:
    """Return about how many bytes an entry takes: up to four for a character, and the entry itself."""
    return len(markup) * (1 if markup.isascii() else 4) + 300


class PageRender:
    """One making of a page: what it may still render and show, and what is missing."""

    def __init__(self, cache: Cache | None, known: Markups) -> None:
        self.missing: dict[Key, Fragment] = {}
        self.used: Markups = {}
        self._cache = cache
        self._known = known
        self._inline_left = INLINE_CHARS
        self._left = PAGE_CHARS
        self._pieces = PAGE_PIECES
        self._translations = PAGE_TRANSLATIONS

    def takes_piece(self) -> bool:
        """Return whether the page has room for one more piece, and take that room."""
        self._pieces -= 1
        return self._pieces >= 0

    def translation(self, english: str) -> str:
        """Return a sentence of another room in the reader's language, while the page may look one up."""
        self._translations -= 1
        return told(english) if self._translations >= 0 else english

    def allows(self, source: str) -> bool:
        """Return whether the page has room for a text, and take that room."""
        if len(source) > CUT_CHARS and len(source) > self._left:
            return False
        self._left -= len(source)
        return True

    def markup(self, fragment: Fragment) -> str:
        """Return the markup of a fragment, or the fragment as it stands where it has to be rendered elsewhere."""
        if not self.allows(fragment.source):
            return markdown.text(cut(fragment.source))
        if len(fragment.source) <= LEAST_KEPT and self._takes(fragment):
            return rendered(fragment)
        if len(fragment.source) > LONGEST:
            return fragment.as_it_stands
        key = fragment.key
        markup = self._known.get(key) or (self._cache.get(key) if self._cache else None)
        if markup is None and self._takes(fragment):
            markup = rendered(fragment)
            if self._cache:
                self._cache.put(key, markup)
        if markup is None:
            self.missing[key] = fragment
            return fragment.as_it_stands
        self.used[key] = markup
        return markup

    def _takes(self, fragment: Fragment) -> bool:
        """Return whether the fragment may be rendered here and now."""
        if len(fragment.source) > self._inline_left or not is_light(fragment):
            return False
        self._inline_left -= len(fragment.source)
        return True


_page: ContextVar[PageRender | None] = ContextVar("page", default=None)


def prose(source: str) -> str:
    """Return a model's Markdown as markup, as far as the page that is being made has it."""
    return _current().markup(Fragment("prose", source, "", words.spoken()))


def code(source: str, *, language: str = "", title: str = "") -> str:
    """Return a block of code as markup, in its colours as far as the page that is being made has them."""
    name = markdown.language_name(language)
    if not lexers.has_colours(name):
        return markdown.figure(plain(source), title=title or name)
    return markdown.figure(_current().markup(Fragment("code", source, name, "")), title=title or name)


def plain(source: str) -> str:
    """Return a text as it stands, escaped, as far as the page has room for it."""
    return markdown.text(source if _current().allows(source) else cut(source))


def takes_piece() -> bool:
    """Return whether the page that is being made has room for one more piece, and take it."""
    return _current().takes_piece()


def translated(english: str) -> str:
    """Return a sentence of another room in the reader's language, as far as the page may look it up."""
    return _current().translation(english)


def has_room(source: str) -> bool:
    """Return whether the page that is being made has room for one more copy of a text, and take it."""
    return _current().allows(source)


def cut(source: str) -> str:
    """Return the beginning of a text, and say how much follows."""
    if len(source) <= CUT_CHARS:
        return source
    return source[:CUT_CHARS] + "\n" + words.say("call.more", count=f"{len(source) - CUT_CHARS:,}")


def _current() -> PageRender:
    return _page.get() or PageRender(None, {})


def made(make: Callable[[], Result], cache: Cache | None, known: Markups) -> tuple[Result, PageRender]:
    """Return what `make` makes, and how its making went."""
    page = PageRender(cache, known)
    token = _page.set(page)
    try:
        return make(), page
    finally:
        _page.reset(token)

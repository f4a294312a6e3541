"""What a run is given: the book, how often, how long."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.apps import Aether, App, ChatInterface
from bench.book import Book
from bench.browser import Chromium, Visit
from bench.processes import Server
from bench.provider import Provider

WARM_UP = 2
"""Answers on a fresh page that are not counted."""


@dataclass(frozen=True)
class Plan:
    """One run. `rounds`: how often each application has its turn; `asks`: answers in each round."""

    book: Book
    rounds: int
    asks: int
    apps: tuple[App, ...] = (Aether(), ChatInterface())
    is_quick: bool = False

    @property
    def own(self) -> tuple[App, ...]:
        """Return those that can be given a history."""
        return tuple(app for app in self.apps if isinstance(app, Aether | ChatInterface))


@contextmanager
def served(app: App, provider: Provider, *, turns: int = 0) -> Iterator[Server]:
    """Run an application for a while, in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="aether-bench-") as folder,
        app.server(provider, Path(folder), turns=turns) as server,
    ):
        server.wait()
        yield server


@contextmanager
def visit(app: App, provider: Provider, chromium: Chromium, *, turns: int) -> Iterator[Visit]:
    """Open a page of an application with a conversation of `turns` turns."""
    with served(app, provider, turns=turns) as server, chromium.page() as page:
        app.open(page, server, turns=turns)
        yield Visit(app, server, provider, chromium, page, turns)

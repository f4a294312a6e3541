"""The part of a conversation that a page shows: its newest turns, and more of them on request. No component."""

from __future__ import annotations

from typing import NamedTuple

from aether.transcript import Transcript
from aether.ui import render
from aether.ui.guard import who
from aether.ui.renderer import Renderer


class Window(NamedTuple):
    """How many turns a page shows; `snapshot`: the id of the shared conversation that they are of."""

    turns: int = render.WINDOW_TURNS
    snapshot: str = ""

    def wider(self) -> Window:
        """Return a window that shows more."""
        return self._replace(turns=self.turns + render.WINDOW_TURNS)


def asker() -> str:
    """Return for whom a page is made."""
    asks = who()
    return asks.visitor or asks.session


async def show(renderer: Renderer, transcript: Transcript, window: Window) -> tuple[list[render.Message], str]:
    """Return the chat's value, and the words of the button for what is before it."""
    messages = await renderer.page(lambda: render.messages(transcript, window_turns=window.turns), owner=asker())
    return messages, render.earlier(len(transcript.turns) - window.turns)

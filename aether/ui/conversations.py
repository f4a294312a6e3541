"""The conversations of a visitor on the page: opening one, following one, and what is to be said about its keeping.

The list itself is drawn by `conversations.js` from the routes in `routes.py`. To open a
conversation, that script writes its id into a wire and presses it; `mark` tells it which
conversation the page shows.
"""

from __future__ import annotations

import time
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from aether import visitors
from aether.asking import INDEXED
from aether.errors import AetherError
from aether.runtime import SYSTEM, AgentRuntime
from aether.services import Services
from aether.store.conversations import Kept
from aether.store.shares import Shares
from aether.transcript import File, Image, Transcript
from aether.ui import panels, pickers, render
from aether.ui.history import Window, show
from aether.ui.markdown import one_line, text
from aether.ui.plain import MARKUP, QUICK
from aether.ui.renderer import Renderer
from aether.ui.words import say

if TYPE_CHECKING:
    from aether.ui.layout import Page

Updates = tuple[Any, ...]
NEWS = {"forked": "kept.forked", "deleted": "kept.deleted"}
LIST = one_line(
    '<div class="conversations"><input type="search" id="find" maxlength="300" data-say-label="list.find" '
    'data-say-placeholder="list.search" autocomplete="off"><div id="list"></div></div>'
)


def owner_of(request: gr.Request) -> str:
    """Return whose session a request belongs to: the visitor's, or that of a program without a cookie."""
    visitor = str(request.headers.get(visitors.HEADER, ""))  # pyright: ignore[reportUnknownArgumentType]
    return visitor or sha256(f"session:{request.session_hash}".encode()).hexdigest()


class Opening:
    """What the page does to go to a conversation."""

    def __init__(self, services: Services, renderer: Renderer) -> None:
        self.services = services
        self.renderer = renderer
        self.shares = Shares(services.store)

    async def open(self, wanted: str | None, runtime: AgentRuntime, request: gr.Request) -> Updates:
        """Go to a conversation, to a shared snapshot (`s:ID`), or to a copy of one (`copy:ID`)."""
        owner = owner_of(request)
        self.services.sessions.attach(request.session_hash or "", runtime, owner=owner)
        kind, _, id_ = (wanted or "").rpartition(":")
        try:
            if kind == "s":
                return await self._snapshot(id_, owner)
            await runtime.stop()
            if kind == "copy":
                copied, size = await self.services.store.run(lambda: self._copied(id_), owner=owner)
                await runtime.admit_bytes(size)
                runtime.load(copied)
                return await self._shown(runtime)
            await runtime.keeper.flush()
            kept = await self.services.store.run(lambda: self._kept(owner, id_), owner=owner)
            runtime.load(kept.transcript, kept=kept)
        except AetherError as error:
            refused = panels.receipt((error.sentence,), tone="error")
            return (*_unchanged(7), refused, mark(runtime, gone=id_))
        return await self._shown(runtime, follows=kept.is_held)

    def _copied(self, id_: str) -> tuple[Transcript, int]:
        """Return a copy of a snapshot, and about how many bytes the store takes for it."""
        copied = replace(self.shares.read(id_).transcript, system=SYSTEM)
        return copied, INDEXED * len(copied.to_json().encode())

    def _kept(self, owner: str, id_: str) -> Kept:
        kept = self.services.store.load(owner, id_)
        parts = [p for turn in kept.transcript.turns for p in turn.prompt]
        self.services.blobs.bring(p.blob for p in parts if isinstance(p, Image | File))
        return kept

    async def mark(self, runtime: AgentRuntime) -> str:
        """Tell the page which conversation it shows."""
        return mark(runtime)

    async def _shown(self, runtime: AgentRuntime, *, follows: bool = False) -> Updates:
        provider, model = pickers.both(self.services.catalog.names(), reference=runtime.reference)
        hue = render.hues(runtime.transcript, also=runtime.reference).get(runtime.reference, 0)
        badge = panels.badge(runtime.reference, state="ready", hue=hue, word=time.monotonic_ns())
        head = (provider, model, badge, panels.usage(runtime.transcript))
        shown = await show(self.renderer, runtime.transcript, Window())
        return (*shown, Window(), *head, "", mark(runtime, follows=follows))

    async def _snapshot(self, id_: str, owner: str) -> Updates:
        shared = await self.services.store.run(lambda: self.shares.read(id_), owner=owner)
        said = one_line(
            f'<div class="keeping shared" data-shared="{id_}"><b>{text(shared.title)}</b>'
            f"<span>{text(say('kept.shared'))}</span>"
            f'<button type="button" class="copy-shared">{text(say("kept.copy"))}</button></div>'
        )
        head = (*_unchanged(3), panels.usage(shared.transcript))
        window = Window(snapshot=id_)
        return (*await show(self.renderer, shared.transcript, window), window, *head, "", said)

    async def earlier(self, runtime: AgentRuntime, window: Window) -> Updates:
        """Show more of the conversation or snapshot that the page shows: chat, earlier, window."""
        wider = window.wider()
        transcript = runtime.transcript
        if window.snapshot:
            try:
                reading = self.services.store.run(lambda: self.shares.read(window.snapshot), owner=runtime.keeper.owner)
                transcript = (await reading).transcript
            except AetherError:  # it was taken back meanwhile
                return tuple(_unchanged(3))
        return (*await show(self.renderer, transcript, wider), wider)


def _unchanged(count: int) -> list[Any]:
    return [cast(Any, gr.update()) for _ in range(count)]


def mark(runtime: AgentRuntime, *, follows: bool = False, gone: str = "") -> str:
    """Name the conversation that the page shows, and say what is to be said about its keeping."""
    keeper = runtime.keeper
    key = "kept.trouble" if keeper.notice.trouble else "kept.follows" if follows else NEWS.get(keeper.notice.news, "")
    tone = "bad" if keeper.notice.trouble else "note"
    banner = f'<span class="{tone}" role="status">{text(say(key))}</span>' if key else ""
    id_ = keeper.id if runtime.transcript.turns else ""
    facts = f'data-id="{id_}" data-follows="{int(follows)}" data-gone="{text(gone[:64])}"'
    facts += f' data-lost="{int(not keeper.is_owned)}" data-trouble="{int(keeper.notice.trouble)}"'
    shape = "keeping" if key else "keeping silent"
    return one_line(f'<div class="{shape}" {facts} data-word="{time.monotonic_ns()}">{banner}</div>')


def build(page: Page, services: Services) -> None:
    """Put the list into the sidebar, the mark over the chat, and the wires behind both."""
    with page.place("conversations"):
        gr.Markdown(LIST, elem_id="conversations", **MARKUP)
    with page.place("above-chat"):
        marked = gr.Markdown("", elem_id="conversation", **MARKUP)
    with page.place("wires"):
        wanted = gr.Textbox(elem_id="open-id", label="Conversation", container=False)
        go = gr.Button("Open", elem_id="open")
        again = gr.Button("Which", elem_id="mark")
    opening, state = Opening(services, page.renderer), page.runtime
    history = [page.chat, page.earlier, page.window]
    head = [page.provider, page.model, page.badge, page.usage]
    go.click(opening.open, [wanted, state], [*history, *head, page.receipt, marked], **QUICK)
    again.click(opening.mark, state, marked, **QUICK)
    page.earlier.click(opening.earlier, [state, page.window], history, **QUICK)

"""The tree of components: ids and labels. No behaviour: `handlers.py`, `api.py` and the features give it that.

A feature lives in a module of its own, `ui/FEATURE.py`, with a function `build(page, services)`
that stands in `FEATURES`. It enters a place and puts its components there:

    with page.place("consent"):
        card = gr.Markdown(elem_id="consent", ...)

The places, as they stand on the screen, each a column with the id `place-NAME`:

    sidebar   conversations     the list of conversations, under the button that begins a new one
              sidebar-foot      at the foot, over the switch of light and dark
    header    header            between the running totals and the buttons
    notebook  above-chat        over the first cell that is shown
    dock      receipt           what a swap means; `receipt` stands first in it
              consent           a tool that asks before it runs
              fit               what to do with a conversation that does not fit
              allowance         what is left to a visitor
              attachments       the files of the message that is being written, over the text
              composer-start    buttons under the text of the message, 40 px high
    drawer    panel-requests    tab Requests; `inspector` stands in it
              panel-usage       tab Usage
              panel-tools       tab Tools
              panel-export      tab Export

A place with nothing in it takes no room, a tab whose panel is empty is not shown. Elements that
are not meant to be seen, and that a script presses, belong into the place `wires`.

No `gr.HTML` stands here: Gradio's compiles a template in the browser, which a strict content
security policy forbids. `gr.Markdown` shows the same markup; it is made safe in `markdown.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from aether.runtime import AgentRuntime
from aether.services import Services
from aether.ui import (
    api,
    attach,
    cells,
    conversations,
    exporting,
    fitting,
    furniture,
    guide,
    handlers,
    tools,
    usage,
)
from aether.ui.guard import who
from aether.ui.history import Window
from aether.ui.plain import MARKUP, Blocks
from aether.ui.renderer import Renderer
from aether.ui.stream import Lines

UPLOADS_S = 3600
"""Seconds that an upload which no message took in stays on the disk."""


@dataclass(frozen=True)
class Page:
    """The components that events read and write. `taking`: events that take the files of the message along."""

    demo: gr.Blocks
    renderer: Renderer
    runtime: gr.State
    window: gr.State
    line: gr.Markdown
    settle: gr.Button
    attached: gr.State
    provider: gr.Dropdown
    model: gr.Dropdown
    badge: gr.Markdown
    usage: gr.Markdown
    receipt: gr.Markdown
    earlier: gr.Button
    chat: gr.Chatbot
    live: gr.Markdown
    switch_now: gr.Button
    answer_again: gr.Button
    composer: gr.Textbox
    send: gr.Button
    stop: gr.Button
    new: gr.Button
    inspect: gr.Button
    inspector: gr.Markdown
    again_turn: gr.Textbox
    again: gr.Button
    begun: gr.Markdown
    stop_turn: gr.Textbox
    places: Mapping[str, gr.Column]
    taking: list[Any] = field(default_factory=list[Any])

    @contextmanager
    def place(self, name: str) -> Generator[gr.Column]:
        """Put what is made inside the `with` into a place of the page."""
        column = self.places[name]
        parent = column.parent
        with column:
            yield column
        column.parent = parent


FEATURES: tuple[Callable[[Page, Services], None], ...] = (
    conversations.build,
    cells.build,
    tools.build,
    usage.build,
    exporting.build,
    guide.build,
    attach.build,
    fitting.build,
)
"""What fills the places, in this order; each feature is known here and in its own module alone."""


def build_page(services: Services, lines: Lines) -> gr.Blocks:
    """Build the page and connect it; each session gets a runtime of its own, whose answers come over `lines`."""
    with Blocks(
        title="Aether",
        analytics_enabled=False,
        fill_width=True,
        fill_height=False,
        delete_cache=(600, UPLOADS_S),
    ) as demo:
        page = _tree(demo, services.new_runtime(who), lines.renderer)
        api.connect(services, page.runtime)  # first: the public names are its own
        handlers.connect(page, services, lines)
        for build in FEATURES:
            build(page, services)
    return demo


def _tree(demo: gr.Blocks, template: AgentRuntime, renderer: Renderer) -> Page:
    parts: dict[str, Any] = {"runtime": gr.State(template), "window": gr.State(Window())}
    parts["attached"] = gr.State(())
    places: dict[str, gr.Column] = {}
    parts |= _top(places)
    _sidebar(places)
    parts |= _notebook(places) | _dock(places) | _drawer(places)
    with gr.Row(elem_id="wires"):  # not seen: `page.js` presses these for the buttons inside a cell
        parts["again_turn"] = gr.Textbox(elem_id="again-turn", label="Cell", container=False)
        parts["again"] = gr.Button("Answer again", elem_id="again")
        parts["settle"] = gr.Button("Settle", elem_id="settle")
        parts["line"] = _markup("", elem_id="line")
        parts["begun"] = _markup("", elem_id="begun")
        parts["stop_turn"] = gr.Textbox(elem_id="stop-turn", label="Turn", container=False)
        _place(places, "wires")
    return Page(demo=demo, renderer=renderer, places=places, **parts)


def _place(places: dict[str, gr.Column], name: str, *, elem_classes: str = "place") -> gr.Column:
    places[name] = gr.Column(elem_id=f"place-{name}", elem_classes=elem_classes)
    return places[name]


def _top(places: dict[str, gr.Column]) -> dict[str, Any]:
    with gr.Row(elem_id="top"):
        gr.Button("Conversations", elem_id="menu", size="sm", min_width=0)
        _markup(furniture.WORDMARK, elem_id="brand")
        with gr.Row(elem_id="pickers"):
            provider = gr.Dropdown([], label="Provider", elem_id="provider", min_width=120)
            model = gr.Dropdown([], label="Model", elem_id="model", min_width=160)
        badge, usage = _markup("", elem_id="badge"), _markup("", elem_id="usage")
        _place(places, "header")
        return {
            "provider": provider,
            "model": model,
            "badge": badge,
            "usage": usage,
            "new": gr.Button("New", elem_id="new", size="sm", min_width=0),
            "inspect": gr.Button("Details", elem_id="inspect", size="sm", min_width=0),
        }


def _sidebar(places: dict[str, gr.Column]) -> None:
    with gr.Column(elem_id="sidebar"):
        _place(places, "conversations")
        with gr.Column(elem_id="sidebar-foot"):
            _place(places, "sidebar-foot")
            _markup(furniture.schemes(), elem_id="scheme")


def _notebook(places: dict[str, gr.Column]) -> dict[str, Any]:
    with gr.Column(elem_id="notebook"):
        _markup(furniture.welcome(), elem_id="welcome")
        _place(places, "above-chat")
        earlier = gr.Button("", elem_id="earlier", size="sm")
        chat = gr.Chatbot(
            elem_id="chat",
            label="Conversation",
            show_label=False,
            container=False,
            height="auto",
            autoscroll=False,
            buttons=[],
            feedback_options=None,
            latex_delimiters=[],
            sanitize_html=False,  # made safe by construction; the sanitiser would strip data-turn and leave SVG links
            allow_tags=False,  # formulas are MathML, which it would otherwise show as text
            layout="panel",
            group_consecutive_messages=False,
        )
        _markup("", elem_id="echo")
        return {"earlier": earlier, "chat": chat, "live": _markup("", elem_id="live")}


def _dock(places: dict[str, gr.Column]) -> dict[str, Any]:
    with gr.Column(elem_id="dock"):
        with _place(places, "receipt"):
            receipt = _markup("", elem_id="receipt")
        for name in ("consent", "fit"):
            _place(places, name)
        with gr.Row(elem_id="choices"):
            switch_now = gr.Button("Stop and switch now", elem_id="switch-now", size="sm")
            answer_again = gr.Button("Answer again with the new model", elem_id="answer-again", size="sm")
        _place(places, "allowance")
        _markup(furniture.offline(), elem_id="offline")
        with gr.Column(elem_id="writing-desk"):
            _place(places, "attachments")
            desk = _desk(places)
    return {"receipt": receipt, "switch_now": switch_now, "answer_again": answer_again, **desk}


def _desk(places: dict[str, gr.Column]) -> dict[str, Any]:
    with gr.Row(elem_id="desk-row"):
        _place(places, "composer-start")
        composer = gr.Textbox(
            elem_id="composer",
            label="Message",
            show_label=False,
            container=False,
            lines=1,
            max_lines=10,
            placeholder="Ask anything",
        )
        _markup(furniture.hints(), elem_id="hints")
        send = gr.Button("Send", elem_id="send", variant="primary", min_width=0, scale=0)
        stop = gr.Button("Stop", elem_id="stop", min_width=0, scale=0)
    return {"composer": composer, "send": send, "stop": stop}


def _drawer(places: dict[str, gr.Column]) -> dict[str, Any]:
    with gr.Column(elem_id="drawer"):
        _markup(furniture.tabs(), elem_id="tabs")
        panels = {name: _place(places, f"panel-{name}", elem_classes="drawer-panel") for name in furniture.TABS}
        with panels["requests"]:
            inspector = _markup("", elem_id="inspector")
    return {"inspector": inspector}


def _markup(value: str, *, elem_id: str | None = None) -> gr.Markdown:
    return gr.Markdown(value, elem_id=elem_id, **MARKUP)

"""The tree of components: ids and labels. No behaviour: `handlers.py` and `api.py` give it that.

No `gr.HTML` stands here: Gradio's compiles a template in the browser, which a strict content
security policy forbids. `gr.Markdown` shows the same markup; it is made safe in `markdown.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from aether.runtime import AgentRuntime
from aether.services import Services
from aether.ui import api, handlers
from aether.ui.markdown import one_line, text

WORDMARK = '<div class="wordmark"><i></i>Aether</div>'
STARTERS = (
    ("Explain", "Explain how a rainbow forms, in three short steps."),
    ("Compare", "Make a small table that compares tea and coffee."),
    (
        "Write code",
        "Write a Python function that tells whether a word is a palindrome.",
    ),
    ("Look around", "Which files are in the workspace? Use your tools."),
)
SMALL_MODEL = (
    "The model that ships with Aether is very small: it starts at once and needs no key, but it makes mistakes. "
    "Choose another above at any moment; the conversation stays."
)


@dataclass(frozen=True)
class Page:
    """The components that events read and write."""

    demo: gr.Blocks
    runtime: gr.State
    window: gr.State
    refused: gr.State
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


def build_page(services: Services) -> gr.Blocks:
    """Build the page and connect it; each session gets a runtime of its own."""
    with gr.Blocks(title="Aether", analytics_enabled=False, fill_width=True, fill_height=False) as demo:
        page = _tree(demo, services.new_runtime())
        api.connect(services, page.runtime)  # first: the public names are its own
        handlers.connect(page, services)
    return demo


def _tree(demo: gr.Blocks, template: AgentRuntime) -> Page:
    parts: dict[str, Any] = {"runtime": gr.State(template), "window": gr.State(0), "refused": gr.State(False)}
    parts |= _top() | _notebook() | _dock()
    with gr.Column(elem_id="drawer"):
        _markup('<div class="drawer-title"><b>Requests</b><span>exactly as they were sent</span></div>')
        parts["inspector"] = _markup("", elem_id="inspector")
    with gr.Row(elem_id="wires"):  # not seen: `page.js` presses these for the buttons inside a cell
        parts["again_turn"] = gr.Textbox(elem_id="again-turn", label="Cell", container=False)
        parts["again"] = gr.Button("Answer again", elem_id="again")
    return Page(demo=demo, **parts)


def _top() -> dict[str, Any]:
    with gr.Row(elem_id="top"):
        _markup(WORDMARK, elem_id="brand")
        with gr.Row(elem_id="pickers"):
            provider = gr.Dropdown([], label="Provider", elem_id="provider", min_width=120)
            model = gr.Dropdown([], label="Model", elem_id="model", min_width=160)
        return {
            "provider": provider,
            "model": model,
            "badge": _markup("", elem_id="badge"),
            "usage": _markup("", elem_id="usage"),
            "new": gr.Button("New", elem_id="new", size="sm", min_width=0),
            "inspect": gr.Button("Requests", elem_id="inspect", size="sm", min_width=0),
        }


def _notebook() -> dict[str, Any]:
    with gr.Column(elem_id="notebook"):
        _markup(_welcome(), elem_id="welcome")
        earlier = gr.Button("Show earlier cells", elem_id="earlier", size="sm", visible=False)
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
            layout="panel",
            group_consecutive_messages=False,
        )
        _markup("", elem_id="echo")
        return {"earlier": earlier, "chat": chat, "live": _markup("", elem_id="live")}


def _dock() -> dict[str, Any]:
    with gr.Column(elem_id="dock"):
        receipt = _markup("", elem_id="receipt")
        with gr.Row(elem_id="choices"):
            switch_now = gr.Button("Stop and switch now", elem_id="switch-now", size="sm")
            answer_again = gr.Button("Answer again with the new model", elem_id="answer-again", size="sm")
        with gr.Row(elem_id="writing-desk"):
            composer = gr.Textbox(
                elem_id="composer",
                label="Message",
                show_label=False,
                container=False,
                lines=1,
                max_lines=10,
                placeholder="Ask anything",
            )
            send = gr.Button("Send", elem_id="send", variant="primary", min_width=0, scale=0)
            stop = gr.Button("Stop", elem_id="stop", min_width=0, scale=0)
        _markup(_hints(), elem_id="hints")
    return {
        "receipt": receipt,
        "switch_now": switch_now,
        "answer_again": answer_again,
        "composer": composer,
        "send": send,
        "stop": stop,
    }


def _markup(value: str, *, elem_id: str | None = None) -> gr.Markdown:
    return gr.Markdown(
        value,
        elem_id=elem_id,
        sanitize_html=False,
        latex_delimiters=[],
        container=False,
    )


def _welcome() -> str:
    cards = "".join(
        f'<button type="button" class="starter" data-message="{text(message)}"><b>{text(title)}</b>'
        f"<span>{text(message)}</span></button>"
        for title, message in STARTERS
    )
    return one_line(
        '<div class="welcome"><h1>One conversation, any model.</h1>'
        "<p>Change the model whenever you like, even in the middle of an answer. Each cell says who wrote it.</p>"
        f'<div class="starters">{cards}</div><p class="small">{text(SMALL_MODEL)}</p></div>'
    )


def _hints() -> str:
    keys = (
        ("Enter", "send"),
        ("Shift Enter", "new line"),
        ("/", "write"),
        ("Esc", "stop"),
    )
    return '<p class="hints">' + "".join(f"<span><kbd>{key}</kbd> {word}</span>" for key, word in keys) + "</p>"

"""Tools on the page: the panel with their switches, and the question whether a call may run.

A question is answered by an event of its own, to the runtime of its own session, while the
answer is still being written. `tools.js` presses the buttons that nobody sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from aether.runtime import AgentRuntime
from aether.services import Services
from aether.ui import toolpanel
from aether.ui.plain import MARKUP, QUICK

if TYPE_CHECKING:
    from aether.ui.layout import Page


async def show(runtime: AgentRuntime) -> tuple[str, str]:
    """Show the tools and what waits to be allowed: panel, questions. Who is shown them can be asked from now on."""
    runtime.toolbox.consent.attended = True
    return panel(runtime), questions(runtime)


async def look(runtime: AgentRuntime) -> str:
    """Find out which tools there are, servers of others included, and list them: panel."""
    await runtime.toolbox.prepare()
    return panel(runtime)


async def ask(runtime: AgentRuntime) -> str:
    """Show what waits to be allowed: questions."""
    return questions(runtime)


async def answer(said: str | None, runtime: AgentRuntime) -> tuple[str, str]:
    """Answer one question, `ID CHOICE`: panel, questions. An answer that comes twice or elsewhere does nothing."""
    question, _, choice = (said or "").partition(" ")
    runtime.toolbox.consent.answer(question, choice)
    return panel(runtime), questions(runtime)


async def switch(said: str | None, runtime: AgentRuntime) -> str:
    """Switch a tool of this session, `on NAME` or `off NAME`: panel."""
    word, _, name = (said or "").partition(" ")
    runtime.toolbox.switch(name, on=word == "on")
    return panel(runtime)


def panel(runtime: AgentRuntime) -> str:
    """Return the list of tools as this session has it."""
    model = runtime.llm.model if runtime.llm else None
    return toolpanel.panel(
        runtime.toolbox.states,
        troubles=runtime.toolbox.troubles,
        model=model.label if model else "",
        takes_tools=model is None or model.profile.tools,
    )


def questions(runtime: AgentRuntime) -> str:
    """Return what waits to be allowed, each with the model that asks."""
    lives = runtime.lives.answers if runtime.lives else ()
    calls = {id(call): live.asked for live in lives for step in live.steps[-1:] for call in step.calls}
    return "".join(
        toolpanel.cards([question], tools=runtime.toolbox.states, asker=calls.get(id(question.call), runtime.reference))
        for question in runtime.toolbox.consent.waiting
    )


def build(page: Page, services: Services) -> None:
    """Fill the places of the page, and connect them."""
    with page.place("composer-start"):
        opener = gr.Button("Tools", elem_id="tools-open", size="sm", min_width=0)
    with page.place("consent"):
        waiting = gr.Markdown("", elem_id="consent", **MARKUP)
    with page.place("panel-tools"):
        listed = gr.Markdown("", elem_id="tools", **MARKUP)
    with page.place("wires"):
        said = gr.Textbox(elem_id="consent-said", label="Answer", container=False)
        answered = gr.Button("Answer", elem_id="consent-answer")
        asked = gr.Button("Ask", elem_id="consent-ask")
        switched = gr.Textbox(elem_id="tool-said", label="Tool", container=False)
        switching = gr.Button("Switch", elem_id="tool-switch")
    state = page.runtime
    page.badge.change(show, state, [listed, waiting], **QUICK)
    opener.click(look, state, listed, **QUICK)
    asked.click(ask, state, waiting, **QUICK)
    answered.click(answer, [said, state], [listed, waiting], **QUICK)
    switching.click(switch, [switched, state], listed, **QUICK)

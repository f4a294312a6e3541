"""For people who do not read manuals: `/model name` in the composer. The sheet of keys and the tour are `guide.js`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from aether.runtime import AgentRuntime
from aether.services import Services
from aether.ui import handlers, panels, pickers
from aether.ui.plain import QUICK

if TYPE_CHECKING:
    from aether.ui.layout import Page


def build(page: Page, services: Services) -> None:
    """Put the field and the button of `/model` into the page: a choice made there moves the pickers along."""

    async def want(reference: str | None, runtime: AgentRuntime) -> tuple[Any, ...]:
        """Swap to a model by its reference: badge, receipt, provider, model, the button that answers again."""
        name, _, model = (reference or "").partition("/")
        event = runtime.select(name, model)
        provider, models = pickers.both(services.catalog.names(), reference=runtime.reference)
        if event["event_type"] != "model_updated":
            refused = panels.receipt((event["payload"]["error"],), tone="error")
            return handlers.badge(runtime, refused=True), refused, provider, models, handlers.unchanged()
        again = handlers.again(runtime)
        return handlers.badge(runtime), handlers.receipt(runtime), provider, models, again

    with page.place("wires"):
        wanted = gr.Textbox(elem_id="wanted", label="Model", container=False)
        go = gr.Button("Choose", elem_id="want")
    shown = [page.badge, page.receipt, page.provider, page.model, page.answer_again]
    go.click(want, [wanted, page.runtime], shown, **QUICK)

"""When the conversation does not fit the model: what it needs, and the ways to go on. One panel in the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from aether.errors import AetherError
from aether.fitting import Standing, last_author, left_out, standing
from aether.runtime import AgentRuntime
from aether.transcript import Cut
from aether.ui import panels, words
from aether.ui.handlers import answered
from aether.ui.markdown import one_line, text

if TYPE_CHECKING:
    from aether.services import Services
    from aether.ui.layout import Page

Updates = tuple[Any, ...]


def build(page: Page, services: Services) -> None:
    """Put the panel into its place and tie it to its verbs."""
    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    queued: dict[str, Any] = {**quick, "queue": True}
    with page.place("fit"):
        said = gr.Markdown(elem_id="fit", sanitize_html=False, latex_delimiters=[], container=False)
        with gr.Row(elem_id="fit-choices"):
            leave = gr.Button("Leave out", elem_id="fit-leave-out", size="sm", visible=False, min_width=0)
            summary = gr.Button("Summarise", elem_id="fit-summarise", size="sm", visible=False, min_width=0)
            whole = gr.Button(
                "Show them to models again", elem_id="fit-show-all", size="sm", visible=False, min_width=0
            )
    state, shown = page.runtime, [said, leave, summary, whole]
    # The badge changes whenever a model was chosen or an answer has settled.
    page.badge.change(look, state, shown, **quick)
    for button, verb in ((leave, _leave_out), (summary, _summarise)):
        answered(page, button.click(verb, state, [page.receipt, page.refused], **queued))
    whole.click(_show_all, state, page.receipt, **quick).then(look, state, shown, **quick)


async def look(runtime: AgentRuntime) -> Updates:
    """Show how the conversation stands to the model that is chosen: panel, leave out, summarise, show all."""
    if runtime.llm is None or runtime.busy or not runtime.transcript.turns:
        return "", gr.Button(visible=False), gr.Button(visible=False), gr.Button(visible=False)
    now = standing(runtime.transcript, runtime.llm, runtime.toolbox.specs)
    can = bool(now.surplus)
    by = last_author(runtime.transcript, but=now.reference) or now.reference
    again = gr.Button(visible=bool(now.cuts))
    leave = gr.Button(f"Leave out the {_oldest(now.surplus or 0)}", visible=can)
    return panel(now), leave, gr.Button(f"Summarise with {by.rsplit('/', 1)[-1]}", visible=can), again


def panel(now: Standing) -> str:
    """Say what the conversation needs and what the model takes, and what is left out already. Pure."""
    model = now.reference.partition("/")[2]
    said = "".join(_cut(cut) for cut in now.cuts)
    if not now.fit.fits and now.fit.window is not None:
        help_ = "" if now.surplus else " The first and the last message alone are too long for it."
        said = (
            f'<p role="alert"><b>This conversation does not fit {text(model)}.</b> It needs about '
            f"{words.tokens(now.fit.needed + now.fit.reserve)} tokens with room for an answer; {text(model)} takes "
            f"{words.tokens(now.fit.window)}.{help_} Nothing is sent until you choose, or take a model that holds "
            f"more. Nothing is deleted.</p>{said}"
        )
    return one_line(f'<div class="fit">{said}</div>') if said else ""


def _cut(cut: Cut) -> str:
    count = cut.last - cut.first + 1
    kept = f"{words.count(count, 'earlier exchange')} {'is' if count == 1 else 'are'} not shown to models."
    if not cut.summary:
        return f"<p>{kept}</p>"
    author = cut.author.rsplit("/", 1)[-1]
    return (
        f"<p>{kept} A summary by {text(author)} stands in their place.</p>"
        f"<details><summary>The summary</summary><p>{text(cut.summary)}</p></details>"
    )


def _oldest(count: int) -> str:
    return "oldest exchange" if count == 1 else f"{count} oldest exchanges"


async def _leave_out(runtime: AgentRuntime) -> Updates:
    """Leave the oldest exchanges out: receipt, refused."""
    return await _shortened(runtime, summarised=False)


async def _summarise(runtime: AgentRuntime) -> Updates:
    """Summarise the oldest exchanges with the model that knew them: receipt, refused."""
    return await _shortened(runtime, summarised=True)


async def _shortened(runtime: AgentRuntime, *, summarised: bool) -> Updates:
    """Cut, and answer the last message if it waits for that."""
    try:
        count = await runtime.shorten(summarised=summarised)
        last = runtime.transcript.turns[-1]
        if last.answer and last.answer.failure and last.answer.failure.kind == "too_long":
            runtime.rerun(len(runtime.transcript.turns) - 1)
    except AetherError as error:
        return panels.receipt((error.sentence,), tone="error"), True
    how = "stand in a summary now" if summarised else "are left out now"
    return panels.receipt((f"{words.count(count, 'exchange')} {how}. You still see them.",)), True


async def _show_all(runtime: AgentRuntime) -> str:
    """Show every exchange to models again: receipt."""
    count = left_out(runtime.transcript)
    try:
        runtime.show_all()
    except AetherError as error:
        return panels.receipt((error.sentence,), tone="error")
    return panels.receipt((f"Models are shown {words.count(count, 'exchange')} again.",))

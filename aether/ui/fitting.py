"""When the conversation does not fit the model: what it needs, and the ways to go on. One panel in the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from aether.errors import AetherError
from aether.fitting import Standing, last_author, left_out, standing
from aether.runtime import AgentRuntime
from aether.transcript import Cut
from aether.ui import panels, words
from aether.ui.handlers import answered, refused, taken
from aether.ui.markdown import one_line, text
from aether.ui.plain import MARKUP, QUICK
from aether.ui.words import say

if TYPE_CHECKING:
    from aether.services import Services
    from aether.ui.layout import Page

Updates = tuple[Any, ...]


def build(page: Page, services: Services) -> None:
    """Put the panel into its place and tie it to its verbs."""
    queued: dict[str, Any] = {**QUICK, "queue": True}
    with page.place("fit"):
        said = gr.Markdown(elem_id="fit", **MARKUP)
        with gr.Row(elem_id="fit-choices"):
            leave, summary, whole = (
                gr.Button("", elem_id=f"fit-{name}", size="sm", visible=False, min_width=0)
                for name in ("leave-out", "summarise", "show-all")
            )
    state, shown = page.runtime, [said, leave, summary, whole]
    # The badge changes whenever a model was chosen or an answer has settled.
    page.badge.change(look, state, shown, **QUICK)
    for button, verb in ((leave, _leave_out), (summary, _summarise)):
        answered(page, button.click(verb, state, page.receipt, **queued))
    whole.click(_show_all, state, page.receipt, **QUICK).then(look, state, shown, **QUICK)


async def look(runtime: AgentRuntime) -> Updates:
    """Show how the conversation stands to the model that is chosen: panel, leave out, summarise, show all."""
    if runtime.llm is None or runtime.busy or not runtime.transcript.turns:
        return "", gr.Button(visible=False), gr.Button(visible=False), gr.Button(visible=False)
    now = standing(runtime.transcript, runtime.llm, runtime.toolbox.specs)
    can = bool(now.surplus)
    by = last_author(runtime.transcript, but=now.reference) or now.reference
    again = gr.Button(say("fit.show_all"), visible=bool(now.cuts))
    leave = gr.Button(_counted(now.surplus or 0, "fit.leave_one", "fit.leave"), visible=can)
    return panel(now), leave, gr.Button(say("fit.summarise", model=by.rsplit("/", 1)[-1]), visible=can), again


def panel(now: Standing) -> str:
    """Say what the conversation needs and what the model takes, and what is left out already. Pure."""
    model = now.reference.partition("/")[2]
    said = "".join(_cut(cut) for cut in now.cuts)
    if not now.fit.fits and now.fit.window is not None:
        needed, window = words.tokens(now.fit.needed + now.fit.reserve), words.tokens(now.fit.window)
        needs = say("fit.needs", needed=needed, window=window, model=model)
        too_long = "" if now.surplus else say("fit.too_long")
        alert = say("fit.alert", model=model)
        gap = "" if alert.endswith("。") else " "
        said = f'<p role="alert"><b>{text(alert)}</b>{gap}{text(words.joined(needs, too_long))}</p>{said}'
    return one_line(f'<div class="fit">{said}</div>') if said else ""


def _cut(cut: Cut) -> str:
    kept = _counted(cut.last - cut.first + 1, "fit.cut_one", "fit.cut")
    if not cut.summary:
        return f"<p>{text(kept)}</p>"
    by = say("fit.summary_by", model=cut.author.rsplit("/", 1)[-1])
    summary = f"<summary>{text(say('fit.summary'))}</summary><p>{text(cut.summary)}</p>"
    return f"<p>{text(words.joined(kept, by))}</p><details>{summary}</details>"


def _counted(count: int, one: str, many: str) -> str:
    """Say how many exchanges: one has a text of its own."""
    return say(one) if count == 1 else say(many, count=count)


async def _leave_out(runtime: AgentRuntime) -> str:
    """Leave the oldest exchanges out: receipt."""
    return await _shortened(runtime, summarised=False)


async def _summarise(runtime: AgentRuntime) -> str:
    """Summarise the oldest exchanges with the model that knew them: receipt."""
    return await _shortened(runtime, summarised=True)


async def _cut_by(runtime: AgentRuntime, *, summarised: bool) -> int:
    """Cut, and return how many exchanges are left out; a summary needs leave, as a message does."""
    if not summarised:
        return await runtime.shorten(summarised=False)
    by = last_author(runtime.transcript, but=runtime.reference) or runtime.reference
    with await runtime.admit(references=[by]) as permit:
        return await runtime.shorten(summarised=True, permit=permit)


async def _shortened(runtime: AgentRuntime, *, summarised: bool) -> str:
    """Cut, and answer the last message if it waits for that."""
    try:
        count = await _cut_by(runtime, summarised=summarised)
        last = runtime.transcript.turns[-1]
        if last.answer and last.answer.failure and last.answer.failure.kind == "too_long":
            with await runtime.admit() as permit:
                runtime.rerun(len(runtime.transcript.turns) - 1, permit=permit)
    except AetherError as error:
        return refused(runtime, error.sentence)
    said = ("fit.summed_one", "fit.summed") if summarised else ("fit.left_one", "fit.left")
    return taken(runtime, panels.receipt((_counted(count, *said),), tone="aloud"))


async def _show_all(runtime: AgentRuntime) -> str:
    """Show every exchange to models again: receipt."""
    count = left_out(runtime.transcript)
    try:
        runtime.show_all()
    except AetherError as error:
        return panels.receipt((error.sentence,), tone="error")
    return panels.receipt((_counted(count, "fit.back_one", "fit.back"),))

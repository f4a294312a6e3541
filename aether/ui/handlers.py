"""UI event → runtime → what to show: one short function an event.

Every function here is a coroutine, because a runtime lives on one event loop. The model
dropdown's change and `/model` (`guide.py`) alone swap. The chat is an output of `settle`, `clear`,
and of what `conversations.py` shows alone; the answer being written
comes over `stream.py`. What is decided about a conversation is decided in `runtime.py`.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from aether.errors import AetherError
from aether.live import Live, Lives
from aether.runtime import AgentRuntime
from aether.services import Services
from aether.transcript import Part
from aether.ui import compare, inspector, panels, pickers, render
from aether.ui.conversations import owner_of
from aether.ui.history import Window, show
from aether.ui.plain import QUICK, number_of
from aether.ui.stream import Lines
from aether.ui.words import say

if TYPE_CHECKING:
    from aether.ui.layout import Page

Updates = tuple[Any, ...]


class Events:
    """What the page does, over the services of the process."""

    def __init__(self, services: Services, lines: Lines) -> None:
        self.services = services
        self.lines = lines

    async def boot(self, runtime: AgentRuntime, request: gr.Request) -> Updates:
        """Show a session that just opened: state, provider, model, badge, usage, line."""
        self._attach(runtime, request)
        provider, model = pickers.both(self.services.catalog.names(), reference=runtime.reference)
        usage, line = panels.usage(runtime.transcript), panels.line(self.lines.key(runtime))
        return runtime, provider, model, badge(runtime), usage, line

    def _attach(self, runtime: AgentRuntime, request: gr.Request) -> None:
        self.services.sessions.attach(request.session_hash or "", runtime, owner=owner_of(request))

    async def pick_provider(self, name: str | None, chosen: str | None, runtime: AgentRuntime) -> Updates:
        """Fill the model dropdown: provider, model, receipt, badge. The swap is the model dropdown's."""
        name, chosen = pickers.word(name), pickers.word(chosen)
        if chosen and name == chosen.partition("/")[0]:
            return (unchanged(),) * 4  # the server's own word coming back, perhaps when it has said another since
        if not name and not runtime.reference:  # a page that opens where no model is ready
            return unchanged(), unchanged(), panels.receipt((say("state.no_model"),), tone="ok"), badge(runtime)
        share = self.services.settings.share
        keyless = "picker.needs_key" if not share.own_keys else "picker.own_key" if share.on else "picker.wants_key"
        models, refusal = pickers.models_of(self.services.catalog.names(), name, keyless=keyless)
        if refusal:
            back = runtime.reference.partition("/")[0] or None
            key_for = self._keyless(name) if share.own_keys else ""
            refused = panels.receipt((refusal,), tone="ok" if key_for else "error", key_for=key_for)
            return (
                gr.Dropdown(value=back),
                unchanged(),
                refused,
                badge(runtime, refused=True),
            )
        return unchanged(), gr.Dropdown(models, value=models[0][1]), unchanged(), unchanged()

    def _keyless(self, name: str | None) -> str:
        """Return the name of a provider that waits for a key; empty if it is another, or waits for something else."""
        known = (p for p in self.services.catalog.providers if p.name == name and p.own_keys)
        return next((p.name for p in known if not self.services.catalog.readiness(p.name).ready), "")

    async def pick_model(self, chosen: str | None, runtime: AgentRuntime) -> Updates:
        """Swap: badge, receipt, provider, model, the button that answers again."""
        chosen = pickers.word(chosen)
        if (chosen or "") == runtime.reference:
            return (unchanged(),) * 5  # the server's own word coming back
        name, _, model = (chosen or "").partition("/")
        event = runtime.select(name, model)
        if event["event_type"] != "model_updated":
            provider, models = pickers.both(self.services.catalog.names(), reference=runtime.reference)
            refused = panels.receipt((event["payload"]["error"],), tone="error")
            return badge(runtime, refused=True), refused, provider, models, unchanged()
        return badge(runtime), receipt(runtime), unchanged(), unchanged(), again(runtime)

    async def start(self, message: str | None, attached: tuple[Part, ...], runtime: AgentRuntime) -> Updates:
        """Send the message: composer, attached, receipt. A refused message stays in the composer."""
        try:
            with await runtime.admit(message or "", tuple(attached)) as permit:
                runtime.ask(message, tuple(attached), permit=permit)
        except AetherError as error:
            said = error.sentence if runtime.reference else say("state.no_model")
            return unchanged(), unchanged(), refused(runtime, said)
        return "", (), taken(runtime)

    async def start_again(self, turn: str | None, runtime: AgentRuntime) -> str:
        """Answer a cell once more with the model that is chosen now: receipt."""
        index = number_of(turn)
        if index is None:
            return refused(runtime, say("cell.unknown"))
        try:
            with await runtime.admit() as permit:
                runtime.rerun(index, permit=permit)
        except AetherError as error:
            return refused(runtime, error.sentence)
        return taken(runtime)

    async def stop_and_answer_again(self, runtime: AgentRuntime) -> str:
        """End the answer that is being written and let the new model answer the same cell: receipt."""
        turn = str(runtime.live.turn) if runtime.live else None
        await runtime.stop()
        return await self.start_again(turn, runtime)

    async def settle(self, runtime: AgentRuntime, window: Window) -> Updates:
        """Show what was settled: chat, earlier, live, usage, badge, receipt. A refusal stays to be read."""
        if not runtime.keeper.is_owned:  # a session of another process: nothing is known of what the page shows
            shut = _settled(runtime)
            return unchanged(), unchanged(), shut, unchanged(), unchanged(), unchanged()
        shown = await self._history(runtime, Window() if window.snapshot else window)
        live = panels.begun(runtime.lives.number) if runtime.lives and runtime.busy else _settled(runtime)
        if not runtime.busy:
            runtime.turns.followed = runtime.turns.newest
        said = unchanged() if runtime.turns.refused else "" if _was_used(runtime) else receipt(runtime)
        return *shown, live, panels.usage(runtime.transcript), badge(runtime), said

    async def _history(self, runtime: AgentRuntime, window: Window) -> Updates:
        """Return the chat's value as the conversation is now, and the button for what is before it."""
        while True:
            transcript = runtime.transcript
            shown = await show(self.lines.renderer, transcript, window)
            if transcript is runtime.transcript:  # a worker may have rendered while it went on
                return shown

    async def stop(self, turn: str | None, runtime: AgentRuntime) -> None:
        """Stop the answer that the page meant; its line then ends, and the page settles it."""
        await runtime.stop(until=number_of(turn))

    async def clear(self, runtime: AgentRuntime, request: gr.Request) -> Updates:
        """Begin a new conversation: chat, earlier, live, usage, badge, receipt; inspector, window."""
        self._attach(runtime, request)
        await runtime.stop()
        runtime.new_conversation()
        history = await self._history(runtime, Window())
        shown = (*history, _settled(runtime), panels.usage(runtime.transcript), badge(runtime), "")
        return *shown, inspector.show((), runtime.transcript), Window()

    async def inspect(self, runtime: AgentRuntime) -> str:
        """Show the last requests: inspector."""
        showing = partial(inspector.show, tuple(runtime.records), runtime.transcript)
        return await self.services.threads.run(showing, owner=runtime.keeper.owner)


async def begun(runtime: AgentRuntime) -> str:
    """Tell the page that an answer comes over its line, or that there is only something to settle: begun.

    What is over by now is told once, so that the word of an event that began nothing is known for one.
    """
    lives, turns = runtime.lives, runtime.turns
    if lives is None or (lives is turns.told and not runtime.busy):
        return panels.unbegun(word=time.monotonic_ns())
    turns.told = lives
    return panels.begun(lives.number)


def _settled(runtime: AgentRuntime) -> str:
    newest = runtime.turns.newest
    return panels.settled(newest.number if newest else 0, word=time.monotonic_ns())


def refused(runtime: AgentRuntime, said: str) -> str:
    """Say in the receipt why a wish was not done; it stays there when the history is shown again."""
    runtime.turns.refused = True
    return panels.receipt((said,), tone="error")


def taken(runtime: AgentRuntime, said: str = "") -> str:
    """Say in the receipt what there is to say of a wish that is being done."""
    runtime.turns.refused = bool(said)
    return said


def unchanged() -> Any:
    """Leave a component as it is."""
    return cast(Any, gr.skip())


def badge(runtime: AgentRuntime, *, refused: bool = False) -> str:
    """Return the badge: the runtime's word on who answers next."""
    reference = runtime.reference
    state = "pending" if runtime.pending else "error" if refused or not reference else "ready"
    hue = render.hues(runtime.transcript, also=[reference]).get(reference, 0)
    return panels.badge(reference, state=state, hue=hue, word=time.monotonic_ns())


def again(runtime: AgentRuntime) -> gr.Button:
    """Return the button that answers again, with the name of the model that is chosen."""
    return gr.Button(say("cell.again_with", model=runtime.reference.rsplit("/", 1)[-1]))


def receipt(runtime: AgentRuntime) -> str:
    """Return what the last swap means; nothing in a conversation that has not begun."""
    done = runtime.receipt
    if done is None or not runtime.transcript.turns:
        return ""
    model = done.reference.partition("/")[2]
    if runtime.pending:
        line = say("receipt.pending", model=model)
    elif done.omissions:
        line = say("receipt.partly", model=model)
    else:
        line = say("receipt.whole", model=model)
    return panels.receipt((line, *panels.preflight(done.fit, done.cost_usd)), omissions=done.omissions)


def _was_used(runtime: AgentRuntime) -> bool:
    """Tell whether the model of the last swap has answered already."""
    answer = runtime.transcript.turns[-1].answer if runtime.transcript.turns else None
    return bool(answer and answer.steps and answer.steps[-1].reference == runtime.reference)


def writing(runtime: AgentRuntime, lives: Lives) -> str:
    """Return the markup of the answers in progress."""
    several = len(lives.answers) > 1
    names = [live.asked or live.named or runtime.reference for live in lives.answers]
    colours = render.hues(runtime.transcript, also=names)
    waiting = {id(question.call): question.id for question in runtime.toolbox.consent.waiting}
    articles = [
        compare.growing(live, label=name, hue=colours.get(name, 0), waiting=waiting)
        if several
        else render.growing(
            live.steps,
            live.draft,
            label=name,
            hue=colours.get(name, 0),
            waiting=waiting,
            meanwhile=meanwhile(runtime, live),
        )
        for live, name in zip(lives.answers, names, strict=True)
    ]
    return render.writing(articles, turn=lives.turn, references=names)


def meanwhile(runtime: AgentRuntime, live: Live) -> str:
    """Say what an answer waits for that has asked no model yet; empty if it waits for nothing."""
    if live.waiting:
        return say("state.line")
    return "" if live.asked else " ".join(runtime.toolbox.troubles)


def connect(page: Page, services: Services, lines: Lines) -> None:
    """Tie the page's components to its events. None of them is a public endpoint."""
    events, state = Events(services, lines), page.runtime
    page.demo.load(events.boot, state, [state, page.provider, page.model, page.badge, page.usage, page.line], **QUICK)
    _connect_pickers(page, events)
    _connect_answers(page, events)
    page.inspect.click(events.inspect, state, page.inspector, **QUICK)


def answered(page: Page, event: Any) -> None:
    """Let the page know whether an event began answers; it follows them over its line, and then asks to settle."""
    event.then(begun, page.runtime, page.begun, **QUICK)


def _connect_answers(page: Page, events: Events) -> None:
    state = page.runtime
    begun = (
        page.send.click(
            events.start,
            [page.composer, page.attached, state],
            [page.composer, page.attached, page.receipt],
            **QUICK,
        ),
        page.again.click(events.start_again, [page.again_turn, state], page.receipt, **QUICK),
        page.answer_again.click(events.stop_and_answer_again, state, page.receipt, **QUICK),
    )
    page.taking.append(begun[0])
    shown = [page.chat, page.earlier, page.live, page.usage, page.badge, page.receipt]
    for event in begun:
        answered(page, event)
    settle: dict[str, Any] = {**QUICK, "trigger_mode": "always_last"}
    page.settle.click(events.settle, [state, page.window], shown, **settle)
    for button in (page.stop, page.switch_now):
        button.click(events.stop, [page.stop_turn, state], None, **QUICK)
    page.new.click(events.clear, state, [*shown, page.inspector, page.window], **QUICK)


def _connect_pickers(page: Page, events: Events) -> None:
    state = page.runtime
    # What a dropdown shows may be of a list that it has no more, which Gradio would refuse: the handlers look at it.
    latest: dict[str, Any] = {**QUICK, "trigger_mode": "always_last", "preprocess": False}
    chosen, filled = [page.provider, page.model, state], [page.provider, page.model, page.receipt, page.badge]
    page.provider.change(events.pick_provider, chosen, filled, **latest)
    shown = [page.badge, page.receipt, page.provider, page.model, page.answer_again]
    page.model.change(events.pick_model, [page.model, state], shown, **latest)

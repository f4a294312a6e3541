"""The public endpoints of a session, for `gradio_client` and curl. They never raise: what failed is in the value.

Arguments come from strangers: None, NaN, a wrong type or a wrong word are answered with a
sentence. Hidden components carry them, because `gr.api` cannot carry a session.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import gradio as gr

from aether import exports
from aether.errors import AetherError, EmptyMessage
from aether.live import Live, failure_dict
from aether.runtime import AgentRuntime
from aether.services import Services
from aether.transcript import Failure
from aether.ui import exporting
from aether.ui.conversations import owner_of
from aether.ui.painter import Painter


class Api:
    """What a program may ask of its own session."""

    def __init__(self, services: Services, painter: Painter) -> None:
        self.services = services
        self.painter = painter
        self._outbox = exporting.Outbox()

    async def list_models(self, runtime: AgentRuntime) -> dict[str, Any]:
        """List the providers and their models, and say which model answers now."""
        provider, _, model = runtime.reference.partition("/")
        return {
            "current": {"provider": provider, "model": model},
            "providers": self.services.catalog.to_dict(),
        }

    async def select_model(
        self,
        provider: str | None,
        model: str | None,
        runtime: AgentRuntime,
        request: gr.Request,
    ) -> dict[str, Any]:
        """Send the next LLM request to another model."""
        self._attach(runtime, request)
        return runtime.select(provider, model)

    async def chat(
        self, message: str | None, runtime: AgentRuntime, request: gr.Request
    ) -> AsyncIterator[dict[str, Any]]:
        """Ask, and stream the answer; the last value is the settled one."""
        self._attach(runtime, request)
        try:
            with await runtime.admit(message or "") as permit:
                live = runtime.ask(message, permit=permit)
        except AetherError as error:
            yield _refused(error)
            return
        async for value in self._follow(runtime, live):
            yield value

    async def rerun(
        self,
        turn: float | None,
        provider: str | None,
        model: str | None,
        runtime: AgentRuntime,
        request: gr.Request,
    ) -> AsyncIterator[dict[str, Any]]:
        """Answer a turn once more beside its first answer; with the chosen model if none is named."""
        self._attach(runtime, request)
        reference = f"{provider}/{model}" if provider or model else None
        try:
            index = _index(turn)
            with await runtime.admit(references=[reference] if reference else ()) as permit:
                live = runtime.rerun(index, reference=reference, permit=permit)
        except AetherError as error:
            yield _refused(error)
            return
        async for value in self._follow(runtime, live):
            yield value

    async def stop(self, runtime: AgentRuntime) -> dict[str, bool]:
        """End the answer in progress and keep what it has said."""
        return {"stopped": await runtime.stop()}

    async def transcript(self, runtime: AgentRuntime) -> dict[str, Any]:
        """Return the conversation in its portable form, without the accounts that it was asked with."""
        making = partial(exports.portable, runtime.transcript)
        return await self.services.threads.run(making, owner=runtime.keeper.owner)

    async def export(self, format: str | None, runtime: AgentRuntime) -> str | None:
        """Return the conversation as a file: json, md or ipynb; nothing for another format."""
        return await exporting.file(runtime, format, self.services, self._outbox)

    async def load(self, path: str | None, runtime: AgentRuntime, request: gr.Request) -> dict[str, Any]:
        """Put the conversation of a file in the place of this one; the notes say what is to be known."""
        self._attach(runtime, request)
        try:
            notes = await exporting.load(
                runtime, path, self.services.blobs, exporting.Reader(self.services, owner_of(request))
            )
        except AetherError as error:
            return {"conversation": None, "turns": 0, "notes": [error.sentence]}
        return {"conversation": runtime.keeper.id, "turns": len(runtime.transcript.turns), "notes": list(notes)}

    async def new_conversation(self, runtime: AgentRuntime, request: gr.Request) -> dict[str, str]:
        """Begin an empty conversation with the same model; an answer in progress ends."""
        self._attach(runtime, request)
        await runtime.stop()
        return {"conversation": runtime.new_conversation()}

    def _attach(self, runtime: AgentRuntime, request: gr.Request) -> None:
        self.services.sessions.attach(request.session_hash or "", runtime, owner=owner_of(request))

    async def _follow(self, runtime: AgentRuntime, live: Live) -> AsyncIterator[dict[str, Any]]:
        runtime.turns.followed = runtime.lives
        try:
            async for value in self.painter.frames(live, _snapshot):
                yield value
            yield live.snapshot()
        finally:
            if not live.finished and live is runtime.live:
                await runtime.stop()


async def _snapshot(live: Live) -> dict[str, Any]:
    return live.snapshot()


def _index(turn: object) -> int:
    """Return the index of a turn; raise EmptyMessage for what is none."""
    if isinstance(turn, bool) or not isinstance(turn, int | float) or not math.isfinite(turn) or turn != int(turn):
        raise EmptyMessage("The turn must be a whole number, counted from 0.")
    return int(turn)


def _refused(error: AetherError) -> dict[str, Any]:
    failure = failure_dict(Failure(error.kind, error.sentence))
    return {"turn": None, "status": "error", "text": "", "steps": [], "error": failure}


def connect(services: Services, state: gr.State) -> None:
    """Publish the endpoints, by exact name."""
    api, value = Api(services, Painter()), gr.JSON(visible=False)
    provider, model = (
        gr.Textbox(label="provider", visible=False),
        gr.Textbox(label="model", visible=False),
    )
    message, turn = (
        gr.Textbox(label="message", visible=False),
        gr.Number(label="turn", visible=False),
    )
    publish = gr.Button(visible=False).click
    publish(api.list_models, state, value, api_name="list_models")
    publish(api.select_model, [provider, model, state], value, api_name="select_model")
    publish(api.chat, [message, state], value, api_name="chat")
    publish(api.stop, state, value, api_name="stop")
    publish(api.rerun, [turn, provider, model, state], value, api_name="rerun")
    publish(api.transcript, state, value, api_name="transcript")
    format, file = gr.Textbox(label="format", visible=False), gr.File(label="file", visible=False)
    publish(api.export, [format, state], gr.File(visible=False), api_name="export")
    publish(api.load, [file, state], value, api_name="import")
    publish(api.new_conversation, state, value, api_name="new_conversation")

"""Aether's side: the history as a transcript, asked on as a person would, over HTTP."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from aether.attachments import Attachments
from aether.catalog import Catalog
from aether.llm import Pool
from aether.router import ProviderRouter
from aether.runtime import AgentRuntime
from aether.store.blobs import Blobs
from aether.tools.base import NoTools
from aether.tools.toolset import Toolset
from aether.tools.workspace import Workspace
from aether.transcript import (
    Answer,
    Origin,
    Part,
    Reasoning,
    Step,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
)
from bench.peers.cases import Case, Said

ELSEWHERE = Origin("openai-chat", "https://elsewhere.test/v1", "", "other")


async def ask(case: Case, url: str) -> None:
    """Send the request that Aether makes of the case to the server at `url`."""
    with tempfile.TemporaryDirectory(prefix="aether-bench-") as name:
        folder, pool = Path(name), Pool()
        blobs = Blobs(folder)
        (folder / "providers.toml").write_text(
            f'[[provider]]\nname = "target"\nlabel = "Target"\nprotocol = "{case.target}"\nmodels = ["model"]\n'
            f'base_url = "{url if case.target == "anthropic-messages" else url + "/v1"}"\n'
            "profile = { tools = true, vision = true }\n"
        )
        router = ProviderRouter(Catalog.load([folder / "providers.toml"], key=lambda _: None), pool)
        tools = Toolset(level="read", workspace=Workspace(folder)).open if case.tools else NoTools
        runtime = AgentRuntime(router, default="target/model", open_toolbox=tools, read_blob=blobs.read)
        runtime.transcript = transcript(case.history, Attachments(blobs))
        runtime.ask(case.last)
        await runtime.settle()
        with suppress(RuntimeError):
            await pool.aclose()


def transcript(history: tuple[Said, ...], attachments: Attachments) -> Transcript:
    """Return the history as a conversation of Aether."""
    made, notes = Transcript(), tuple[Part, ...]()
    for said in history:
        match said.role:
            case "system":
                notes = (SystemNote(said.text),)
            case "user":
                picture = (attachments.take("picture", said.picture),) if said.picture else ()
                made, notes = made.with_turn(Turn((*notes, *picture, Text(said.text)))), ()
            case "assistant":
                thought = (Reasoning(said.reasoning),) if said.reasoning else ()
                calls = tuple(ToolCall(c.id, c.name, c.arguments) for c in said.calls)
                parts = (*thought, *((Text(said.text),) if said.text else ()), *calls)
                made = _with_step(made, Step("elsewhere", "other", ELSEWHERE, parts))
            case "tool":
                made = _answered(made, ToolResult(said.answers, said.tool, (Text(said.text),)))
    return made


def _with_step(made: Transcript, step: Step) -> Transcript:
    made = made if made.turns else made.with_turn(Turn(()))
    turn = made.turns[-1]
    steps = turn.answer.steps if turn.answer else ()
    return made.replace_turn(len(made.turns) - 1, replace(turn, answers=(Answer((*steps, step)),)))


def _answered(made: Transcript, result: ToolResult) -> Transcript:
    """Give a result to the last step that made its call; if none did, to the last step."""
    asking = [n for n, t in enumerate(made.turns) if t.answer and _calls(t.answer.steps[-1], result)]
    number = asking[-1] if asking else len(made.turns) - 1
    turn = made.turns[number]
    steps = turn.answer.steps if turn.answer else ()
    last = replace(steps[-1], results=(*steps[-1].results, result))
    return made.replace_turn(number, replace(turn, answers=(Answer((*steps[:-1], last)),)))


def _calls(step: Step, result: ToolResult) -> bool:
    return any(c.id == result.call_id for c in step.calls)

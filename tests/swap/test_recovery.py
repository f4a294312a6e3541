"""Whatever a service refuses, the person can go on: one stricter try, then a plain report; facts are remembered."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aether.lowering import lower
from aether.runtime import AgentRuntime
from aether.tools.toolset import Toolset
from aether.tools.workspace import Workspace
from aether.transcript import Answer, Blob, Image, Native, Step, Text, Turn
from tests.scripted import ScriptedProvider
from tests.swap.rig import PROTOCOLS, Rig, say

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24
VARIANTS = {
    "groq": 'reasoning_key = "reasoning_content", tools = true',
    "text-only": "vision = true, files = true, tools = true",
    "no-tools": "tools = true",
    "small-ctx-500": "tools = true",
    "llama+small-ctx-500": "tools = true",
    "binds": 'reasoning_key = "encrypted_content", tools = true',
}
JUDGED = {"binds": "bound-thinking"}


def entry(scripted: ScriptedProvider, name: str, variant: str) -> str:
    """Return the entry of a provider that is judged by a variant."""
    base = scripted.base_url(PROTOCOLS[name], strictness=JUDGED.get(variant, variant))
    return (
        f'[[provider]]\nname = "{name}-{variant}"\nlabel = "{name.title()}"\nprotocol = "{PROTOCOLS[name]}"\n'
        f'base_url = "{base}"\napi_key_env = "SCRIPTED_KEY"\nmodels = ["echo-small"]\ncustom_models = true\n'
        f"profile = {{ {VARIANTS[variant]} }}\n"
    )


@pytest.fixture
async def strict(scripted: ScriptedProvider, tmp_path: Path) -> AsyncIterator[Rig]:
    """Providers of all protocols, each judged by each variant."""
    built = Rig(scripted, tmp_path, extra="\n".join(entry(scripted, n, v) for n in PROTOCOLS for v in VARIANTS))
    yield built
    await built.aclose()


def told(runtime: AgentRuntime) -> Iterator[str]:
    """Yield every note of the last turn's answer."""
    for step in runtime.transcript.turns[-1].answers[-1].steps:
        yield from step.notes


def with_step(runtime: AgentRuntime, *native: Native) -> None:
    """Put a step into the conversation that bears blocks which the service never gave out."""
    llm = runtime.llm
    assert llm is not None
    step = Step(llm.provider.name, llm.model.id, llm.origin, (Text("An earlier answer."),), native=native)
    asked = replace(runtime.transcript, turns=(Turn((Text("An earlier question."),)),))
    step = replace(step, prefix=lower(asked, llm.target(runtime.toolbox.specs)).prefix)
    runtime.transcript = replace(asked, turns=(Turn((Text("An earlier question."),), (Answer((step,)),)),))


FORGED = {
    "messages-binds": (
        Native("reasoning", {"type": "thinking", "thinking": "hm", "signature": "forged" * 8}),
        Native("text", {"type": "text", "text": "An earlier answer."}),
    ),
    "responses-binds": (
        Native("reasoning", {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "forged" * 8}),
        Native("text", {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": "An earlier answer.", "annotations": []}]}),
    ),
    "chat-groq": (
        Native("reasoning", {"reasoning_content": "hm"}),
        Native("text", {"role": "assistant", "content": "An earlier answer."}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("provider", FORGED)
async def test_a_history_that_is_refused_is_sent_once_more_without_what_only_the_service_reads(
    strict: Rig, provider: str
) -> None:
    runtime = strict.runtime(f"{provider}/echo-small")
    with_step(runtime, *FORGED[provider])
    assert await say(runtime, "and now?") == "You said: and now?"
    first, second = strict.scripted.requests
    assert first.refused and not second.refused
    assert "forged" not in json.dumps(second.body) and "reasoning_content" not in json.dumps(second.body)
    assert "An earlier answer." in json.dumps(second.body)
    assert any("sent again" in note for note in told(runtime))
    assert await say(runtime, "next") == "You said: next"
    assert len(strict.scripted.requests) == 3, "what was refused once is not tried again"


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_a_model_that_turns_out_blind_is_asked_again_without_the_picture(strict: Rig, name: str) -> None:
    provider = f"{name}-text-only"
    runtime = strict.runtime(f"{provider}/echo-small", read_blob=lambda _: PNG)
    picture = Image(Blob("0" * 64, "image/png", "cat.png", len(PNG), 10, 10))
    runtime.ask("what is this?", (picture,))
    await runtime.settle()
    assert "what is this?" in runtime.transcript.turns[0].answers[0].text
    first, second = strict.scripted.requests
    assert first.refused and not second.refused
    assert "cat.png" in json.dumps(second.body)
    other = strict.runtime(f"{provider}/echo-small", read_blob=lambda _: PNG)
    other.ask("and for another session?", (picture,))
    await other.settle()
    assert not strict.scripted.requests[-1].refused, "what was learnt holds for the endpoint"
    assert len(strict.scripted.requests) == 3


async def test_a_picture_is_left_out_as_well_when_another_model_is_named_for_the_answer(strict: Rig) -> None:
    runtime = strict.runtime("chat/echo-small", read_blob=lambda _: PNG)
    runtime.ask("what is this?", (Image(Blob("0" * 64, "image/png", "cat.png", len(PNG), 10, 10)),))
    await runtime.settle()
    runtime.rerun(0, reference="chat-text-only/echo-small")
    await runtime.settle()
    assert runtime.transcript.turns[0].answers[1].status == "done"


async def test_a_model_without_tools_is_asked_again_without_them(strict: Rig) -> None:
    tools = Toolset(level="read", workspace=Workspace(strict.folder))
    runtime = strict.runtime("chat-no-tools/echo-small", open_toolbox=tools.open)
    assert await say(runtime, "hello") == "You said: hello"
    first, second = strict.scripted.requests
    assert first.refused and "tools" in first.body
    assert "tools" not in second.body
    await say(runtime, "again")
    assert "tools" not in strict.scripted.requests[-1].body


@pytest.mark.parametrize("name", ["chat-small-ctx-500", "messages-small-ctx-500", "chat-llama+small-ctx-500"])
async def test_a_window_told_by_an_error_is_remembered_and_nothing_is_sent_in_vain(strict: Rig, name: str) -> None:
    runtime = strict.runtime(f"{name}/echo-small")
    await say(runtime, "word " * 1000)
    failure = runtime.transcript.turns[0].answers[0].failure
    assert failure is not None and failure.kind == "too_long"
    sent = len(strict.scripted.requests)
    await say(runtime, "again")
    failure = runtime.transcript.turns[1].answers[0].failure
    assert failure is not None and failure.kind == "too_long" and "500" in failure.message
    assert len(strict.scripted.requests) == sent, "it is known now, so nothing is sent"
    runtime.select("responses", "echo-large")
    assert (await say(runtime, "with another model")).endswith("with another model")


BROKEN = ["error-400", "error-401", "error-404", "error-429", "error-500", "error-529", "cut-3", "inband-error-3",
          "empty", "garbled", "html-502", "quota", "refuse-empty", "unended-3"]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_no_failure_leaves_the_session_stuck(rig: Rig, protocol: str) -> None:
    runtime = rig.runtime(f"{protocol}/echo-small")
    for number, model in enumerate(BROKEN):
        runtime.select(protocol, model)
        await say(runtime, f"try {number}")
    for other in (protocol, *PROTOCOLS):
        runtime.select(other, "echo-small")
        assert (await say(runtime, f"now {other}")).endswith(f"now {other}")
    assert not any(r.refused for r in rig.scripted.requests)


async def test_a_body_that_breaks_a_rule_is_told_in_the_log_and_sent_all_the_same(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = rig.runtime("chat/echo-small")
    with_step(runtime, Native("text", {"role": "assistant", "content": "An earlier answer.", "novel": 1}))
    with caplog.at_level(logging.INFO, "aether"):
        await say(runtime, "and now?")
    warned = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert warned[0].startswith(f"Session {runtime.session} request to chat/echo-small breaks a rule: T8 ")
    assert "messages.2.novel" in warned[0]
    assert rig.scripted.requests, "it was sent all the same"

"""What real services answered, replayed over HTTP through the app: read whole, and carried to every other protocol."""

from __future__ import annotations

import json

import pytest

from aether.profile import Protocol
from aether.runtime import AgentRuntime
from aether.transcript import Step
from aether.wire.check import check, issued_to
from tests.replay import Recording, recordings
from tests.scripted.reply import Reply
from tests.swap.rig import PROTOCOLS, Rig, say
from tests.wire.recorded import events, plain_text

TRIES = 4
"""As often as the app may ask."""
ANSWERED = ("stream", "json")
KINDS = {"error": {"bad_request", "bad_history", "not_found", "auth", "too_long", "server", "rate", "overloaded"}}


def served(rig: Rig, recording: Recording) -> None:
    """Let each request to a model of its name be answered so; a whole JSON answer as the stream it could have been."""
    if recording.kind != "json":
        rig.scripted.script(
            recording.name, [recording.reply(chunks=(4096,))] * (TRIES if recording.kind == "error" else 1)
        )
        return
    lines = [f"event: {e.get('type', '')}\ndata: {json.dumps(e)}\n\n" for e in events(recording)]
    raw = "".join(lines).encode() + (b"data: [DONE]\n\n" if recording.protocol == "openai-chat" else b"")
    rig.scripted.script(recording.name, [Reply(raw=raw, headers={"content-type": "text/event-stream"})])


def first_step(runtime: AgentRuntime) -> Step:
    """Return the step that the recording made; the steps after it answer its calls."""
    return runtime.transcript.turns[0].answers[0].steps[0]


async def goes_on(rig: Rig, runtime: AgentRuntime, name: str) -> None:
    """Swap to another protocol, and prove that what is sent there is clean."""
    runtime.select(name, "echo-small")
    assert (await say(runtime, f"and now, {name}?")).endswith(f"and now, {name}?")
    assert not rig.scripted.requests[-1].refused
    assert rig.scripted.requests[-1].protocol == PROTOCOLS[name]
    llm = runtime.llm
    assert llm is not None
    protocol: Protocol = llm.provider.protocol
    body = runtime.records[-1].body
    assert check(protocol, body, llm.model.profile, issued_to(runtime.transcript, llm.origin)) == []


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_every_recorded_answer_is_read_through_the_app_and_goes_on_with_every_other_protocol(
    rig: Rig, name: str
) -> None:
    chosen = [r for r in recordings(protocol=PROTOCOLS[name]) if r.kind in ANSWERED and "queued" not in r.response]
    assert len(chosen) >= 30
    for recording in chosen:
        served(rig, recording)
        runtime = rig.runtime(f"{name}/{recording.name}")
        try:
            await say(runtime, "ask")
            plain = plain_text(recording).lstrip()
            if plain.startswith("<think>"):
                plain = plain.partition("</think>")[2].lstrip()
            assert first_step(runtime).text.strip() == plain.strip()
            for other in PROTOCOLS:
                if other != name:
                    await goes_on(rig, runtime, other)
        except AssertionError as error:
            error.add_note(recording.name)
            raise


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_every_recorded_refusal_is_told_plainly_and_leaves_the_session_free(rig: Rig, name: str) -> None:
    chosen = recordings(protocol=PROTOCOLS[name], kind="error")
    assert chosen
    for recording in chosen:
        runtime = rig.runtime(f"{name}/{recording.name}")
        served(rig, recording)
        await say(runtime, "ask")
        failure = runtime.transcript.turns[0].answers[0].failure
        assert failure is not None and failure.kind in KINDS["error"], recording.name
        assert failure.message.endswith(".")
        for other in PROTOCOLS:
            await goes_on(rig, runtime, other)

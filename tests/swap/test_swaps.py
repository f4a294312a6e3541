"""A swap: the next request goes to the new model, whatever is going on."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aether.llm import LLM
from tests.scripted import ScriptedProvider
from tests.swap.rig import KEY, PROTOCOLS, Rig, say

PAIRS = [(a, b) for a in PROTOCOLS for b in PROTOCOLS]


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_the_next_request_goes_to_the_new_model_with_the_history(rig: Rig, first: str, second: str) -> None:
    runtime = rig.runtime(f"{first}/echo-small")
    await say(runtime, "the first question")
    event = runtime.select(second, "echo-large")
    answer = await say(runtime, "the second question")
    assert event["event_type"] == "model_updated"
    assert event["payload"]["previous"] == {"provider": first, "model": "echo-small"}
    assert answer == "You said: the second question"
    sent = rig.scripted.requests[-1]
    assert (sent.protocol, sent.model) == (PROTOCOLS[second], "echo-large")
    assert "the first question" in json.dumps(sent.body)
    assert "You said: the first question" in json.dumps(sent.body)
    assert not sent.refused


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_place_that_names_the_model_agrees(
    rig: Rig, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = rig.runtime("chat/echo-small")
    with caplog.at_level(logging.INFO, "aether"):
        runtime.select(protocol, "alias-echo")
        await say(runtime, "hello")
    step = runtime.transcript.turns[0].answers[0].steps[0]
    payload = json.loads(next(r.message for r in caplog.records if "PAYLOAD" in r.message).split("PAYLOAD ")[1])
    assert runtime.reference == step.reference == f"{protocol}/alias-echo"
    assert (payload["provider"], payload["model"]) == (protocol, "alias-echo")
    assert rig.scripted.requests[-1].model == runtime.records[-1].body["model"] == "alias-echo"
    assert step.reported_model == "echo-2026-01-01"


async def test_the_log_lines_of_a_swap_are_exact(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    runtime = rig.runtime()
    with caplog.at_level(logging.INFO, "aether"):
        runtime.select("messages", "echo-large")
        runtime.select("messages\nINFO forged", None)
    told = [f"{r.levelname} {r.getMessage()}" for r in caplog.records]
    assert told[:2] == [
        "INFO Hot-swapping to provider: messages, model: echo-large",
        f"INFO Session {runtime.session} model updated to: messages/echo-large",
    ]
    assert told[3].startswith(f"WARNING Session {runtime.session} model update failed: messages INFO forged/None: ")
    assert not any("\n" in line for line in told)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("nobody", "echo-small"),
        ("keyless", "m"),
        ("keyless", "unknown"),
        (None, None),
        ("chat", None),
        ("chat", ""),
        (float("nan"), ["echo"]),
        ({"a": 1}, "echo-small"),
        ("", ""),
        ("chat/echo", "small"),
    ],
)
async def test_a_swap_that_cannot_be_leaves_the_old_model(rig: Rig, provider: object, model: object) -> None:
    runtime = rig.runtime("messages/echo-small")
    event = runtime.select(provider, model)
    assert event["event_type"] == "model_update_failed"
    assert event["payload"]["error"].endswith(".")
    assert event["payload"]["current"] == {"provider": "messages", "model": "echo-small"}
    assert json.dumps(event)
    assert await say(runtime, "still there?") == "You said: still there?"
    assert rig.scripted.requests[-1].model == "echo-small"


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_a_swap_while_an_answer_streams_waits_for_the_next_request(rig: Rig, first: str, second: str) -> None:
    runtime = rig.runtime(f"{first}/gate-3")
    live = runtime.ask("go")
    await rig.scripted.until(lambda s: s.log.held_streams == 1)
    runtime.select(second, "echo-large")
    assert runtime.pending
    assert runtime.select(first, "gate-3")["payload"]["pending"] is False
    assert runtime.select(second, "echo-large")["payload"]["pending"] is True
    rig.scripted.release()
    await runtime.settle()
    assert not runtime.pending
    assert live.steps[0].reference == f"{first}/gate-3"
    assert live.answer().text.endswith("[[end1]]")
    await say(runtime, "next")
    assert [r.model for r in rig.scripted.requests] == ["gate-3", "echo-large"]


async def test_stop_and_answer_again_goes_to_the_new_model(rig: Rig) -> None:
    runtime = rig.runtime("chat/stall-3")
    live = runtime.ask("tell me")
    await rig.scripted.until(lambda s: s.requests[0].tokens == 3 if s.requests else False)
    while not (live.draft and live.draft.text):
        await live.changed(live.version, 5.0)
    runtime.select("messages", "echo-large")
    assert await runtime.stop()
    runtime.rerun(live.turn)
    await runtime.settle()
    turn = runtime.transcript.turns[0]
    assert [a.status for a in turn.answers] == ["stopped", "done"]
    assert turn.answers[0].text.startswith(" t1")
    assert turn.answer is turn.answers[1]
    assert turn.answer.text == "You said: tell me"
    assert " t1" not in json.dumps(rig.scripted.requests[-1].body), "the second model never sees the first answer"


async def test_a_hundred_swaps_in_a_row_leave_the_last(rig: Rig) -> None:
    runtime = rig.runtime()
    await say(runtime, "warm")
    gc.collect()
    files, connections = _open_files(), rig.scripted.log.connections
    for number in range(100):
        runtime.select(list(PROTOCOLS)[number % 3], f"echo-{number}")
        await asyncio.sleep(0)
    await say(runtime, "who?")
    assert rig.scripted.requests[-1].model == "echo-99"
    gc.collect()
    alive = [o for o in gc.get_objects() if isinstance(o, LLM)]
    assert len(alive) <= 2
    assert rig.scripted.log.connections <= connections + 1
    assert _open_files() <= files + 3


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("model", ["silent", "silent-headers", "stall-3", "slow-first-30", "paced-50x2000"])
async def test_stop_ends_the_upstream_request(rig: Rig, protocol: str, model: str) -> None:
    runtime = rig.runtime(f"{protocol}/{model}")
    runtime.ask("go")
    await rig.scripted.until(lambda s: s.open_streams == 1)
    assert await runtime.stop()
    await rig.scripted.until(lambda s: s.open_streams == 0, timeout_s=1.0)
    assert rig.scripted.requests[0].ended == "client closed"
    assert runtime.transcript.turns[0].text == "go"
    runtime.select(protocol, "echo-small")
    assert (await say(runtime, "and now?")).endswith("and now?")


async def test_a_turn_stopped_before_it_began_is_settled(rig: Rig) -> None:
    runtime = rig.runtime()
    runtime.ask("never mind")
    assert await runtime.stop()
    assert [a.status for a in runtime.transcript.turns[0].answers] == ["stopped"]
    assert not await runtime.stop()
    assert (await say(runtime, "hello")).endswith("hello")


async def test_sessions_never_mix(rig: Rig) -> None:
    """Every body holds its own session's word alone, and the model that was selected last in it."""
    dice = random.Random(7)
    runtimes = [rig.runtime() for _ in range(4)]
    selected = dict.fromkeys(range(4), "echo-small")
    expected: dict[str, str] = {}
    swaps = 0
    while swaps < 500:
        number = dice.randrange(4)
        for _ in range(dice.randrange(1, 12)):
            provider, model = dice.choice(list(PROTOCOLS)), f"echo-{dice.randrange(50)}"
            runtimes[number].select(provider, model)
            selected[number], swaps = model, swaps + 1
        message = f"word{number}x{swaps}"
        expected[message] = selected[number]
        runtimes[number].ask(message)
        if dice.random() < 0.5:
            await asyncio.gather(*(r.settle() for r in runtimes))
        else:
            await runtimes[number].settle()
    requests = rig.scripted.requests
    assert len(requests) == len(expected)
    for request in requests:
        text = json.dumps(request.body)
        last = max((m for m in expected if m in text), key=lambda m: (text.rfind(m), len(m)))
        assert request.model == expected[last]
        others = {f"word{n}x" for n in range(4)} - {last.split("x")[0] + "x"}
        assert not any(word in text for word in others)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_done_in_between_the_body_names_the_model_selected_last(
    scripted: ScriptedProvider, tmp_path: Path, data: st.DataObject
) -> None:
    actions = st.sampled_from(["swap", "swap-while-streaming", "ask", "stop", "bad-swap", "rerun"])

    async def play() -> None:
        rig = Rig(scripted, tmp_path)
        runtime, selected, number = rig.runtime(), "echo-small", 0
        for action in data.draw(st.lists(actions, min_size=1, max_size=12)):
            number += 1
            provider = data.draw(st.sampled_from(list(PROTOCOLS)))
            match action:
                case "swap":
                    selected = f"echo-{number}"
                    runtime.select(provider, selected)
                case "bad-swap":
                    runtime.select("nobody", selected)
                case "swap-while-streaming":
                    runtime.select(provider, "gate-2")
                    runtime.ask(f"m{number}")
                    await scripted.until(lambda s: s.log.held_streams == 1)
                    selected = f"echo-{number}"
                    runtime.select(provider, selected)
                    scripted.release()
                    await runtime.settle()
                    assert scripted.requests[-1].model == "gate-2"
                case "stop":
                    runtime.ask(f"m{number}")
                    await runtime.stop()
                case "rerun" if runtime.transcript.turns:
                    runtime.rerun(0)
                    await runtime.settle()
                    assert scripted.requests[-1].model == selected
                case _:
                    assert (await say(runtime, f"m{number}")).endswith(f"m{number}")
                    assert scripted.requests[-1].model == selected
            assert runtime.reference.endswith(f"/{selected}")
            assert not runtime.pending
        assert not any(r.refused for r in scripted.requests)
        await rig.aclose()

    asyncio.run(play())


async def test_no_key_reaches_a_log_a_record_or_the_transcript(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    runtime = rig.runtime("chat/echo-key-401")
    with caplog.at_level(logging.DEBUG):
        for protocol in PROTOCOLS:
            runtime.select(protocol, "echo-key-401")
            await say(runtime, "let me in")
    auth = [r.headers.get("authorization", "") + r.headers.get("x-api-key", "") for r in rig.scripted.requests]
    assert all(KEY in a for a in auth), "the provider did get the key"
    told = "\n".join(r.getMessage() for r in caplog.records if r.name == "aether")
    failures = [t.answers[0].failure for t in runtime.transcript.turns]
    assert all(f and f.kind == "auth" for f in failures)
    assert KEY not in told
    assert KEY not in json.dumps([r.body for r in runtime.records])
    assert KEY not in repr(failures) + repr(runtime.llm) + repr(vars(runtime)) + runtime.transcript.to_json()


async def test_a_running_turn_refuses_a_second_one(rig: Rig) -> None:
    from aether.errors import BusyError, EmptyMessage

    runtime = rig.runtime("chat/stall-1")
    runtime.ask("one")
    with pytest.raises(BusyError):
        runtime.ask("two")
    with pytest.raises(BusyError):
        runtime.new_conversation()
    await runtime.stop()
    for blank in ("", "  \n", None, 3):
        with pytest.raises(EmptyMessage):
            runtime.ask(blank)
    assert len(runtime.transcript.turns) == 1

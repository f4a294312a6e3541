"""The scripted provider, driven by the real SDKs: how answers end, break, wait, and are left."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import anthropic
import httpx2
import openai
import pytest

from tests.scripted import ScriptedProvider
from tests.scripted.clients import PROTOCOLS, Client, Connect, body_of, every_protocol, post

# how an answer ends


async def test_each_protocol_has_its_own_word_for_a_refusal_and_a_cut_off_answer(connect: Connect) -> None:
    chat, responses, message = (connect(p) for p in PROTOCOLS)
    assert (await chat.whole("refuse")).choices[0].message.refusal == "I can't help with that."
    assert (await responses.whole("refuse")).output[0].content[0].refusal == "I can't help with that."
    refused = await message.whole("refuse")
    assert (refused.stop_reason, refused.stop_details.type) == ("refusal", "refusal")
    assert (await chat.whole("length")).choices[0].finish_reason == "length"
    cut = await responses.whole("length")
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert (await message.whole("length")).stop_reason == "max_tokens"


@every_protocol
@pytest.mark.parametrize("end", ["cut-3", "reset-3"])
async def test_a_broken_stream_gives_three_tokens_and_then_an_error(
    connect: Connect, scripted: ScriptedProvider, protocol: str, end: str
) -> None:
    seen: list[str] = []
    # The OpenAI SDK translates what breaks in mid-stream, the Anthropic SDK lets it through.
    with pytest.raises((openai.APIConnectionError, httpx2.TransportError)):
        async for text in connect(protocol).texts(end):
            seen.append(text)
    # a reset drops what the client has not read yet
    assert seen == [" t1", " t2", " t3"] if end == "cut-3" else len(seen) <= 3
    assert scripted.requests[0].ended == end.removesuffix("-3")


@every_protocol
async def test_an_unended_stream_closes_well_and_says_no_end(scripted: ScriptedProvider, protocol: str) -> None:
    raw = post(scripted, protocol, body_of(protocol, "unended-2", stream=True)).text
    assert " t2" in raw
    assert not any(end in raw for end in (" t3", "[DONE]", "message_stop", "response.completed"))


@pytest.mark.parametrize("protocol", ["openai-chat", "anthropic-messages"])
async def test_an_error_event_can_come_inside_a_200(connect: Connect, protocol: str) -> None:
    seen: list[str] = []
    with pytest.raises((openai.APIError, anthropic.APIError)):
        async for text in connect(protocol).texts("inband-error-2"):
            seen.append(text)
    assert seen == [" t1", " t2"]


@pytest.mark.parametrize(("model", "kind"), [("inband-error-1", "error"), ("inband-failed-1", "response.failed")])
async def test_a_response_can_fail_inside_a_200_in_two_ways(connect: Connect, model: str, kind: str) -> None:
    # The SDK raises for neither: both are events of their own.
    events = [e async for e in connect("openai-responses").events(model)]
    assert [e.delta for e in events if e.type == "response.output_text.delta"] == [" t1"]
    assert events[-1].type == kind
    assert getattr(events[-1], "code", None) == "server_error" or events[-1].response.error.code == "server_error"


@every_protocol
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503, 529])
async def test_every_status_comes_with_that_protocols_error(connect: Connect, protocol: str, status: int) -> None:
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as failed:
        await connect(protocol).whole(f"error-{status}-retry-2", stream=True)
    assert failed.value.status_code == status
    assert failed.value.response.headers["retry-after"] == "2"
    error = failed.value.response.json()["error"]
    assert error["message"]
    assert error["type"]
    assert ("request_id" in failed.value.response.json()) == (protocol == "anthropic-messages")


@every_protocol
async def test_a_careless_proxy_echoes_the_key_and_another_answers_in_html(
    scripted: ScriptedProvider, protocol: str
) -> None:
    assert "sk-test" in post(scripted, protocol, body_of(protocol, "echo-key-401")).text
    page = post(scripted, protocol, body_of(protocol, "html-502"))
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html")


@every_protocol
async def test_a_flaky_model_fails_twice_and_then_answers(scripted: ScriptedProvider, protocol: str) -> None:
    answers = [post(scripted, protocol, body_of(protocol, "flaky-2-echo")).status_code for _ in range(3)]
    assert answers == [503, 503, 200]


@every_protocol
async def test_cutting_bytes_and_ending_lines_otherwise_changes_nothing(connect: Connect, protocol: str) -> None:
    client = connect(protocol)
    for model in ("bytewise-echo", "crlf-echo", "bytewise-crlf-echo"):
        assert await client.text(model, text="grüße 🙂") == "You said: grüße 🙂"


async def test_odd_bodies_are_sent_as_they_are(connect: Connect, scripted: ScriptedProvider) -> None:
    assert post(scripted, "openai-chat", body_of("openai-chat", "empty", stream=True)).content == b""
    client = connect("openai-chat")
    with pytest.raises(json.JSONDecodeError):
        await client.text("garbled")
    with pytest.raises(openai.APIConnectionError):
        await client.text("gzip-lie-echo")
    assert len(await client.text("long-line-1000000")) == 1_000_000


# time, silence, and clients that leave


@every_protocol
async def test_a_stream_waits_at_its_gate_until_it_is_released(
    connect: Connect, scripted: ScriptedProvider, protocol: str
) -> None:
    texts = connect(protocol).texts("gate-3")
    first = [await anext(texts) for _ in range(3)]
    await scripted.until(lambda s: s.log.held_streams == 1)
    assert (scripted.requests[0].tokens, scripted.open_streams) == (3, 1)
    scripted.release()
    rest = [t async for t in texts]
    assert first[0] == " [[r1:gate-3]]"
    assert rest[-1] == " [[end1]]"
    assert len(rest) == 5


async def test_the_first_token_can_be_slow_and_the_others_keep_their_pace(connect: Connect) -> None:
    client = connect("openai-chat")
    start = time.perf_counter()
    times = [time.perf_counter() - start async for _ in client.texts("slow-first-0.2-paced-50x6")]
    assert times[0] >= 0.2
    assert times[-1] - times[0] >= 5 / 50 - 0.02


@every_protocol
@pytest.mark.parametrize("model", ["silent", "silent-headers", "stall-3", "gate-0", "slow-first-60"])
async def test_a_client_that_leaves_is_noticed_at_once_even_in_silence(
    connect: Connect, scripted: ScriptedProvider, protocol: str, model: str
) -> None:
    asking = asyncio.create_task(connect(protocol).text(model))
    await scripted.until(lambda s: s.open_streams == 1)
    left_at = time.time()
    asking.cancel()
    await scripted.until(lambda s: s.open_streams == 0)
    exchange = scripted.requests[0]
    assert exchange.ended == "client closed"
    assert exchange.ended_at - left_at < 0.5  # 50 ms when the machine is free


async def test_a_stopped_server_ends_its_streams_and_frees_its_port() -> None:
    server = ScriptedProvider().start()
    client = Client(server, "openai-chat")
    asking = asyncio.create_task(client.text("silent"))
    await server.until(lambda s: s.open_streams == 1)
    server.stop()
    with pytest.raises(openai.APIConnectionError):
        await asking
    await client.aclose()
    assert server.requests[0].ended == "server stopped"
    with ScriptedProvider(port=server.port) as again:
        assert again.port == server.port


def test_waiting_in_vain_says_what_was_seen(scripted: ScriptedProvider) -> None:
    post(scripted, "openai-chat", body_of("openai-chat", "echo-1"))
    with pytest.raises(AssertionError, match="echo-1"):
        scripted.wait_for(lambda s: s.open_streams == 7, timeout_s=0.01)


def test_waiting_ends_when_another_thread_makes_it_true(scripted: ScriptedProvider) -> None:
    thread = threading.Thread(target=post, args=(scripted, "openai-chat", body_of("openai-chat", "echo-1")))
    thread.start()
    scripted.wait_for(lambda s: s.requests and s.requests[0].ended == "complete")
    thread.join()

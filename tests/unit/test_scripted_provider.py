"""The scripted provider, driven by the real SDKs: what it says, its scripts, what it puts on record."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.scripted import Call, Counts, Reply, ScriptedProvider
from tests.scripted.clients import Connect, body_of, every_protocol, path_of, post, text_of

TOOL = "calculate"


# what it says


@every_protocol
async def test_an_echo_is_the_same_whole_and_streamed(
    connect: Connect, scripted: ScriptedProvider, protocol: str
) -> None:
    client = connect(protocol)
    assert text_of(await client.whole("echo-1", text="two words")) == "You said: two words"
    assert await client.text("echo-1", text="two words") == "You said: two words"
    await scripted.until(lambda s: all(e.ended for e in s.requests))
    assert [(e.protocol, e.model, e.status, e.ended) for e in scripted.requests] == [
        (protocol, "echo-1", 200, "complete")
    ] * 2


async def test_the_usage_counts_words_in_each_protocols_own_way(connect: Connect) -> None:
    chat = await connect("openai-chat").whole("cached", text="one two three four")
    assert (chat.usage.prompt_tokens, chat.usage.prompt_tokens_details.cached_tokens) == (4, 2)
    responses = await connect("openai-responses").whole("cached", text="one two three four")
    assert (responses.usage.input_tokens, responses.usage.input_tokens_details.cached_tokens) == (4, 2)
    message = await connect("anthropic-messages").whole("cached", text="one two three four")
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (2, 2)  # cached is not in input


async def test_chat_usage_comes_in_a_chunk_without_choices_and_only_when_asked_for(connect: Connect) -> None:
    client = connect("openai-chat")
    plain = [e async for e in client.events("echo-1")]
    asked = [e async for e in client.events("echo-1", stream_options={"include_usage": True})]
    assert all(e.choices and e.usage is None for e in plain)
    assert not asked[-1].choices
    assert asked[-1].usage.completion_tokens == 4


async def test_responses_events_come_in_order_and_end_with_the_whole_response(connect: Connect) -> None:
    events = [e async for e in connect("openai-responses").events("think-tool-calculate")]
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert [e.type for e in events][:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    final = events[-1].response
    assert events[-1].type == "response.completed"
    assert [i.type for i in final.output] == ["reasoning", "function_call"]
    deltas = "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")
    assert deltas == final.output[1].arguments == "{}"


async def test_anthropic_events_come_as_blocks_with_a_ping_and_end_with_message_stop(
    scripted: ScriptedProvider,
) -> None:
    raw = post(scripted, "anthropic-messages", body_of("anthropic-messages", "think", stream=True)).text
    kinds = [line.removeprefix("event: ") for line in raw.splitlines() if line.startswith("event: ")]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 2
    assert raw.endswith("\n\n")


async def test_a_chat_stream_ends_with_done(scripted: ScriptedProvider) -> None:
    raw = post(scripted, "openai-chat", body_of("openai-chat", "echo-1", stream=True)).text
    assert raw.endswith("data: [DONE]\n\n")
    assert "event:" not in raw


@every_protocol
async def test_an_alias_reports_another_model_than_asked(connect: Connect, protocol: str) -> None:
    answer = await connect(protocol).whole("alias-echo")
    assert answer.model == "echo-2026-01-01"


# tools


async def test_a_tool_is_asked_for_once_and_its_result_is_told_in_chat(connect: Connect) -> None:
    client = connect("openai-chat")
    tools = [{"type": "function", "function": {"name": TOOL, "parameters": {"type": "object"}}}]
    first = await client.whole(f"tool-{TOOL}", text='run {"expression": "1+1"}', tools=tools)
    call = first.choices[0].message.tool_calls[0]
    assert first.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == (TOOL, {"expression": "1+1"})
    history = [
        {"role": "user", "content": "run"},
        {"role": "assistant", "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "2"},
    ]
    second = await client.openai.chat.completions.create(model=f"tool-{TOOL}", messages=history, tools=tools)  # type: ignore[arg-type]
    assert second.choices[0].message.content == "The tool said: 2"


async def test_a_thinking_tool_loop_goes_round_in_anthropic_and_its_signature_is_known(
    connect: Connect,
) -> None:
    client = connect("anthropic-messages").anthropic
    tools: Any = [{"name": TOOL, "input_schema": {"type": "object"}}]
    ask: Any = {"role": "user", "content": 'run {"expression": "1+1"}'}
    body: Any = {"model": f"think-tool-{TOOL}", "max_tokens": 2000, "tools": tools}
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    async with client.messages.stream(**body, messages=[ask], thinking=thinking) as stream:
        first = await stream.get_final_message()
    assert [b.type for b in first.content] == ["thinking", "tool_use"]
    answer: Any = {"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in first.content]}
    result: Any = {"type": "tool_result", "tool_use_id": first.content[1].id, "content": "2"}  # type: ignore[union-attr]
    history = [ask, answer, {"role": "user", "content": [result]}]
    second = await client.messages.create(**body, messages=history, thinking=thinking)
    assert second.content[-1].text == "The tool said: 2"  # type: ignore[union-attr]
    answer["content"][0]["signature"] = "forged" * 8
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block"):
        await client.messages.create(**body, messages=history, thinking=thinking)


async def test_sealed_reasoning_goes_back_to_responses_with_the_item_that_followed_it(
    connect: Connect,
) -> None:
    client = connect("openai-responses").openai
    body: Any = {"model": "think", "store": False, "include": ["reasoning.encrypted_content"]}
    ask: Any = {"role": "user", "content": "hi"}
    first = await client.responses.create(**body, input=[ask])
    items: Any = [i.model_dump(exclude_none=True) for i in first.output]
    again = await client.responses.create(**body, input=[ask, *items, ask])
    assert again.output_text == "You said: hi"
    with pytest.raises(openai.BadRequestError, match="without its required following item"):
        await client.responses.create(**body, input=[ask, items[0], ask])
    with pytest.raises(openai.BadRequestError, match="without its required 'reasoning' item"):
        await client.responses.create(**body, input=[ask, items[1], ask])
    items[0]["encrypted_content"] = "gAAAAABfromanotheraccount"
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(**body, input=[ask, *items, ask])
    assert refused.value.code == "invalid_encrypted_content"


@every_protocol
async def test_parallel_and_endless_calls_are_asked_for(connect: Connect, protocol: str) -> None:
    for model, count in ((f"parallel-2-{TOOL}", 2), (f"forever-{TOOL}", 1)):
        answer = await connect(protocol).whole(model)
        dumped = json.dumps(answer.model_dump(mode="json"))
        assert dumped.count(f'"name": "{TOOL}"') == count


# scripts, lists, records


@every_protocol
async def test_scripted_replies_are_given_in_order_and_then_the_model_id_speaks(
    connect: Connect, scripted: ScriptedProvider, protocol: str
) -> None:
    usage = Counts(input=70, output=7, cache_read=20)
    scripted.script("m", [Reply(text="first", usage=usage), Reply(calls=(Call(name=TOOL, id="abc123xyz"),))])
    client = connect(protocol)
    first = await client.whole("m")
    assert text_of(first) == "first"
    reported = first.usage.model_dump()
    assert (reported.get("prompt_tokens") or reported["input_tokens"]) == (50 if "anthropic" in protocol else 70)
    assert "abc123xyz" in json.dumps((await client.whole("m")).model_dump(mode="json"))
    assert text_of(await client.whole("m")) == "You said: hello there"


async def test_a_list_of_models_is_in_the_callers_protocol_and_can_be_scripted(
    connect: Connect, scripted: ScriptedProvider
) -> None:
    of_openai = await connect("openai-chat").openai.models.list()
    of_anthropic = await connect("anthropic-messages").anthropic.models.list()
    assert {m.id for m in of_openai.data} == {m.id for m in of_anthropic.data} == set(scripted.models)
    assert of_anthropic.data[0].max_input_tokens == 200000
    scripted.script("/v1/models", [Reply(status=401, body={"error": {"message": "no"}})])
    with pytest.raises(openai.AuthenticationError):
        await connect("openai-chat").openai.models.list()


async def test_the_log_holds_what_was_sent_and_when(connect: Connect, scripted: ScriptedProvider) -> None:
    before = time.time()
    await connect("anthropic-messages").text("echo-1", text="remember me")
    await scripted.until(lambda s: s.requests[0].ended)
    exchange = scripted.requests[0]
    assert exchange.headers["authorization"] == "Bearer sk-test"
    assert exchange.body is not None
    assert exchange.body["messages"] == [{"role": "user", "content": "remember me"}]
    assert before <= exchange.arrived_at <= exchange.first_byte_at <= exchange.ended_at <= time.time()
    assert exchange.tokens == 4


async def test_many_streams_are_counted_while_they_run(connect: Connect, scripted: ScriptedProvider) -> None:
    client = connect("openai-chat")
    asking = [asyncio.create_task(client.text("gate-1")) for _ in range(20)]
    await scripted.until(lambda s: s.log.held_streams == 20)
    assert scripted.open_streams == 20
    scripted.release(20)
    assert all(t.endswith("]]") for t in await asyncio.gather(*asking))
    assert (scripted.open_streams, scripted.log.peak_streams) == (0, 20)


async def test_unknown_addresses_are_not_found(scripted: ScriptedProvider) -> None:
    for path in ("/v1/nothing", "/nosuchvariant/v1/models", "/"):
        assert httpx2.get(scripted.url + path).status_code == 404
    body = httpx2.post(scripted.url + "/v1/chat/completions", content=b"{not json").json()
    assert body["error"]["message"] == "We could not parse the JSON body of your request."


def test_as_a_process_it_is_scripted_and_read_over_http() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.scripted_provider", "--port", "0"]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        reply = {"text": "from afar", "calls": [{"name": TOOL}], "usage": {"input": 1, "output": 2}}
        assert httpx2.post(url + "/_script", json={"model": "m", "replies": [reply]}).status_code == 200
        assert httpx2.post(url + "/_script", json={"model": "m", "replies": [{"txt": "?"}]}).status_code == 400
        answer = httpx2.post(url + path_of("openai-chat"), json=body_of("openai-chat", "m")).json()
        assert answer["choices"][0]["message"]["content"] == "from afar"
        assert httpx2.get(url + "/_log").json()[0]["model"] == "m"
        assert httpx2.get(url + "/_state").json()["requests"] == 1
    finally:
        process.terminate()
        assert process.wait(10) == 0

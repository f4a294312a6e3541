"""What the scripted provider refuses, in whose words, and that it takes what real services took."""

from __future__ import annotations

import base64
from copy import deepcopy
from typing import Any

import pytest

from tests.replay import Recording, recordings
from tests.scripted import ScriptedProvider
from tests.scripted.clients import body_of, every_protocol, post
from tests.scripted.ids import Issuer
from tests.scripted.strict import chat, messages, responses
from tests.scripted.strict.rules import VARIANTS, Strictness

Body = dict[str, Any]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
USER: Body = {"role": "user", "content": "hi"}
DECLARED = {
    "openai-chat": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    "openai-responses": {
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}]
    },
    "anthropic-messages": {"tools": [{"name": "f", "input_schema": {"type": "object"}}]},
}


def call(id_: str = "call_1", name: str = "f", arguments: str = "{}") -> Body:
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": id_, "type": "function", "function": function}]}


def result(id_: str = "call_1", content: Any = "2") -> Body:
    return {"role": "tool", "tool_call_id": id_, "content": content}


def use(id_: str = "toolu_1", name: str = "f", **more: Any) -> Body:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": id_, "name": name, "input": {}, **more}]}


def used(id_: str = "toolu_1", **more: Any) -> Body:
    return {"type": "tool_result", "tool_use_id": id_, "content": "2", **more}


def image(kind: str = "image/png", data: str = PNG) -> Body:
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


SHOWN = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
TEXT = {"type": "text", "text": "look"}
THINKING = {"type": "thinking", "thinking": "hm", "signature": "of another model"}

CHAT: list[tuple[str, list[Body] | Body, str]] = [
    ("", [USER, call()], "The following tool_call_ids did not have response messages: call_1"),
    ("", [USER, call(), USER, result()], "The following tool_call_ids did not have response messages: call_1"),
    ("", [USER, result()], "must be a response to a preceeding message with 'tool_calls'"),
    ("", [USER, call(), result(), result()], "must be a response to a preceeding message with 'tool_calls'"),
    ("", [USER, call("c" * 41), result("c" * 41)], "Expected a string with maximum length 40"),
    ("", [USER, call(name="fs.read/file"), result()], "string does not match pattern"),
    ("", [USER, call(arguments='{"a": '), result()], "expected the JSON text of an object"),
    ("", [USER, call(arguments="[1]"), result()], "expected the JSON text of an object"),
    ("", [USER, {"role": "assistant", "content": ""}, USER], "must contain either 'content' or 'tool_calls'"),
    ("", [USER, {"role": "assistant", "content": "so"}], "Assistant response prefill"),
    ("", [{"role": "critic", "content": "no"}], "Invalid value: 'critic'"),
    ("", [USER | {"mood": "good"}], "Unknown parameter: 'messages[0].mood'"),
    ("", [USER, call() | {"reasoning_content": "hm"}, result()], "Unknown parameter: 'messages[1].reasoning_content'"),
    ("", [USER, call(), {"role": "tool", "content": "2"}], "Missing required parameter: 'messages[2].tool_call_id'"),
    ("", [USER, call(), result(content=[SHOWN])], "this message with role 'tool' contains an image URL"),
    ("", [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}], "messages[0].content[0]"),
    ("", [], "Invalid 'messages': empty array"),
    ("", {"max_tokens": 5, "max_completion_tokens": 5}, "at the same time is not supported"),
    ("", {"tool_choice": "auto"}, "only allowed when 'tools' are specified"),
    ("", {"stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled"),
    ("", {"previous_response_id": "resp_1"}, "Unknown parameter: 'previous_response_id'"),
    ("groq", [USER, call() | {"reasoning_content": "hm"}, result()], "property 'reasoning_content' is unsupported"),
    ("mistral", [USER, call(), result()], "must be a-z, A-Z, 0-9, with a length of 9"),
    ("mistral", [USER, call("a" * 9), result("a" * 9), USER], "Unexpected role 'user' after role 'tool'"),
    ("mistral", [USER, result("a" * 9)], "Unexpected role 'tool' after role 'user'"),
    ("mistral", [USER, call("a" * 9)], "Not the same number of function calls and responses"),
    ("mistral", [USER, {"role": "assistant", "content": "so"}], "Expected last role User or Tool"),
    ("mistral", [USER, call("a" * 9) | {"reasoning_content": "hm"}, result("a" * 9)], "Extra inputs are not permitted"),
    ("template", [USER, USER], "Conversation roles must alternate user/assistant"),
    ("template", [USER, {"role": "system", "content": "x"}], "System message must be at the beginning"),
    ("text-only", [{"role": "user", "content": [TEXT, SHOWN]}], "unknown variant `image_url`, expected `text`"),
    ("string-content", [{"role": "user", "content": [TEXT]}], "invalid type: sequence, expected a string"),
    ("no-system", [{"role": "system", "content": "x"}, USER], "does not support 'system' with this model"),
    ("llama+no-system", [{"role": "system", "content": "x"}, USER], "System role not supported"),
    ("deepseek-thinking", [USER, call(), result()], "`reasoning_content` in the thinking mode must be passed back"),
    ("no-tools", DECLARED["openai-chat"], "--enable-auto-tool-choice"),
    ("o-series", {"max_tokens": 5}, "Use 'max_completion_tokens' instead"),
    ("o-series", {"temperature": 0.2}, "'temperature' does not support 0.2"),
    ("small-ctx-5", [{"role": "user", "content": "word " * 20}], "maximum context length is 5 tokens"),
    ("llama+small-ctx-5", [{"role": "user", "content": "word " * 20}], "exceeds the available context size (5 tokens)"),
]
MESSAGES: list[tuple[str, list[Body] | Body, str]] = [
    ("", [USER, use(), USER], "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_1"),
    ("", [USER, use(), {"role": "user", "content": [TEXT, used()]}], "`tool_use` ids were found without"),
    ("", [{"role": "user", "content": [used()]}], "unexpected `tool_use_id` found in `tool_result` blocks: toolu_1"),
    (
        "",
        [USER, use("a|b"), {"role": "user", "content": [used("a|b")]}],
        "String should match pattern '^[a-zA-Z0-9_-]+$'",
    ),
    ("", [USER, *[use(), {"role": "user", "content": [used()]}] * 2], "`tool_use` ids must be unique"),
    ("", [USER, use(), {"role": "user", "content": [used(), used()]}], "must have a single result"),
    ("", [USER, use(name="fs.read"), {"role": "user", "content": [used()]}], "tool_use.name: String should match"),
    ("", [USER, use(input=[1]), {"role": "user", "content": [used()]}], "tool_use.input: Input should be a valid dict"),
    ("", [{"role": "user", "content": [{"type": "text", "text": ""}]}], "text content blocks must be non-empty"),
    ("", [{"role": "user", "content": " \n"}], "must contain non-whitespace text"),
    ("", [{"role": "user", "content": ""}], "must have non-empty content"),
    ("", [{"role": "assistant", "content": "hi"}, USER], 'first message must use the "user" role'),
    ("", [USER, {"role": "assistant", "content": "so"}], "must end with a user message"),
    ("", [USER, {"role": "assistant", "content": "so "}], "cannot end with trailing whitespace"),
    ("", [USER, USER], 'multiple "user" roles in a row'),
    ("", [USER, {"role": "system", "content": "x"}], "role 'system' is not supported on this model"),
    ("", [USER | {"name": "me"}], "messages.0.name: Extra inputs are not permitted"),
    ("", [{"role": "user", "content": [TEXT | {"foo": 1}]}], "messages.0.content.0.text.foo: Extra inputs"),
    ("", [{"role": "user", "content": [SHOWN]}], "Input tag 'image_url' found using 'type' does not match"),
    ("", [{"role": "user", "content": [image("image/bmp")]}], "messages.0.content.0.image.source.media_type"),
    ("", [{"role": "user", "content": [image("image/jpeg")]}], "does not match the provided media type image/jpeg"),
    ("", [{"role": "user", "content": [image(data=PNG + "A" * 5242880)]}], "image exceeds 5 MB maximum"),
    ("", [USER, {"role": "assistant", "content": [THINKING, TEXT]}, USER], "Invalid `signature` in `thinking` block"),
    (
        "",
        [USER, {"role": "assistant", "content": [{"type": "thinking", "thinking": "x"}]}, USER],
        "signature: Field required",
    ),
    ("", [], "at least one message is required"),
    ("", {"max_tokens": None}, "max_tokens: Input should be a valid integer"),
    ("", {"temperature": 0.1, "top_p": 0.9}, "`temperature` and `top_p` cannot both be specified"),
    ("", {"reasoning_effort": "low"}, "reasoning_effort: Extra inputs are not permitted"),
    ("no-sampling", {"temperature": 0.1}, "`temperature` is deprecated for this model"),
    ("text-only", [{"role": "user", "content": [image()]}], "image input is not supported"),
    ("mid-system", [USER, {"role": "system", "content": "x"}, USER], "must follow a user message"),
    ("small-ctx-5", [{"role": "user", "content": "word " * 20}], "prompt is too long: 25 tokens > 5 maximum"),
]
ASKED: Body = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
GIVEN: Body = {"type": "function_call_output", "call_id": "call_1", "output": "2"}
RESPONSES: list[tuple[str, list[Body] | Body, str]] = [
    ("", [USER, ASKED], "No tool output found for function call call_1"),
    ("", [USER, GIVEN], "No tool call found for function call output with call_id call_1"),
    ("", [USER, ASKED, ASKED, GIVEN], "Duplicate function call with call_id call_1"),
    ("", [USER, ASKED | {"call_id": "c" * 65}], "Expected a string with maximum length 64"),
    ("", [USER, ASKED | {"id": "toolu_1"}, GIVEN], "Expected an ID that begins with 'fc'"),
    ("", [USER, ASKED | {"id": "fc_made_up"}, GIVEN], "Item with id 'fc_made_up' not found"),
    (
        "",
        [USER, {"type": "reasoning", "id": "thinking_0", "summary": []}, USER],
        "Expected an ID that begins with 'rs'",
    ),
    ("", [USER, ASKED | {"name": "fs.read"}, GIVEN], "string does not match pattern"),
    ("", [USER | {"content": []}], "Invalid 'input[0].content': empty array"),
    ("", [USER | {"content": [{"type": "text", "text": "x"}]}], "input[0].content[0]"),
    ("", [USER, {"role": "tool", "content": "2"}], "Invalid value: 'tool'"),
    ("", [USER, GIVEN | {"is_error": True}], "Unknown parameter: 'input[1].is_error'"),
    ("", [USER, {"role": "assistant", "content": "so"}], "Assistant response prefill"),
    ("", [], "Invalid 'input': empty array"),
    ("", {"store": True}, "'store' must be false"),
    ("", {"previous_response_id": "resp_1"}, "does not support 'previous_response_id'"),
    ("", {"max_tokens": 5}, "Unknown parameter: 'max_tokens'"),
    ("deepseek", [USER, ASKED, USER, GIVEN], "No tool output found for tool call call_1"),
    ("small-ctx-5", [{"role": "user", "content": "word " * 20}], "exceeds the context window"),
]


def changed(protocol: str, change: list[Body] | Body) -> Body:
    """Return a good body with other messages, or with other settings."""
    key = "input" if protocol == "openai-responses" else "messages"
    if isinstance(change, list):
        return body_of(protocol, "echo") | DECLARED[protocol] | {key: deepcopy(change)}
    return body_of(protocol, "echo") | change


def refusal_by(server: ScriptedProvider, protocol: str, prefix: str, change: list[Body] | Body) -> str:
    """Return the body of the refusal; fails if the request is taken."""
    response = post(server, protocol, changed(protocol, change), prefix=f"/{prefix}" if prefix else "")
    assert response.status_code >= 400, response.text
    assert server.requests[-1].refused
    return response.text.replace('\\"', '"').replace("\\n", "\n")


@pytest.mark.parametrize(("prefix", "change", "words"), CHAT)
def test_chat_bodies_are_refused(
    scripted: ScriptedProvider, prefix: str, change: list[Body] | Body, words: str
) -> None:
    assert words in refusal_by(scripted, "openai-chat", prefix, change)


@pytest.mark.parametrize(("prefix", "change", "words"), MESSAGES)
def test_anthropic_bodies_are_refused(
    scripted: ScriptedProvider, prefix: str, change: list[Body] | Body, words: str
) -> None:
    assert words in refusal_by(scripted, "anthropic-messages", prefix, change)


@pytest.mark.parametrize(("prefix", "change", "words"), RESPONSES)
def test_responses_bodies_are_refused(
    scripted: ScriptedProvider, prefix: str, change: list[Body] | Body, words: str
) -> None:
    assert words in refusal_by(scripted, "openai-responses", prefix, change)


GOOD: list[tuple[str, str, list[Body] | Body]] = [
    ("openai-chat", "", [{"role": "system", "content": "s"}, USER, call(), result(), USER]),
    ("openai-chat", "", [{"role": "user", "content": [TEXT, SHOWN]}]),
    ("openai-chat", "mistral", [USER, call("a" * 9), result("a" * 9), {"role": "assistant", "content": "ok"}, USER]),
    ("openai-chat", "template", [{"role": "system", "content": "s"}, USER, call(), result()]),
    ("openai-chat", "deepseek-thinking", [USER, call() | {"reasoning_content": ""}, result()]),
    ("openai-chat", "forgiving", [USER, {"role": "assistant", "content": "so"}]),
    ("openai-chat", "lenient", []),
    ("anthropic-messages", "", [USER, use(), {"role": "user", "content": [used(), TEXT]}]),
    ("anthropic-messages", "", [{"role": "user", "content": [TEXT, image()]}]),
    ("anthropic-messages", "", {"temperature": 0.5, "system": "s"}),
    ("anthropic-messages", "mid-system", [USER, {"role": "system", "content": "x"}]),
    ("anthropic-messages", "forgiving", [USER, USER]),
    ("openai-responses", "", [{"role": "developer", "content": "s"}, USER, ASKED, GIVEN, USER]),
    ("openai-responses", "", [USER, {"role": "assistant", "content": "so"}, USER]),
    ("openai-responses", "forgiving", {"store": True}),
]


@pytest.mark.parametrize(("protocol", "prefix", "change"), GOOD)
def test_good_bodies_are_taken(
    scripted: ScriptedProvider, protocol: str, prefix: str, change: list[Body] | Body
) -> None:
    response = post(scripted, protocol, changed(protocol, change), prefix=f"/{prefix}" if prefix else "")
    assert response.status_code == 200, response.text


@every_protocol
def test_a_missing_key_is_refused_where_one_is_needed(scripted: ScriptedProvider, protocol: str) -> None:
    assert post(scripted, protocol, body_of(protocol, "echo"), prefix="/needs-key").status_code == 200
    keyless = post(scripted, protocol, body_of(protocol, "echo"), prefix="/needs-key", key="")
    assert keyless.status_code == 401


def test_bound_thinking_is_void_after_a_changed_prefix(scripted: ScriptedProvider) -> None:
    body = body_of("anthropic-messages", "think", system="s")
    answer = post(scripted, "anthropic-messages", body).json()["content"]
    history = [*body["messages"], {"role": "assistant", "content": answer}, USER]
    again = body | {"messages": history}
    for prefix, changes, status in (
        ("/bound-thinking", {}, 200),
        ("/bound-thinking", {"system": "another"}, 400),
        ("", {"system": "another"}, 200),
    ):
        assert post(scripted, "anthropic-messages", again | changes, prefix=prefix).status_code == status


def test_a_llama_overflow_tells_the_window(scripted: ScriptedProvider) -> None:
    long = body_of("openai-chat", "echo", text="word " * 20)
    error = post(scripted, "openai-chat", long, prefix="/llama+small-ctx-5").json()["error"]
    assert (error["type"], error["n_prompt_tokens"], error["n_ctx"]) == ("exceed_context_size_error", 25, 5)


# against what real services did

OTHERS_OWN = ("advisor", "mcp-servers", "lazy-advertisement", "tool-addition")
"""Anthropic recordings made with beta features that are not among the SDK's plain types."""
TAKEN = [
    r
    for r in recordings()
    if r.status == 200 and r.provider in ("openai", "anthropic") and not any(o in r.name for o in OTHERS_OWN)
]


def first_fault(recording: Recording, strictness: Strictness) -> str:
    """Return why a recorded body would be refused, or the empty string; every signature is taken as known."""
    issuer = Issuer(trusts_all=True)
    match recording.protocol:
        case "openai-chat":
            found = chat.faults(recording.request, strictness)
        case "openai-responses":
            found = responses.faults(recording.request, strictness, issuer)
        case _:
            found = messages.faults(recording.request, strictness, issuer)
    return next((f.message for f in found), "")


@pytest.mark.parametrize("recording", TAKEN, ids=lambda r: r.name)
def test_what_openai_and_anthropic_took_is_taken(recording: Recording) -> None:
    assert not first_fault(recording, Strictness(is_tidy=False, takes_mid_system=True))


def test_what_they_refused_over_its_shape_is_refused_in_their_words() -> None:
    refused = {
        "thinking-with-modified-history.1": {},
        "rejects-interleaved-function-calls.0": {"voice": "deepseek", "is_tidy": False},
        "o1-mini-system-role-system.0": VARIANTS["no-system"],
        "o1-mini-system-role-developer.0": VARIANTS["no-system"],
    }
    for name, fields in refused.items():
        [recording] = [r for r in recordings(kind="error") if r.name.endswith(name)]
        fault = first_fault(recording, Strictness(**{"is_tidy": False} | fields))
        assert fault
        assert fault in recording.response

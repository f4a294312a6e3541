"""The OpenAI Chat Completions protocol, from the service's side: a reply as chunks, or as one completion.

Source of the shapes: recorded traffic in `tests/recordings`, and the types of `openai` 3.54.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.scripted.reply import JSON, Call, Frame, Reply, Stop, split_arguments, split_tokens
from tests.scripted.request import Ask

STOPS: dict[Stop, str] = {
    "done": "stop",
    "length": "length",
    "tool": "tool_calls",
    "refusal": "stop",
    "filtered": "content_filter",
    "paused": "stop",
    "context": "length",
}
CREATED = 1767225600
DONE: Frame = (b"data: [DONE]\n\n", False)


def data(value: JSON) -> bytes:
    """Frame one event: the `data:` line and a blank line."""
    return b"data: " + json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def error_event(_reply: Reply, _sequence: int) -> bytes:
    """Return an error that comes inside a stream that began with status 200."""
    message = "The server had an error while processing your request. Sorry about that!"
    return data({"error": {"message": message, "type": "server_error", "param": None, "code": None}})


def frames(reply: Reply, ask: Ask) -> Iterator[Frame]:
    """Yield the chunks of a streamed reply; the usage comes in one without choices, if it was asked for."""
    options = ask.body.get("stream_options") or {}
    counted = {"usage": None} if options.get("include_usage") else {}
    shell = {**head(reply, ask), "object": "chat.completion.chunk"}

    def chunk(delta: JSON, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return data({**shell, "choices": [choice], **counted})

    yield chunk({"role": "assistant", "content": None if reply.calls else "", "refusal": None}), False
    texts = (
        ("reasoning_content", split_tokens(reply.reasoning)),
        ("content", reply.pieces),
        ("refusal", split_tokens(reply.refusal)),
    )
    for key, pieces in texts:
        start, end = chunk({key: "\0"}).split(b'"\\u0000"')
        for piece in pieces:
            yield start + json.dumps(piece, ensure_ascii=False).encode() + end, True
    for index, call in enumerate(reply.calls):
        function = {"name": call.name, "arguments": ""}
        first = {"index": index, "id": call_id(call, ask), "type": "function", "function": function}
        yield chunk({"tool_calls": [first]}), True
        for piece in split_arguments(call.arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}), True
    yield chunk({}, STOPS[reply.why]), False
    if counted:
        yield data({**shell, "choices": [], "usage": counts(reply, ask)}), False
    yield DONE


def whole(reply: Reply, ask: Ask) -> JSON:
    """Return the reply as one completion."""
    text = "".join(reply.pieces)
    message: JSON = {
        "role": "assistant",
        "content": text or (None if reply.calls or reply.refusal else ""),
        "refusal": reply.refusal or None,
        "annotations": [],
    }
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [
            {"id": call_id(c, ask), "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in reply.calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": STOPS[reply.why]}
    return {
        **head(reply, ask),
        "object": "chat.completion",
        "choices": [choice],
        "usage": counts(reply, ask),
    }


def head(reply: Reply, ask: Ask) -> JSON:
    return {
        "id": ask.issuer.mint("chatcmpl-", 29),
        "created": CREATED,
        "model": reply.model or ask.model,
        "service_tier": "default",
        "system_fingerprint": "fp_scripted",
    }


def counts(reply: Reply, ask: Ask) -> JSON:
    """Return the usage; in this protocol `prompt_tokens` includes what was cached."""
    usage = reply.usage
    read = usage.input if usage else ask.words
    written = usage.output if usage else reply.output
    thought = usage.reasoning if usage else len(split_tokens(reply.reasoning))
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read if usage else 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": 0},
    }


def call_id(call: Call, ask: Ask) -> str:
    if call.id:
        return call.id
    return ask.issuer.mint("", 9) if ask.strictness.nine_char_ids else ask.issuer.mint("call_", 24)


def model_entry(model: str) -> dict[str, Any]:
    """Describe one model in a list of models."""
    return {"id": model, "object": "model", "created": CREATED, "owned_by": "scripted"}


def model_list(models: tuple[str, ...]) -> JSON:
    """Return the list of models."""
    return {"object": "list", "data": [model_entry(m) for m in models]}

"""The Anthropic Messages protocol, from the service's side: a reply as events, or as one message.

Source of the shapes: recorded traffic in `tests/recordings`, and the types of `anthropic` 2.12.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.scripted.ids import digest
from tests.scripted.reply import JSON, Call, Frame, Reply, Stop, split_arguments, split_tokens
from tests.scripted.request import Ask

STOPS: dict[Stop, str] = {
    "done": "end_turn",
    "length": "max_tokens",
    "tool": "tool_use",
    "refusal": "refusal",
    "filtered": "refusal",
    "paused": "pause_turn",
    "context": "model_context_window_exceeded",
}
PING: Frame = (b'event: ping\ndata: {"type": "ping"}\n\n', False)


def event(kind: str, **data: Any) -> bytes:
    """Frame one event: the `event:` line, the `data:` line, a blank line."""
    text = json.dumps({"type": kind, **data}, separators=(",", ":"), ensure_ascii=False)
    return f"event: {kind}\ndata: {text}\n\n".encode()


def error_event(_reply: Reply, _sequence: int) -> bytes:
    """Return an error that comes inside a stream that began with status 200."""
    return event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def frames(reply: Reply, ask: Ask) -> Iterator[Frame]:
    """Yield the events of a streamed reply."""
    start = message(reply, ask) | {"content": [], "stop_reason": None, "stop_details": None}
    start["usage"] = start["usage"] | {"output_tokens": 1}
    yield event("message_start", message=start), False
    for index, (block, deltas) in enumerate(blocks(reply, ask)):
        yield event("content_block_start", index=index, content_block=block), False
        if index == 0:
            yield PING
        for kind, key, pieces, is_token in deltas:
            head, tail = event("content_block_delta", index=index, delta={"type": kind, key: "\0"}).split(b'"\\u0000"')
            for piece in pieces:
                yield head + json.dumps(piece, ensure_ascii=False).encode() + tail, is_token
        yield event("content_block_stop", index=index), False
    usage = counts(reply, ask)
    usage.pop("service_tier")
    delta = {"stop_reason": STOPS[reply.why], "stop_sequence": None, "stop_details": stop_details(reply)}
    yield event("message_delta", delta=delta, usage=usage), False
    yield event("message_stop"), False


Deltas = tuple[str, str, tuple[str, ...], bool]
"""Kind of the delta, its key, its pieces, whether each piece is a token."""


def blocks(reply: Reply, ask: Ask) -> Iterator[tuple[JSON, tuple[Deltas, ...]]]:
    """Yield each block as it starts, and what is then streamed into it."""
    if reply.redacted:
        yield {"type": "redacted_thinking", "data": sign(reply, ask)}, ()
    elif reply.reasoning:
        thinking = ("thinking_delta", "thinking", split_tokens(reply.reasoning), True)
        signature = ("signature_delta", "signature", (sign(reply, ask),), False)
        yield {"type": "thinking", "thinking": "", "signature": ""}, (thinking, signature)
    if pieces := reply.pieces or split_tokens(reply.refusal):
        yield {"type": "text", "text": ""}, (("text_delta", "text", pieces, True),)
    for call in reply.calls:
        start = {"type": "tool_use", "id": call_id(call, ask), "name": call.name, "input": {}}
        pieces = ("", *split_arguments(call.arguments))
        yield start, (("input_json_delta", "partial_json", pieces, True),)


def whole(reply: Reply, ask: Ask) -> JSON:
    """Return the reply as one message."""
    content: list[JSON] = []
    for block, deltas in blocks(reply, ask):
        for _, key, pieces, _ in deltas:
            text = "".join(pieces)
            if key == "partial_json":
                block["input"] = json.loads(text or "{}")
            else:
                block[key] = text
        content.append(block)
    return message(reply, ask) | {"content": content}


def message(reply: Reply, ask: Ask) -> JSON:
    return {
        "model": reply.model or ask.model,
        "id": ask.issuer.mint("msg_01", 22),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": STOPS[reply.why],
        "stop_sequence": None,
        "stop_details": stop_details(reply),
        "usage": counts(reply, ask),
    }


def counts(reply: Reply, ask: Ask) -> JSON:
    """Return the usage; this protocol counts what was cached apart from `input_tokens`."""
    usage = reply.usage
    read, write = (usage.cache_read, usage.cache_write) if usage else (0, 0)
    return {
        "input_tokens": (usage.input if usage else ask.words) - read - write,
        "cache_creation_input_tokens": write,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output if usage else reply.output,
        "service_tier": "standard",
    }


def stop_details(reply: Reply) -> JSON | None:
    if reply.why != "refusal":
        return None
    return {"type": "refusal", "category": "general_harms", "explanation": reply.refusal or None}


def sign(reply: Reply, ask: Ask) -> str:
    """Sign the reasoning, bound to all that the request held: newer models bind it so."""
    body = ask.body
    return ask.issuer.sign(reply.reasoning, prefix=prefix_digest(body, messages=body.get("messages")))


def prefix_digest(body: JSON, *, messages: Any) -> str:
    """Return a digest of what a block is bound to: the system, the tools, the messages before it."""
    return digest(body.get("system"), body.get("tools"), messages)


def call_id(call: Call, ask: Ask) -> str:
    return call.id or ask.issuer.mint("toolu_01", 22)


def model_entry(model: str) -> JSON:
    """Describe one model in a list of models."""
    return {
        "type": "model",
        "id": model,
        "display_name": model.replace("-", " ").title(),
        "created_at": "2026-01-01T00:00:00Z",
        "max_input_tokens": 200000,
        "max_tokens": 64000,
    }


def model_list(models: tuple[str, ...]) -> JSON:
    """Return the list of models."""
    ends = {"first_id": models[0], "last_id": models[-1]} if models else {"first_id": None, "last_id": None}
    return {"data": [model_entry(m) for m in models], "has_more": False, **ends}

"""The OpenAI Responses protocol, from the service's side: a reply as events, or as one response object.

Source of the shapes: recorded traffic in `tests/recordings`, and the types of `openai` 3.54.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.scripted.reply import JSON, Call, Frame, Reply, split_arguments, split_tokens
from tests.scripted.request import Ask

CREATED = 1767225600
SEALED = "reasoning.encrypted_content"
INCOMPLETE = {"length": "max_output_tokens", "context": "max_output_tokens", "filtered": "content_filter"}


def event(kind: str, **data: Any) -> bytes:
    """Frame one event: the `event:` line, the `data:` line, a blank line."""
    text = json.dumps({"type": kind, **data}, separators=(",", ":"), ensure_ascii=False)
    return f"event: {kind}\ndata: {text}\n\n".encode()


def error_event(reply: Reply, sequence: int) -> bytes:
    """Return an error inside a stream that began with status 200: an `error`, or a failed response."""
    message = "The server had an error while processing your request. Sorry about that!"
    if reply.end == "error":
        return event("error", sequence_number=sequence, code="server_error", message=message, param=None)
    failed = {
        "id": "resp_failed",
        "object": "response",
        "created_at": CREATED,
        "status": "failed",
        "model": reply.model,
        "error": {"code": "server_error", "message": message},
        "incomplete_details": None,
        "output": [],
        "usage": None,
    }
    return event("response.failed", sequence_number=sequence, response=failed)


class Numbered:
    """Frame events with their sequence numbers."""

    def __init__(self) -> None:
        self.next = 0

    def __call__(self, kind: str, **data: Any) -> bytes:
        framed = event(kind, sequence_number=self.next, **data)
        self.next += 1
        return framed

    def deltas(self, kind: str, pieces: tuple[str, ...], **where: Any) -> Iterator[Frame]:
        """Yield one delta a piece; the JSON around the piece is built once."""
        text = json.dumps({"type": kind, **where, "delta": "\0"}, separators=(",", ":"))
        head, tail = (f"event: {kind}\ndata: {text}"[:-1]).encode().split(b'"\\u0000"')
        for piece in pieces:
            number = b',"sequence_number":%d}\n\n' % self.next
            yield head + json.dumps(piece, ensure_ascii=False).encode() + tail + number, True
            self.next += 1


def frames(reply: Reply, ask: Ask) -> Iterator[Frame]:
    """Yield the events of a streamed reply."""
    number = Numbered()
    final = whole(reply, ask)
    begun = final | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield number("response.created", response=begun), False
    yield number("response.in_progress", response=begun), False
    for index, item in enumerate(final["output"]):
        yield from ITEMS[item["type"]](number, index, item, reply)
    yield number("response." + final["status"], response=final), False


def _reasoning(number: Numbered, index: int, item: JSON, _reply: Reply) -> Iterator[Frame]:
    at = {"item_id": item["id"], "output_index": index, "summary_index": 0}
    sealed = item["encrypted_content"] and item["encrypted_content"][:12]
    begun = item | {"summary": [], "encrypted_content": sealed}  # what is sealed so far; the whole comes at the end
    yield number("response.output_item.added", output_index=index, item=begun), False
    for part in item["summary"]:
        empty = {"type": "summary_text", "text": ""}
        yield number("response.reasoning_summary_part.added", part=empty, **at), False
        yield from number.deltas("response.reasoning_summary_text.delta", split_tokens(part["text"]), **at)
        yield number("response.reasoning_summary_text.done", text=part["text"], **at), False
        yield number("response.reasoning_summary_part.done", part=part, **at), False
    yield number("response.output_item.done", output_index=index, item=item), False


def _message(number: Numbered, index: int, item: JSON, reply: Reply) -> Iterator[Frame]:
    begun = item | {"status": "in_progress", "content": []}
    yield number("response.output_item.added", output_index=index, item=begun), False
    for place, part in enumerate(item["content"]):
        at = {"item_id": item["id"], "output_index": index, "content_index": place}
        is_text = part["type"] == "output_text"
        key, kind = ("text", "response.output_text") if is_text else ("refusal", "response.refusal")
        pieces = reply.pieces if is_text else split_tokens(reply.refusal)
        extra: JSON = {"logprobs": []} if is_text else {}
        yield number("response.content_part.added", part=part | {key: ""}, **at), False
        yield from number.deltas(f"{kind}.delta", pieces, **at, **extra)
        yield number(f"{kind}.done", **{key: part[key]}, **at, **extra), False
        yield number("response.content_part.done", part=part, **at), False
    yield number("response.output_item.done", output_index=index, item=item), False


def _call(number: Numbered, index: int, item: JSON, _reply: Reply) -> Iterator[Frame]:
    at = {"item_id": item["id"], "output_index": index}
    begun = item | {"status": "in_progress", "arguments": ""}
    yield number("response.output_item.added", output_index=index, item=begun), False
    pieces = split_arguments(item["arguments"])
    yield from number.deltas("response.function_call_arguments.delta", pieces, **at)
    yield number("response.function_call_arguments.done", arguments=item["arguments"], **at), False
    yield number("response.output_item.done", output_index=index, item=item), False


ITEMS: dict[str, Callable[[Numbered, int, JSON, Reply], Iterator[Frame]]] = {
    "reasoning": _reasoning,
    "message": _message,
    "function_call": _call,
}


def whole(reply: Reply, ask: Ask) -> JSON:
    """Return the reply as one response object."""
    id_ = ask.issuer.mint("resp_", 48)
    reason = INCOMPLETE.get(reply.why)
    body = ask.body
    return {
        "id": id_,
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if reason else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": reply.model or ask.model,
        "output": list(output(reply, ask, id_)),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": counts(reply, ask),
        "metadata": {},
    }


def output(reply: Reply, ask: Ask, response: str) -> Iterator[JSON]:
    """Yield the output items; what follows a reasoning item is tied to it by ids."""
    thought = ""
    if reply.reasoning or reply.redacted:
        thought = ask.issuer.item("rs", response=response)
        sealed = ask.issuer.sign(reply.reasoning) if SEALED in (ask.body.get("include") or []) else None
        summary = [] if reply.redacted else [{"type": "summary_text", "text": reply.reasoning}]
        yield {"id": thought, "type": "reasoning", "encrypted_content": sealed, "summary": summary}
    parts: list[JSON] = []
    if reply.pieces:
        parts.append({"type": "output_text", "annotations": [], "logprobs": [], "text": "".join(reply.pieces)})
    if reply.refusal:
        parts.append({"type": "refusal", "refusal": reply.refusal})
    if parts:
        id_ = ask.issuer.item("msg", response=response, reasoning=thought)
        yield {"id": id_, "type": "message", "status": "completed", "content": parts, "role": "assistant"}
    for place, call in enumerate(reply.calls):
        bound = thought if place == 0 and not parts else ""
        yield {
            "id": ask.issuer.item("fc", response=response, reasoning=bound),
            "type": "function_call",
            "status": "completed",
            "arguments": call.arguments,
            "call_id": call_id(call, ask),
            "name": call.name,
        }


def counts(reply: Reply, ask: Ask) -> JSON:
    """Return the usage; in this protocol `input_tokens` includes what was cached."""
    usage = reply.usage
    read = usage.input if usage else ask.words
    written = usage.output if usage else reply.output
    thought = usage.reasoning if usage else len(split_tokens(reply.reasoning))
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": usage.cache_read if usage else 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": read + written,
    }


def call_id(call: Call, ask: Ask) -> str:
    return call.id or ask.issuer.mint("call_", 24)

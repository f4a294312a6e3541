"""The streams of the three protocols and the error bodies: recorded ones made strange, and strange ones made up."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache, partial
from random import Random
from typing import Any

from aether.events import CallDelta, ReasoningDelta, Reply, TextDelta
from aether.profile import Protocol
from aether.transcript import Answer, Native, Part, Step, Text, ToolResult, Transcript, Turn
from aether.wire import WIRES, InBandError
from aether.wire.faults import classify
from aether.wire.intake import Intake
from tests.fuzz.door import Door, holds, sendable
from tests.fuzz.odd import TEXTS, changed, dumps, garbled, text, value
from tests.wire.peers import BY_NAME, PEERS
from tests.wire.recorded import all_of, events

LONGEST = 24
"""Events of one made stream."""
OWN = {
    "openai-chat": "chat-openrouter",
    "openai-responses": "responses-openai",
    "anthropic-messages": "anthropic-thinks",
}
"""The peer as whose answer a stream is read."""
TURNED = ("stop", "length", "tool_calls", "end_turn", "tool_use", "pause_turn", "refusal", "content_filter", "novel")


@cache
def recorded(protocol: str) -> list[list[str]]:
    """Return the events of each recorded stream, as texts."""
    return [[json.dumps(e) for e in events(r)] for r in all_of("stream") if r.protocol == protocol]


def stream(protocol: Protocol, rng: Random) -> bytes:
    """Return the body of a stream, in lines of `data:`."""
    told = _replayed(rng, protocol) if rng.random() < 0.6 else _made(rng, protocol)
    body = "".join(f"data: {e}\n\n" for e in told).encode("utf-8", "surrogatepass")
    return garbled(rng, body) if rng.random() < 0.1 else body


def _replayed(rng: Random, protocol: str) -> list[str]:
    whole = rng.choice(recorded(protocol))
    if len(whole) > LONGEST:
        at = rng.randrange(3, len(whole) - 8)
        whole = [*whole[:3], *whole[at : at + 8], *whole[-3:]]
    told = list(whole)
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        if not told:
            break
        at = rng.randrange(len(told))
        match rng.randrange(7):
            case 0:
                del told[at]
            case 1:
                told.insert(rng.randrange(len(told)), told[at])
            case 2:
                other = rng.randrange(len(told))
                told[at], told[other] = told[other], told[at]
            case 3:
                del told[at:]
            case 4:
                told.insert(at, rng.choice(rng.choice(recorded(rng.choice(tuple(WIRES))))))
            case 5:
                rng.shuffle(told)
            case _:
                told.insert(at, dumps(value(rng)))
    for _ in range(rng.choice((0, 1, 1, 2))):
        if told:
            at = rng.randrange(len(told))
            told[at] = _strange(rng, told[at])
    return told


def _strange(rng: Random, event: str) -> str:
    try:
        return dumps(changed(rng, json.loads(event)))
    except (ValueError, RecursionError):  # it was made strange before, and is none to change
        return event[: rng.randrange(len(event) + 1)]


def _made(rng: Random, protocol: str) -> list[str]:
    make = {"openai-chat": _chunk, "openai-responses": _item_event, "anthropic-messages": _block_event}[protocol]
    return [dumps(_odd_somewhere(rng, make(rng))) for _ in range(rng.randrange(1, 14))]


def _odd_somewhere(rng: Random, event: dict[str, Any]) -> Any:
    return changed(rng, event, times=1) if rng.random() < 0.25 else event


def _usage(rng: Random, *names: str) -> dict[str, Any]:
    numbers = (0, 5, 100, -5, 10**9, 10**18, 4000.0, "7", None, True)
    return {n: rng.choice(numbers) for n in names if rng.random() < 0.8}


def _chunk(rng: Random) -> dict[str, Any]:
    function = {
        "name": rng.choice(("read_file", "", text(rng))),
        "arguments": rng.choice(('{"a": 1}', "{", text(rng), {})),
    }
    call = {
        "index": rng.choice((0, 0, 1, 7, -1, None)),
        "id": rng.choice(("", "a", "b", text(rng))),
        "function": function,
    }
    delta = rng.choice(
        (
            {"content": text(rng)},
            {"content": rng.choice(("<think>", "</think>", "<thi", "nk>", "hm"))},
            {"reasoning_content": text(rng)},
            {"reasoning": text(rng), "reasoning_details": [{"type": "reasoning.text", "text": text(rng), "index": 0}]},
            {"refusal": text(rng)},
            {"tool_calls": [call, call] if rng.random() < 0.2 else [call]},
            {"content": [{"type": "text", "text": text(rng)}, {"type": "thinking", "thinking": [{"text": text(rng)}]}]},
        )
    )
    stop = rng.choice(TURNED) if rng.random() < 0.2 else None
    usage = _usage(rng, "prompt_tokens", "completion_tokens", "total_tokens")
    usage |= {"completion_tokens_details": _usage(rng, "reasoning_tokens")}
    return {"choices": [{"delta": delta, "finish_reason": stop}], "model": "m"} | ({"usage": usage} if stop else {})


def _block_event(rng: Random) -> dict[str, Any]:
    index = rng.choice((0, 0, 1, 1, 2, 9, -1))
    block = rng.choice(
        (
            {"type": "text", "text": text(rng)},
            {"type": "thinking", "thinking": text(rng), "signature": rng.choice(("", "sig"))},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "tool_use", "id": rng.choice(("", "toolu_1", text(rng))), "name": "read_file", "input": {}},
            {"type": "server_tool_use", "id": "srv", "name": "web", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "srv", "content": []},
        )
    )
    delta = rng.choice(
        (
            {"type": "text_delta", "text": text(rng)},
            {"type": "thinking_delta", "thinking": text(rng)},
            {"type": "signature_delta", "signature": text(rng)},
            {"type": "input_json_delta", "partial_json": rng.choice(('{"a"', ": 1}", text(rng)))},
            {"type": "citations_delta", "citation": {"a": text(rng)}},
        )
    )
    counted = _usage(rng, "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    stop = {"stop_reason": rng.choice(TURNED), "stop_details": {"category": text(rng)}}
    return rng.choice(
        (
            {"type": "message_start", "message": {"model": "m", "usage": counted}},
            {"type": "content_block_start", "index": index, "content_block": block},
            {"type": "content_block_start", "index": index, "content_block": block},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
            {"type": "message_delta", "delta": stop, "usage": counted},
            {"type": "message_stop"},
        )
    )


def _item_event(rng: Random) -> dict[str, Any]:
    index = rng.choice((0, 0, 1, 1, 2, 9, -1))
    item = rng.choice(
        (
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "content": [{"type": "output_text", "text": text(rng)}],
            },
            {"type": "message", "content": [{"type": "refusal", "refusal": text(rng)}]},
            {
                "type": "function_call",
                "call_id": rng.choice(("c", "", text(rng))),
                "name": "read_file",
                "arguments": text(rng),
            },
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"text": text(rng)}],
                "encrypted_content": "x",
                "status": None,
            },
            {"type": "web_search_call", "id": "ws_1"},
        )
    )
    kinds = ("output_text", "refusal", "reasoning_summary_text", "reasoning_text", "function_call_arguments")
    usage = _usage(rng, "input_tokens", "output_tokens") | {"output_tokens_details": _usage(rng, "reasoning_tokens")}
    ended = rng.choice(("completed", "incomplete", "cancelled", "failed", "in_progress"))
    output = [item] if rng.random() < 0.5 else []
    whole = {
        "status": ended,
        "output": output,
        "usage": usage,
        "model": "m",
        "incomplete_details": {"reason": text(rng)},
    }
    return rng.choice(
        (
            {"type": "response.output_item.added", "output_index": index, "item": item},
            {"type": "response.output_item.done", "output_index": index, "item": item},
            {"type": f"response.{rng.choice(kinds)}.delta", "output_index": index, "delta": text(rng)},
            {"type": f"response.{rng.choice(kinds)}.delta", "output_index": index, "delta": text(rng)},
            {"type": "response.reasoning_summary_part.added", "output_index": index},
            {"type": f"response.{ended}", "response": whole},
        )
    )


def decoded(body: bytes) -> list[Any]:
    """Decode the events up to the first that is no JSON, where the application stops reading."""
    told: list[Any] = []
    for line in body.decode("utf-8", "surrogatepass" if b"\xed" in body else "replace").split("\n"):
        if line.startswith("data:") and (words := line[5:].strip()) not in ("", "[DONE]"):
            try:
                told.append(json.loads(words))
            except (ValueError, RecursionError):
                return told
    return told


def read_stream(protocol: Protocol, body: bytes) -> None:
    """Read a stream; hold that what was told and what is kept can be shown, kept, counted and sent on."""
    reader, intake = WIRES[protocol].reader(), Intake()
    try:
        events_in = decoded(body)
    except UnicodeDecodeError:
        return
    told: list[Any] = []
    for event in events_in:
        try:
            told += reader.feed(intake.take(event) if isinstance(event, dict) else {})
        except InBandError as error:
            _error(None, error.body)
            break
    with suppress(InBandError):
        for event in intake.rest():
            told += reader.feed(event)
    reply = reader.reply()
    holds(reply == reader.reply(), "asking for the reply changes it")
    for event in told:
        match event:
            case TextDelta() | ReasoningDelta():
                sendable(event.text, "a delta")
            case CallDelta():
                sendable([event.index, event.name, event.arguments], "a call's delta")
            case _:
                pass
    _counts(reply)
    _kept(protocol, reply)


def _counts(reply: Reply) -> None:
    for name, count in reply.usage.to_dict().items():
        holds(type(count) is int and 0 <= count < 2**53, f"usage.{name} is {count!r}")


def _kept(protocol: Protocol, reply: Reply) -> None:
    peer = BY_NAME[OWN[protocol]]
    step = Step(
        peer.name, "m", peer.origin, reply.parts, native=reply.native if reply.complete else (), stop=reply.stop,
        raw_stop=reply.raw_stop, reported_model=reply.reported_model, usage=reply.usage,
    )  # fmt: skip
    results = tuple(ToolResult(c.id, c.name, (Text("r"),)) for c in step.calls)
    step = Step(**{**{k: v for k, v in vars(step).items() if k in Step.__dataclass_fields__}, "results": results})
    transcript = Transcript("", (Turn((Text("ask"),), (Answer((step,)),)), Turn((Text("and now?"),))))
    sendable(transcript.to_dict(), "the transcript")
    if len(reply.parts) % 3:  # the rest takes most of the time
        return
    holds(Transcript.from_dict(json.loads(transcript.to_json())) == transcript, "it does not come back equal")
    for target in {PEERS[len(reply.parts) % len(PEERS)].name, peer.name}:
        body = BY_NAME[target].body(transcript)
        sendable(body, "the next request")
        # What a service itself has sent goes home as it came, so a service gone mad is told its own words again.
        if target != peer.name or not step.native:
            found = BY_NAME[target].check(body, transcript)
            holds(not found, f"{target} would refuse: {[str(v) for v in found]}")


def _error(status: int | None, body: Any, headers: dict[str, str] | None = None) -> None:
    error = classify(status, body, label="Acme", model="m", headers=headers or {})
    sendable([error.sentence, error.kind], "an error")
    window = error.learnt.get("context_window")
    holds(window is None or (isinstance(window, int) and window > 0), f"learnt a window of {window!r}")
    holds(error.retry_after_s is None or 0 <= error.retry_after_s < 1e12, f"wait {error.retry_after_s!r}")


@cache
def _bodies() -> list[str]:
    return [r.response for r in all_of("error")] + ['{"error": {"message": "maximum context length is 4096 tokens"}}']


def error_body(rng: Random) -> bytes:
    """Return status, Retry-After and body of an answer that is an error, as JSON."""
    whole = rng.choice(_bodies())
    try:
        whole = dumps(changed(rng, json.loads(whole)))
    except ValueError:
        whole = whole[: rng.randrange(len(whole) + 1)]
    after = rng.choice(("", "2", "3600", "-1", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT", *TEXTS[:20], text(rng)))
    return dumps([rng.choice((None, 300, 400, 401, 404, 413, 429, 500, 503, 529, 200, 999)), after, whole]).encode()


def read_error(data: bytes) -> None:
    """Classify an error; hold that its sentence can be shown."""
    try:
        status, after, whole = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        body: Any = json.loads(whole)
    except (ValueError, RecursionError):
        body = whole
    _error(status, body, {"retry-after": after})


def native_of(rng: Random) -> Native:
    """Return an opaque block as no service sends it."""
    data = changed(rng, {"type": "text", "text": "x", "role": "assistant", "content": "y"}, times=1)
    return Native(rng.choice(("reasoning", "text", "call", "other")), data if isinstance(data, dict) else {})


Parts = tuple[Part, ...]
DOORS = (
    Door("chat-stream", partial(stream, "openai-chat"), partial(read_stream, "openai-chat"), 150_000, 500),
    Door(
        "messages-stream",
        partial(stream, "anthropic-messages"),
        partial(read_stream, "anthropic-messages"),
        150_000,
        500,
    ),
    Door(
        "responses-stream", partial(stream, "openai-responses"), partial(read_stream, "openai-responses"), 150_000, 500
    ),
    Door("error-bodies", error_body, read_error, 150_000, 500),
)

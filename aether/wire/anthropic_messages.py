"""The Anthropic Messages protocol: view → body, events → StreamEvents. Pure.

Source of the shapes: the types of the SDK `anthropic` 2.12 and recorded traffic.
"""

from __future__ import annotations

import json
from typing import assert_never

from aether.events import CallDelta, ReasoningDelta, Reply, StreamEvent, TextDelta
from aether.lowering.calls import object_of
from aether.lowering.view import Message, ToolSpec, View
from aether.transcript import (
    File,
    Image,
    Native,
    NativeKind,
    Part,
    Reasoning,
    Refusal,
    StopReason,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
)
from aether.usage import Usage
from aether.wire.base import (
    DEFAULT_MAX_TOKENS,
    JSON,
    Ask,
    Effort,
    InBandError,
    base64_of,
    count_of,
    lost,
    mapping,
    mappings,
    text_of,
)

path = "/v1/messages"

STOPS: dict[str, StopReason] = {
    "end_turn": "done",
    "stop_sequence": "done",
    "max_tokens": "length",
    "tool_use": "tool",
    "pause_turn": "paused",
    "refusal": "refusal",
    "model_context_window_exceeded": "context",
}
NATIVE_KINDS: dict[str, NativeKind] = {
    "thinking": "reasoning",
    "redacted_thinking": "reasoning",
    "text": "text",
    "tool_use": "call",
}


BUDGETS: dict[Effort, int] = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "max": 32768}
"""Tokens of thought where the model wants a number; the service takes no fewer than 1,024."""
LEAST_BUDGET = 1024
CACHED: JSON = {"cache_control": {"type": "ephemeral"}}


def lower(view: View, ask: Ask) -> JSON:
    """Return the body of a streaming request that shows `view` to the model."""
    bound = ask.bound(DEFAULT_MAX_TOKENS)
    body: JSON = {
        "model": ask.model,
        "max_tokens": bound,
        "messages": _messages(view, ask),
        "stream": True,
    }
    if view.system:
        body["system"] = view.system
    if view.tools:
        body["tools"] = [_tool(t) for t in view.tools]
        if view.tool_choice == "none":
            body["tool_choice"] = {"type": "none"}
    thinking = _thinking(body["messages"], ask, bound or 0)
    # A model that thinks by a budget takes no sampling keys (types of the SDK: temperature).
    body |= thinking if "budget_tokens" in thinking.get("thinking", {}) else thinking | ask.sampling()
    return _cache_marked(body | ask.effort_keys()) if ask.profile.cache_marks else body | ask.effort_keys()


def _thinking(messages: list[JSON], ask: Ask, bound: int) -> JSON:
    """Return the wish to think, where the profile and the history allow it.

    Inside a tool loop that began without thinking a budget is refused (T4); the next turn
    of the user allows it again.
    """
    if ask.effort is None or ask.effort == "none" or ask.profile.thinking == "none":
        return {}
    if ask.profile.thinking == "adaptive":
        return {"thinking": {"type": "adaptive"}}
    budget = min(BUDGETS[ask.effort], bound - 1)
    in_loop = any(b.get("type") == "tool_result" for b in mappings(messages[-1]["content"]))
    began = mappings(messages[-2]["content"])[:1] if in_loop and len(messages) > 1 else []
    if budget < LEAST_BUDGET or (in_loop and not any(NATIVE_KINDS.get(b["type"]) == "reasoning" for b in began)):
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _cache_marked(body: JSON) -> JSON:
    """Mark what the next request will begin with: the leading text, and the last two messages of the user."""
    if "system" in body:
        body["system"] = [{"type": "text", "text": body["system"]} | CACHED]
    said = [m for m in body["messages"] if m["role"] == "user"][-2:]
    for message in said:
        message["content"][-1] = message["content"][-1] | CACHED
    return body


def _tool(tool: ToolSpec) -> JSON:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}


def _messages(view: View, ask: Ask) -> list[JSON]:
    """Shape the messages; tool results and the user text after them become one message."""
    out: list[JSON] = []
    for message in view.messages:
        role = "user" if message.role == "tool" else message.role
        content = _content(message, ask)
        if out and out[-1]["role"] == role == "user":
            out[-1]["content"] += content
        else:
            out.append({"role": role, "content": content})
    return out


def _content(message: Message, ask: Ask) -> list[JSON]:
    if message.native:
        return [n.data for n in message.native]
    blocks = [b for p in message.parts if (b := _block(p, ask)) is not None]
    if message.role == "assistant" and blocks and blocks[-1]["type"] == "text":
        blocks[-1] = blocks[-1] | {"text": blocks[-1]["text"].rstrip()}  # M3: refused at the end of a request
    return blocks


def _block(part: Part, ask: Ask) -> JSON | None:
    match part:
        case Text() | Refusal() | SystemNote():
            return {"type": "text", "text": part.text}
        case Reasoning():
            return None
        case Image():
            return _media("image", part, ask)
        case File():
            return _media("document", part, ask)
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": object_of(part.arguments) or {}}
        case ToolResult():
            block: JSON = {
                "type": "tool_result",
                "tool_use_id": part.call_id,
                "content": [b for p in part.parts if (b := _block(p, ask)) is not None],
            }
            return block if part.status == "ok" else block | {"is_error": True}
        case _:
            assert_never(part)


def _media(kind: str, part: Image | File, ask: Ask) -> JSON:
    data = base64_of(part.blob, ask)
    if data is None:
        return {"type": "text", "text": lost(part.blob)}
    return {"type": kind, "source": {"type": "base64", "media_type": part.blob.mime, "data": data}}


class Reader:
    """Read one streamed message. Usage in a delta is cumulative: it replaces, it does not add."""

    def __init__(self) -> None:
        self._blocks: dict[int, JSON] = {}
        self._inputs: dict[int, str] = {}
        self._closed: set[int] = set()
        self._model = ""
        self._usage: JSON = {}
        self._raw_stop = ""
        self._category: str | None = None
        self._complete = False

    def feed(self, event: JSON) -> list[StreamEvent]:
        """Take one event; raise InBandError if it is an error."""
        index = count_of(event.get("index"))
        match event.get("type"):
            case "message_start":
                message = mapping(event.get("message"))
                self._model = text_of(message.get("model"))
                self._count(message.get("usage"))
            case "content_block_start":
                return self._start(index, mapping(event.get("content_block")))
            case "content_block_delta":
                return self._delta(index, mapping(event.get("delta")))
            case "content_block_stop":
                self._closed.add(index)
            case "message_delta":
                delta = mapping(event.get("delta"))
                self._raw_stop = text_of(delta.get("stop_reason")) or self._raw_stop
                self._category = text_of(mapping(delta.get("stop_details")).get("category")) or self._category
                self._count(event.get("usage"))
            case "message_stop":
                self._complete = True
            case "error":
                raise InBandError(event)
            case _:
                pass
        return []

    def _count(self, usage: object) -> None:
        self._usage |= {k: v for k, v in mapping(usage).items() if isinstance(v, int)}

    def _start(self, index: int, block: JSON) -> list[StreamEvent]:
        self._blocks[index] = dict(block)
        match block.get("type"):
            case "tool_use":
                return [CallDelta(self._call_number(index), name=text_of(block.get("name")))]
            case "text" if text_of(block.get("text")):
                return [TextDelta(text_of(block.get("text")))]
            case "thinking" if text_of(block.get("thinking")):
                return [ReasoningDelta(text_of(block.get("thinking")))]
            case _:
                return []

    def _delta(self, index: int, delta: JSON) -> list[StreamEvent]:
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        match delta.get("type"):
            case "text_delta":
                block["text"] = text_of(block.get("text")) + text_of(delta.get("text"))
                return [TextDelta(text_of(delta.get("text")))]
            case "thinking_delta":
                block["thinking"] = text_of(block.get("thinking")) + text_of(delta.get("thinking"))
                return [ReasoningDelta(text_of(delta.get("thinking")))]
            case "signature_delta":
                block["signature"] = text_of(block.get("signature")) + text_of(delta.get("signature"))
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta.get("citation")]
            case "input_json_delta":
                piece = text_of(delta.get("partial_json"))
                self._inputs[index] = self._inputs.get(index, "") + piece
                if block.get("type") == "tool_use":
                    return [CallDelta(self._call_number(index), arguments=piece)]
            case _:
                pass
        return []

    def _call_number(self, index: int) -> int:
        return sum(1 for i, b in self._blocks.items() if i < index and b.get("type") == "tool_use")

    def reply(self) -> Reply:
        """Return the reply so far."""
        parts: list[Part] = []
        last = -1
        for index, block in sorted(self._blocks.items()):
            part = self._part(index, block)
            if isinstance(part, Text) and parts and last == index - 1 and isinstance(parts[-1], Text):
                parts[-1] = Text(parts[-1].text + part.text)  # one text, cut where its citations begin
            elif part is not None:
                parts.append(part)
            last = index
        stop = STOPS.get(self._raw_stop, "unknown")
        if stop == "refusal":
            parts.append(Refusal("", self._category))
        return Reply(
            parts=tuple(parts),
            native=self._native() if self._complete else (),
            stop=stop,
            raw_stop=self._raw_stop,
            reported_model=self._model,
            usage=self._totals(),
            complete=self._complete,
        )

    def _native(self) -> tuple[Native, ...]:
        """Return the blocks for the way home; none where the service would refuse its own words."""
        native: list[Native] = []
        awaited: set[str] = set()
        for index, block in sorted(self._blocks.items()):
            if index in self._inputs:
                block = block | {"input": object_of(self._inputs[index] or "{}")}
            kind = NATIVE_KINDS.get(text_of(block.get("type")), "other")
            match kind:
                case "text" if not text_of(block.get("text")).strip():
                    continue  # M1: blank blocks are refused, its own as well
                case "reasoning" if not (text_of(block.get("signature")) or text_of(block.get("data"))):
                    continue  # T2: without its signature it is nothing
                case "call" if block.get("input") is None or not text_of(block.get("id")):
                    return ()
                case "other":
                    awaited ^= {text_of(block.get("id") or block.get("tool_use_id"))}
                case _:
                    pass
            native.append(Native(kind, block))
        # Neither may thinking end a message, nor may a call of the service's own stay open (C22).
        whole = native and native[-1].kind != "reasoning" and not awaited - {""}
        return tuple(native) if whole else ()

    def _part(self, index: int, block: JSON) -> Part | None:
        match block.get("type"):
            case "text":
                return Text(text_of(block.get("text")))
            case "thinking":
                return Reasoning(text_of(block.get("thinking")), complete=index in self._closed)
            case "redacted_thinking":
                return Reasoning("")
            case "tool_use":
                raw = self._inputs.get(index) or json.dumps(block.get("input") or {})
                return ToolCall(text_of(block.get("id")) or f"call_{index}", text_of(block.get("name")), raw)
            case _:
                return None

    def _totals(self) -> Usage:
        read = count_of(self._usage.get("cache_read_input_tokens"))
        write = count_of(self._usage.get("cache_creation_input_tokens"))
        return Usage(
            input=count_of(self._usage.get("input_tokens")) + read + write,  # E6: excludes cached ones
            output=count_of(self._usage.get("output_tokens")),
            cache_read=read,
            cache_write=write,
        )


def reader() -> Reader:
    """Return a reader for one reply."""
    return Reader()

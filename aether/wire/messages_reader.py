"""The stream of an Anthropic message → StreamEvents and the reply. Pure."""

from __future__ import annotations

import json
from typing import cast

from aether.events import CallDelta, ReasoningDelta, Reply, StreamEvent, TextDelta
from aether.parts import can_be_sent, object_of
from aether.transcript import (
    Native,
    NativeKind,
    Part,
    Reasoning,
    Refusal,
    StopReason,
    Text,
    ToolCall,
)
from aether.usage import Usage
from aether.wire.base import JSON, InBandError, count_of, mapping, text_of
from aether.wire.counts import added, usage_of

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
        self._usage |= {k: v for k, v in mapping(usage).items() if v is not None}

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
                text = text_of(delta.get("text"))
                block["text"] = text_of(block.get("text")) + text
                return [TextDelta(text)]
            case "thinking_delta":
                text = text_of(delta.get("thinking"))
                block["thinking"] = text_of(block.get("thinking")) + text
                return [ReasoningDelta(text)]
            case "signature_delta":
                block["signature"] = text_of(block.get("signature")) + text_of(delta.get("signature"))
            case "citations_delta":
                before = block.get("citations")
                block["citations"] = [
                    *(cast(list[object], before) if isinstance(before, list) else ()),
                    delta.get("citation"),
                ]
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
        opened: set[str] = set()
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
                case "other":  # a result may be of a call before a pause
                    opened.discard(text_of(block.get("tool_use_id")))
                    opened.add(text_of(block.get("id")))
                case _:
                    pass
            if not can_be_sent(block):
                return ()
            native.append(Native(kind, block))
        # Neither may thinking end a message, nor may a call of the service's own stay open (C22), but for a pause (E5).
        closed = not opened - {""} or STOPS.get(self._raw_stop) == "paused"
        return tuple(native) if native and native[-1].kind != "reasoning" and closed else ()

    def _part(self, index: int, block: JSON) -> Part | None:
        match block.get("type"):
            case "text":
                return Text(text_of(block.get("text")))
            case "thinking":
                return Reasoning(text_of(block.get("thinking")), complete=index in self._closed)
            case "redacted_thinking":
                return Reasoning("")
            case "tool_use":
                given: object = block.get("input") or {}
                raw = self._inputs.get(index) or (json.dumps(given) if can_be_sent(cast(object, given)) else "")
                return ToolCall(text_of(block.get("id")) or f"call_{index}", text_of(block.get("name")), raw)
            case _:
                return None

    def _totals(self) -> Usage:
        usage = self._usage
        read, write = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
        return usage_of(
            input=added(usage.get("input_tokens"), read, write),  # E6: excludes cached ones
            output=usage.get("output_tokens"),
            cache_read=read,
            cache_write=write,
            spoke=bool(self._blocks),
        )

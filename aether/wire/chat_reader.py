"""Read a stream of Chat Completions chunks, in all the dialects that were recorded. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import count

from aether.events import CallDelta, ReasoningDelta, Reply, StreamEvent, TextDelta
from aether.parts import can_be_sent, object_of
from aether.transcript import Native, Part, Reasoning, Refusal, StopReason, Text, ToolCall
from aether.usage import Usage
from aether.wire.base import JSON, InBandError, mapping, mappings, text_of
from aether.wire.counts import usage_of
from aether.wire.think import Span, ThinkSplitter

STOPS: dict[str, StopReason] = {
    "stop": "done",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "filtered",
    "error": "error",
    "insufficient_system_resource": "error",
}
REASONING_KEYS = ("reasoning_content", "reasoning")


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: JSON | None = None  # Gemini's signature of the call: goes home only

    def to_native(self) -> JSON:
        call: JSON = {
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        }
        return call | {"extra_content": self.extra} if self.extra else call


class Reader:
    """Assemble the chunks of one reply."""

    def __init__(self) -> None:
        self._think = ThinkSplitter()
        self._text = ""
        self._thought = ""
        self._refusal = ""
        self._keyed: dict[str, str] = {}
        self._details: list[JSON] = []
        self._calls: list[_Call] = []
        self._slots: dict[int, int] = {}
        self._model = ""
        self._raw_stop = ""
        self._usage: JSON = {}

    def feed(self, event: JSON) -> list[StreamEvent]:
        """Take one chunk; raise InBandError if it is an error."""
        if event.get("error"):
            raise InBandError(event)
        self._model = text_of(event.get("model")) or self._model
        usage = event.get("usage") or mapping(event.get("x_groq")).get("usage")
        self._usage = mapping(usage) or self._usage
        out: list[StreamEvent] = []
        for choice in mappings(event.get("choices"))[:1]:
            out += self._delta(mapping(choice.get("delta") or choice.get("message")))
            if stop := text_of(choice.get("finish_reason")):
                self._raw_stop = stop
                out += self._spans(self._think.flush())
        return out

    def _delta(self, delta: JSON) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        first = ""
        for key in REASONING_KEYS:
            if thought := text_of(delta.get(key)):
                self._keyed[key] = self._keyed.get(key, "") + thought
                first = first or thought
        if first:
            out += self._spans([("reasoning", first)])
        self._details += mappings(delta.get("reasoning_details"))
        for kind, text in _pieces(delta.get("content")):
            out += self._spans([(kind, text)] if kind == "reasoning" else self._think.feed(text))
        if refusal := text_of(delta.get("refusal")):
            self._refusal += refusal
            out.append(TextDelta(refusal))
        for number, call in enumerate(mappings(delta.get("tool_calls"))):
            out.append(self._call(number, call))
        return out

    def _spans(self, spans: list[Span]) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        for kind, text in spans:
            if kind == "reasoning":
                self._thought += text
                out.append(ReasoningDelta(text))
            else:
                self._text += text
                out.append(TextDelta(text))
        return out

    def _call(self, number: int, piece: JSON) -> CallDelta:
        """Add to the call that `piece` belongs to.

        Some services give every call the index 0, or none: a new id with a name begins a
        new call all the same.
        """
        index = piece["index"] if isinstance(piece.get("index"), int) else number
        function = mapping(piece.get("function"))
        id_, name = text_of(piece.get("id")), text_of(function.get("name"))
        slot = self._slots.get(index)
        if slot is None or (name and id_ and self._calls[slot].id not in ("", id_)):
            slot = self._slots[index] = len(self._calls)
            self._calls.append(_Call())
        call = self._calls[slot]
        call.id = call.id or id_
        fresh = name if not call.name else ""
        call.name = call.name or name
        raw = function.get("arguments")
        arguments = text_of(raw)
        whole = mapping(raw)
        if isinstance(raw, dict) and (whole or not call.arguments) and can_be_sent(whole):
            arguments = json.dumps(whole, ensure_ascii=False)  # some servers send the object itself, not its text
        call.arguments += arguments
        call.extra = mapping(piece.get("extra_content")) or call.extra
        return CallDelta(slot, name=fresh, arguments=arguments)

    def reply(self) -> Reply:
        """Return the reply so far."""
        complete = bool(self._raw_stop)
        thought, text = self._thought, self._text
        for kind, held in self._think.held:
            thought, text = (thought + held, text) if kind == "reasoning" else (thought, text + held)
        calls = self._mended()
        parts: list[Part] = []
        if thought:
            parts.append(Reasoning(thought, complete=complete or not self._think.open))
        elif self._details:
            parts.append(Reasoning(""))
        if text:
            parts.append(Text(text))
        if self._refusal:
            parts.append(Refusal(self._refusal))
        parts += [ToolCall(c.id, c.name, c.arguments) for c in calls]
        stop = STOPS.get(self._raw_stop, "unknown")
        if self._refusal and stop == "done":
            stop = "refusal"
        sound = complete and not self._refusal and all(object_of(c.arguments) is not None for c in calls)
        return Reply(
            parts=tuple(parts),
            native=self._native(calls) if sound and (text.strip() or calls) else (),
            stop=stop,
            raw_stop=self._raw_stop,
            reported_model=self._model,
            usage=self._totals(),
            complete=complete,
        )

    def _mended(self) -> list[_Call]:
        """Return the calls, each with an id of its own: some come without one, or with one that is taken (C8)."""
        taken = {c.id for c in self._calls}
        out: list[_Call] = []
        before: set[str] = set()
        for number, call in enumerate(self._calls):
            if not call.id or call.id in before:
                call = replace(call, id=next(i for n in count(number) if (i := f"call_{n}") not in taken))
                taken.add(call.id)
            before.add(call.id)
            out.append(call)
        return out

    def _native(self, calls: list[_Call]) -> tuple[Native, ...]:
        message: JSON = {"role": "assistant", "content": self._text if self._text.strip() else None}
        if calls:
            message["tool_calls"] = [c.to_native() for c in calls]
        reasoning: JSON = dict(self._keyed)
        if self._details:
            reasoning["reasoning_details"] = self._details
        if not can_be_sent([message, reasoning]):
            return ()
        blocks = (Native("call" if calls else "text", message),)
        return (Native("reasoning", reasoning), *blocks) if reasoning else blocks

    def _totals(self) -> Usage:
        usage = self._usage
        read_in, written = mapping(usage.get("prompt_tokens_details")), mapping(usage.get("completion_tokens_details"))
        return usage_of(
            input=usage.get("prompt_tokens"),
            output=usage.get("completion_tokens"),
            total=usage.get("total_tokens"),
            cache_read=read_in.get("cached_tokens") or usage.get("prompt_cache_hit_tokens"),
            cache_write=read_in.get("cache_write_tokens"),
            reasoning=written.get("reasoning_tokens"),
            spoke=bool(self._text or self._thought or self._refusal or self._calls),
        )


def _pieces(content: object) -> list[Span]:
    """Return the texts of a delta's content: a string, or Mistral's list of typed parts."""
    if isinstance(content, str):
        return [("text", content)] if content else []
    out: list[Span] = []
    for item in mappings(content):
        if item.get("type") == "thinking":
            inner = item.get("thinking")
            thought = inner if isinstance(inner, str) else "".join(str(x.get("text") or "") for x in mappings(inner))
            out.append(("reasoning", thought))
        elif text := text_of(item.get("text")):
            out.append(("text", text))
    return out

"""Read a stream of Responses events. Pure."""

from __future__ import annotations

from typing import Any

from aether.events import CallDelta, ReasoningDelta, Reply, StreamEvent, TextDelta
from aether.parts import can_be_sent, object_of
from aether.transcript import Native, NativeKind, Part, Reasoning, Refusal, StopReason, Text, ToolCall
from aether.usage import Usage
from aether.wire.base import JSON, InBandError, count_of, mapping, mappings, text_of
from aether.wire.counts import usage_of

NATIVE_KINDS: dict[str, NativeKind] = {"reasoning": "reasoning", "message": "text", "function_call": "call"}
CUT_SHORT: dict[str, StopReason] = {"max_output_tokens": "length", "content_filter": "filtered"}
END_EVENTS = ("response.completed", "response.incomplete", "response.cancelled")


class Reader:
    """Assemble the output items of one response. A finished item replaces its deltas."""

    def __init__(self) -> None:
        self._items: dict[int, JSON] = {}
        self._done: set[int] = set()
        self._texts: dict[int, str] = {}
        self._thoughts: dict[int, str] = {}
        self._refusals: dict[int, str] = {}
        self._arguments: dict[int, str] = {}
        self._response: JSON = {}
        self._ended = ""

    def feed(self, event: JSON) -> list[StreamEvent]:
        """Take one event; raise InBandError if it is an error."""
        kind = text_of(event.get("type"))
        index = count_of(event.get("output_index"))
        delta = text_of(event.get("delta"))
        match kind:
            case "response.output_item.added" | "response.output_item.done":
                return self._item(index, mapping(event.get("item")), done=kind.endswith("done"))
            case "response.output_text.delta":
                self._texts[index] = self._texts.get(index, "") + delta
                return [TextDelta(delta)]
            case "response.refusal.delta":
                self._refusals[index] = self._refusals.get(index, "") + delta
                return [TextDelta(delta)]
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                return self._thought(index, delta)
            case "response.reasoning_summary_part.added" if self._thoughts.get(index):
                return self._thought(index, "\n\n")
            case "response.function_call_arguments.delta":
                self._arguments[index] = self._arguments.get(index, "") + delta
                return [CallDelta(self._call_number(index), arguments=delta)]
            case "response.failed" | "error":
                raise InBandError(event)
            case _ if isinstance(event.get("response"), dict):
                self._response = mapping(event.get("response"))
                self._ended = kind if kind in END_EVENTS else self._ended
                return []
            case _:
                return []

    def _item(self, index: int, item: JSON, *, done: bool) -> list[StreamEvent]:
        known = index in self._items
        # In the items that we know, a null is the service's way to leave a key out; sent back it is refused.
        known_kind = text_of(item.get("type")) in NATIVE_KINDS
        self._items[index] = {k: v for k, v in item.items() if v is not None or not known_kind}
        if done:
            self._done.add(index)
        if not known and item.get("type") == "function_call":
            return [CallDelta(self._call_number(index), name=text_of(item.get("name")))]
        return []

    def _thought(self, index: int, delta: str) -> list[StreamEvent]:
        self._thoughts[index] = self._thoughts.get(index, "") + delta
        return [ReasoningDelta(delta)]

    def _call_number(self, index: int) -> int:
        return sum(1 for i, x in self._items.items() if i < index and x.get("type") == "function_call")

    def reply(self) -> Reply:
        """Return the reply so far."""
        if self._ended:  # some services send the items only here
            for index, item in enumerate(mappings(self._response.get("output"))):
                if index not in self._done:
                    self._item(index, item, done=True)
        parts: list[Part] = []
        for index in sorted({*self._items, *self._texts, *self._thoughts, *self._refusals}):
            parts += self._parts(index, self._items.get(index, {}))
        return Reply(
            parts=tuple(parts),
            native=self._native() if self._ended == "response.completed" else (),
            stop=self._stop(parts),
            raw_stop=self._raw_stop(),
            reported_model=text_of(self._response.get("model")),
            usage=_totals(mapping(self._response.get("usage")), spoke=bool(parts)),
            complete=bool(self._ended),
        )

    def _parts(self, index: int, item: JSON) -> list[Part]:
        done = index in self._done
        match item.get("type"):
            case "reasoning":
                return [Reasoning(_thought_of(item) or self._thoughts.get(index, ""), complete=done)]
            case "function_call":
                raw = text_of(item.get("arguments")) or self._arguments.get(index, "")
                id_ = text_of(item.get("call_id")) or text_of(item.get("id")) or f"call_{index}"
                return [ToolCall(id_, text_of(item.get("name")), raw)]
            case _:
                blocks = mappings(item.get("content")) if done else []
                text = "".join(text_of(b.get("text")) for b in blocks) or self._texts.get(index, "")
                refusal = "".join(text_of(b.get("refusal")) for b in blocks) or self._refusals.get(index, "")
                thought = self._thoughts.get(index, "") if not item else ""
                found: list[Part] = [Reasoning(thought)] if thought else []
                found += [Text(text)] if text else []
                return found + ([Refusal(refusal)] if refusal else [])

    def _native(self) -> tuple[Native, ...]:
        """Return the items for the way home; none where an item could not stand there by itself."""
        blocks: list[Native] = []
        for index, item in sorted(self._items.items()):
            kind = NATIVE_KINDS.get(text_of(item.get("type")), "other")
            contents = mappings(item.get("content"))
            if kind == "reasoning" and "encrypted_content" not in item:
                return ()  # it is known to the service only by an id that is not stored
            if kind == "call" and (not item.get("call_id") or object_of(text_of(item.get("arguments"))) is None):
                return ()
            if kind == "text" and not all(text_of(b.get("text")).strip() for b in contents):
                return ()  # a refusal, or blank
            if index not in self._done or not can_be_sent(item):
                return ()
            blocks.append(Native(kind, item))
        return tuple(blocks) if blocks and blocks[-1].kind != "reasoning" else ()

    def _raw_stop(self) -> str:
        reason = text_of(mapping(self._response.get("incomplete_details")).get("reason"))
        return reason or text_of(self._response.get("status")) or self._ended

    def _stop(self, parts: list[Part]) -> StopReason:
        match self._ended:
            case "response.incomplete":
                return CUT_SHORT.get(self._raw_stop(), "unknown")
            case "response.completed":
                if any(isinstance(p, ToolCall) for p in parts):
                    return "tool"
                return "refusal" if any(isinstance(p, Refusal) for p in parts) else "done"
            case "response.cancelled":
                return "stopped"
            case _:
                return "unknown"


def _thought_of(item: JSON) -> str:
    pieces: list[dict[str, Any]] = [*mappings(item.get("summary")), *mappings(item.get("content"))]
    return "\n\n".join(t for p in pieces if (t := text_of(p.get("text"))))


def _totals(usage: JSON, *, spoke: bool) -> Usage:
    read_in, written = mapping(usage.get("input_tokens_details")), mapping(usage.get("output_tokens_details"))
    return usage_of(
        input=usage.get("input_tokens"),
        output=usage.get("output_tokens"),
        total=usage.get("total_tokens"),
        cache_read=read_in.get("cached_tokens"),
        cache_write=read_in.get("cache_write_tokens"),
        reasoning=written.get("reasoning_tokens"),
        spoke=spoke,
    )

"""What a service sends is made sound before a reader sees it, wherever it cut a character in two."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aether.profile import Protocol
from aether.transcript import Reasoning, Text, ToolCall
from aether.wire import WIRES
from aether.wire.intake import Intake

UNITS = st.lists(
    st.sampled_from(["a", "é", "\ud83d", "\ude00", "\udfff", "\ud800", "日", '"', "\\", " "]) | st.characters(),
    max_size=12,
)
KINDS = ("text", "reasoning", "call")


def events(protocol: Protocol, kind: str, pieces: list[str]) -> list[dict[str, Any]]:
    """Return the stream of a reply that says `pieces`, one in each event."""
    match protocol, kind:
        case "openai-chat", _:
            made = {
                "text": lambda p: {"content": p},
                "reasoning": lambda p: {"reasoning_content": p},
                "call": lambda p: {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": p}}]},
            }[kind]
            said = [{"model": "m\ud800", "choices": [{"index": 0, "delta": made(p)}]} for p in pieces]
            return [*said, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
        case "anthropic-messages", _:
            block, delta, key = {
                "text": ({"type": "text", "text": ""}, "text_delta", "text"),
                "reasoning": ({"type": "thinking", "thinking": ""}, "thinking_delta", "thinking"),
                "call": ({"type": "tool_use", "id": "c", "name": "f", "input": {}}, "input_json_delta", "partial_json"),
            }[kind]
            begun = {"type": "message_start", "message": {"model": "m\ud800"}}
            said = [{"type": "content_block_delta", "index": 0, "delta": {"type": delta, key: p}} for p in pieces]
            start = {"type": "content_block_start", "index": 0, "content_block": block}
            return [begun, start, *said, {"type": "message_stop"}]
        case _:
            name = {"text": "output_text", "reasoning": "reasoning_text", "call": "function_call_arguments"}[kind]
            item = {"text": "message", "reasoning": "reasoning", "call": "function_call"}[kind]
            start = {"type": "response.output_item.added", "output_index": 0, "item": {"type": item, "name": "f"}}
            said = [{"type": f"response.{name}.delta", "output_index": 0, "delta": p} for p in pieces]
            return [start, *said, {"type": "response.completed", "response": {"model": "m\ud800"}}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", WIRES)
@given(pieces=UNITS, cuts=st.data())
def test_r11_halves_are_joined_and_lone_ones_replaced(
    protocol: Protocol, kind: str, pieces: list[str], cuts: st.DataObject
) -> None:
    whole = "x" + "".join(pieces)
    at = sorted(cuts.draw(st.sets(st.integers(1, len(whole)), max_size=4)))
    cut = [whole[a:b] for a, b in zip([0, *at], [*at, len(whole)], strict=True)]
    intake, reader = Intake(), WIRES[protocol].reader()
    shown = ""
    for event in events(protocol, kind, cut):
        for told in reader.feed(intake.take(event)):
            shown += getattr(told, "text", "") or getattr(told, "arguments", "")
    for event in intake.rest():
        for told in reader.feed(event):
            shown += getattr(told, "text", "") or getattr(told, "arguments", "")
    reply = reader.reply()
    expected = whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    json.dumps([shown, reply.reported_model, *[n.data for n in reply.native]], ensure_ascii=False).encode()
    for part in reply.parts:
        match part:
            case Text() | Reasoning():
                assert part.text.startswith(expected) and not part.text[len(expected) :].strip("\ufffd")
            case ToolCall():
                assert part.arguments.startswith(expected) and not part.arguments[len(expected) :].strip("\ufffd")
            case _:
                raise AssertionError(part)
    assert shown == expected


def test_a_sound_event_is_handed_on_as_it_is() -> None:
    event = events("openai-chat", "text", ["grün 😀"])[0] | {"model": "m"}
    assert Intake().take(event) is event


def test_an_event_that_is_nested_too_deeply_is_cut() -> None:
    event: dict[str, Any] = {}
    for _ in range(5_000):
        event = {"a": event}
    json.dumps(Intake().take(event))

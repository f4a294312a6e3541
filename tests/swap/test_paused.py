"""An answer that its service paused goes on by itself, a few times; its own blocks go back as they came."""

from __future__ import annotations

import json
from typing import Any

from aether.agent import MOST_PAUSES
from tests.scripted.reply import Reply
from tests.swap.rig import Rig, say

SEARCH: list[dict[str, Any]] = [
    {"type": "text", "text": "I search."},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
]


def paused(*blocks: dict[str, Any]) -> Reply:
    """Return a reply of the Messages protocol that stops in the middle of the service's own work."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"model": "echo-small", "usage": {"input_tokens": 9}}},
        *({"type": "content_block_start", "index": n, "content_block": b} for n, b in enumerate(blocks)),
        {"type": "message_delta", "delta": {"stop_reason": "pause_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    raw = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()
    return Reply(raw=raw, headers={"content-type": "text/event-stream"})


async def test_a_pause_at_the_services_own_work_is_resumed_with_the_same_blocks(rig: Rig) -> None:
    rig.scripted.script("echo-small", [paused(*SEARCH), Reply(text="Found it.")])
    runtime = rig.runtime("messages/echo-small")
    assert await say(runtime, "look") == "I search.\n\nFound it."
    _, resumed = rig.scripted.requests
    assert not resumed.refused
    assert resumed.body["messages"][-1] == {"role": "assistant", "content": SEARCH}
    assert await say(runtime, "thanks") == "You said: thanks"
    later = rig.scripted.requests[-1]
    assert not later.refused
    assert [m["role"] for m in later.body["messages"]] == ["user", "assistant", "user"]
    assert later.body["messages"][1]["content"] == [*SEARCH, {"type": "text", "text": "Found it."}]


async def test_a_pause_in_plain_text_is_resumed_by_a_word_of_the_user(rig: Rig) -> None:
    rig.scripted.script("echo-small", [paused({"type": "text", "text": "Half."}), Reply(text="Whole.")])
    runtime = rig.runtime("messages/echo-small")
    assert await say(runtime, "look") == "Half.\n\nWhole."
    assert rig.scripted.requests[1].body["messages"][-1]["role"] == "user"
    assert not any(r.refused for r in rig.scripted.requests)


async def test_it_is_not_resumed_for_ever(rig: Rig) -> None:
    rig.scripted.script("echo-small", [paused(*SEARCH)] * (MOST_PAUSES + 5))
    runtime = rig.runtime("messages/echo-small")
    await say(runtime, "look")
    assert len(rig.scripted.requests) == MOST_PAUSES + 1
    assert runtime.transcript.turns[0].answers[0].steps[-1].stop == "paused"


async def test_another_model_takes_over_from_a_pause(rig: Rig) -> None:
    rig.scripted.script("echo-small", [paused(*SEARCH)] * (MOST_PAUSES + 1))
    runtime = rig.runtime("messages/echo-small")
    await say(runtime, "look")
    for name in ("chat", "responses"):
        runtime.select(name, "echo-large")
        assert await say(runtime, f"and you, {name}?") == f"You said: and you, {name}?"
        assert not rig.scripted.requests[-1].refused
        assert "srvtoolu_1" not in json.dumps(rig.scripted.requests[-1].body)

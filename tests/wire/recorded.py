"""The recordings as this folder's tests need them: events, an independent reading, the provider's own profile."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tests.replay import Recording, recordings
from tests.wire.targets import Peer, sse_events

JSON = dict[str, Any]
PROTOCOLS = ("anthropic-messages", "openai-chat", "openai-responses")


@cache
def all_of(kind: str) -> tuple[Recording, ...]:
    """Return the recordings of a kind in our three protocols."""
    return tuple(r for p in PROTOCOLS for r in recordings(protocol=p, kind=kind))


def events(recording: Recording) -> list[JSON]:
    """Return the events of a stream; a whole JSON answer is told as the stream that it could have been."""
    if recording.is_stream:
        return sse_events(recording.response)
    whole: JSON = json.loads(recording.response)
    match recording.protocol:
        case "anthropic-messages":
            return _message_events(whole)
        case "openai-responses":
            return [{"type": f"response.{whole['status']}", "response": whole}]
        case _:
            return [whole]


def _message_events(whole: JSON) -> list[JSON]:
    start = {"type": "message_start", "message": whole | {"content": []}}
    told = [start]
    for index, block in enumerate(whole["content"]):
        told.append({"type": "content_block_start", "index": index, "content_block": block})
        told.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": whole["stop_reason"], "stop_details": whole.get("stop_details")}
    return [*told, {"type": "message_delta", "delta": delta, "usage": whole["usage"]}, {"type": "message_stop"}]


def plain_text(recording: Recording) -> str:
    """Return the answer's text by a reading that shares nothing with the wires: whole JSON or deltas, added up."""
    found: list[str] = []
    for event in events(recording):
        match recording.protocol:
            case "anthropic-messages":
                found.append(event.get("content_block", {}).get("text", ""))
                found.append(event.get("delta", {}).get("text", ""))
            case "openai-responses":
                if event["type"] == "response.output_text.delta":
                    found.append(event["delta"])
                elif not recording.is_stream:
                    output = event["response"]["output"]
                    found += [
                        c.get("text", "") for i in output for c in i.get("content") or () if i["type"] == "message"
                    ]
            case _:
                for choice in event.get("choices", ())[:1]:
                    content = (choice.get("delta") or choice.get("message") or {}).get("content")
                    parts = content if isinstance(content, list) else [{"text": content or ""}]
                    found += [p.get("text", "") for p in parts]
    return "".join(found)


def peer_of(recording: Recording) -> Peer:
    """Return the provider of a recording as a target that takes all that its protocol knows."""
    return Peer(
        recording.provider,
        recording.protocol,  # pyright: ignore[reportArgumentType]
        {
            "tools": True,
            "vision": True,
            "files": True,
            "system": "any",
            "developer_role": True,
            "strict_alternation": False,
            "strict_tool_user": False,
            "string_content": False,
            "sampling": "free",
            "reasoning_key": "encrypted_content" if recording.protocol == "openai-responses" else "reasoning_content",
        },
        tools=(),
    )

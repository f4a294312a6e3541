"""The Anthropic Messages protocol: view → body, events → StreamEvents. Pure.

Source of the shapes: the types of the SDK `anthropic` 2.12 and recorded traffic.
"""

from __future__ import annotations

from typing import assert_never

from aether.lowering.view import Message, ToolSpec, View
from aether.transcript import (
    File,
    Image,
    Part,
    Reasoning,
    Refusal,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
)
from aether.wire.base import (
    DEFAULT_MAX_TOKENS,
    JSON,
    Ask,
    Effort,
    base64_of,
    lost,
    mappings,
    plain_text,
)
from aether.wire.messages_reader import NATIVE_KINDS, Reader

path = "/v1/messages"

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
    last = ""
    for message in view.messages:
        role = "user" if message.role == "tool" else message.role
        content = _content(message, ask)
        if role == last == "user":
            out[-1]["content"] += content
        else:
            out.append({"role": role, "content": content})
        last = role
    return out


def _content(message: Message, ask: Ask) -> list[JSON]:
    if message.native:
        return [n.data for n in message.native]
    if (said := plain_text(message)) is not None:
        return [{"type": "text", "text": said if message.role == "user" else said.rstrip()}]
    blocks = [b for p in message.parts if (b := _block(p, ask)) is not None]
    if message.role == "assistant" and blocks and "text" in (last := blocks[-1]):
        last["text"] = last["text"].rstrip()  # M3: refused at the end of a request
    return blocks


def _block(part: Part, ask: Ask) -> JSON | None:
    match part:
        case Text() | Refusal() | SystemNote():
            return {"type": "text", "text": part.text}
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": part.object}
        case ToolResult():
            block: JSON = {
                "type": "tool_result",
                "tool_use_id": part.call_id,
                "content": [b for p in part.parts if (b := _block(p, ask)) is not None],
            }
            return block if part.status == "ok" else block | {"is_error": True}
        case Image():
            return _media("image", part, ask)
        case File():
            return _media("document", part, ask)
        case Reasoning():
            return None
        case _:
            assert_never(part)


def _media(kind: str, part: Image | File, ask: Ask) -> JSON:
    data = base64_of(part.blob, ask)
    if data is None:
        return {"type": "text", "text": lost(part.blob)}
    return {"type": kind, "source": {"type": "base64", "media_type": part.blob.mime, "data": data}}


def reader() -> Reader:
    """Return a reader for one reply."""
    return Reader()

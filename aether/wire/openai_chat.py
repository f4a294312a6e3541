"""The OpenAI Chat Completions protocol and its dialects: view → body, events → StreamEvents. Pure.

Source of the shapes: the types of the SDK `openai` 3.54 and recorded traffic of ten
services. What differs between services is a field of the profile.
"""

from __future__ import annotations

import json
from typing import assert_never

from aether.lowering.view import Message, ToolSpec, View
from aether.transcript import File, Image, Part, SystemNote, Text, ToolCall, ToolResult
from aether.wire.base import JSON, Ask, base64_of, has_media, lost, mapping, plain_text, text_of, words_of
from aether.wire.chat_reader import Reader

path = "/chat/completions"


def lower(view: View, ask: Ask) -> JSON:
    """Return the body of a streaming request that shows `view` to the model."""
    system_role = "developer" if ask.profile.developer_role else "system"
    messages: list[JSON] = [{"role": system_role, "content": view.system}] if view.system else []
    for message in view.messages:
        if (said := plain_text(message)) is not None:
            messages.append({"role": message.role, "content": said})
        else:
            messages += _messages(message, ask, system_role)
    body: JSON = {"model": ask.model, "messages": messages, "stream": True}
    if ask.profile.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if view.tools:
        body["tools"] = [_tool(t) for t in view.tools]
        if view.tool_choice == "none":
            body["tool_choice"] = "none"
    if (bound := ask.bound()) is not None:
        body[ask.profile.max_tokens_key] = bound
    return body | ask.sampling() | ask.effort_keys()


def _tool(tool: ToolSpec) -> JSON:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _messages(message: Message, ask: Ask, system_role: str) -> list[JSON]:
    match message.role:
        case "user":
            return [{"role": "user", "content": _user_content(message.parts, ask)}]
        case "assistant":
            return [_own(message, ask) if message.native else _assistant(message.parts, ask)]
        case "tool":
            return [_result(p) for p in message.parts if isinstance(p, ToolResult)]
        case "system":
            return [{"role": system_role, "content": words_of(message.parts)}]
        case _:
            assert_never(message.role)


def _user_content(parts: tuple[Part, ...], ask: Ask) -> str | list[JSON]:
    if not has_media(parts):
        return words_of(parts)  # M8: every server takes a string
    content = [_content_part(p, ask) for p in parts if isinstance(p, Text | SystemNote | Image | File)]
    return content if any(c["type"] != "text" for c in content) else "\n\n".join(c["text"] for c in content)


def _content_part(part: Text | SystemNote | Image | File, ask: Ask) -> JSON:
    match part:
        case Text() | SystemNote():
            return {"type": "text", "text": part.text}
        case Image() | File():
            return _media(part, ask)
        case _:
            assert_never(part)


def _media(part: Image | File, ask: Ask) -> JSON:
    url = base64_of(part.blob, ask, as_url=True)
    if url is None:
        return {"type": "text", "text": lost(part.blob)}
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"filename": part.blob.name or "file", "file_data": url}}


def _own(message: Message, ask: Ask) -> JSON:
    """Join the issuer's own blocks again; reasoning goes back only under the key it takes."""
    out: JSON = {}
    for block in message.native:
        if block.kind != "reasoning":
            out |= block.data
        elif ask.profile.reasoning_key in block.data:
            out[ask.profile.reasoning_key] = block.data[ask.profile.reasoning_key]
    return _with_needed_reasoning(out, ask)


def _assistant(parts: tuple[Part, ...], ask: Ask) -> JSON:
    out: JSON = {"role": "assistant", "content": words_of(parts) or None}
    if calls := [p for p in parts if isinstance(p, ToolCall)]:
        out["tool_calls"] = [_call(c) | _extra(ask) for c in calls]
        return _with_needed_reasoning(out, ask)
    return out


def _call(call: ToolCall) -> JSON:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _extra(ask: Ask) -> JSON:
    extra = ask.profile.foreign_call_extra
    return mapping(json.loads(extra)) if extra else {}


def _with_needed_reasoning(message: JSON, ask: Ask) -> JSON:
    key = ask.profile.reasoning_key
    if not (ask.profile.reasoning_needed and key and "tool_calls" in message):
        return message
    return message if text_of(message.get(key)) else message | {key: ask.profile.reasoning_placeholder}


def _result(result: ToolResult) -> JSON:
    text = words_of(result.parts)
    return {
        "role": "tool",
        "tool_call_id": result.call_id,
        "content": text if result.status == "ok" else f"Error: {text}",  # C18: no field for it here
    }


def reader() -> Reader:
    """Return a reader for one reply."""
    return Reader()

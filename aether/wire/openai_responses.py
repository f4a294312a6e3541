"""The OpenAI Responses protocol, without server state: view → body, events → StreamEvents. Pure.

Nothing is stored at the service (`store` false): reasoning goes back as the encrypted
item that it came as, together with the item that follows it, or not at all.
Source of the shapes: the types of the SDK `openai` 3.54 and recorded traffic.
"""

from __future__ import annotations

from typing import assert_never

from aether.lowering.view import Message, ToolSpec, View
from aether.transcript import File, Image, Part, Reasoning, Refusal, SystemNote, Text, ToolCall, ToolResult
from aether.wire.base import JSON, Ask, base64_of, has_media, lost, words_of
from aether.wire.responses_reader import Reader

path = "/responses"


def lower(view: View, ask: Ask) -> JSON:
    """Return the body of a streaming request that shows `view` to the model."""
    items = [i for m in view.messages for i in _items(m, ask)]
    body: JSON = {"model": ask.model, "input": items, "store": False, "stream": True}
    if ask.profile.reasoning_key:
        body["include"] = [f"reasoning.{ask.profile.reasoning_key}"]
    if view.system:
        body["instructions"] = view.system
    if view.tools:
        body["tools"] = [_tool(t) for t in view.tools]
        if view.tool_choice == "none":
            body["tool_choice"] = "none"
    if (bound := ask.bound()) is not None:
        body[ask.profile.max_tokens_key] = bound
    return body | ask.sampling() | ask.effort_keys()


def _tool(tool: ToolSpec) -> JSON:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": False,
    }


def _items(message: Message, ask: Ask) -> list[JSON]:
    if message.native and message.whole:
        return [n.data for n in message.native]
    # T10: an item is bound by its id to the reasoning before it, so without that it goes as plain parts
    match message.role:
        case "system":
            role = "developer" if ask.profile.developer_role else "system"
            return [{"role": role, "content": words_of(message.parts)}]
        case "user":
            return [{"role": "user", "content": _content(message.parts, ask)}]
        case "assistant":
            return _assistant(message, ask)
        case "tool":
            return [_result(p, ask) for p in message.parts if isinstance(p, ToolResult)]
        case _:
            assert_never(message.role)


def _content(parts: tuple[Part, ...], ask: Ask) -> str | list[JSON]:
    if not has_media(parts):
        return words_of(parts)
    return [c for p in parts if (c := _content_part(p, ask)) is not None]


def _content_part(part: Part, ask: Ask) -> JSON | None:
    match part:
        case Text() | SystemNote() | Refusal():
            return {"type": "input_text", "text": part.text}
        case Image() | File():
            return _media(part, ask)
        case Reasoning() | ToolCall() | ToolResult():
            return None
        case _:
            assert_never(part)


def _media(part: Image | File, ask: Ask) -> JSON:
    url = base64_of(part.blob, ask, as_url=True)
    if url is None:
        return {"type": "input_text", "text": lost(part.blob)}
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    return {"type": "input_file", "filename": part.blob.name or "file", "file_data": url}


def _assistant(message: Message, ask: Ask) -> list[JSON]:
    text = words_of(message.parts)
    items: list[JSON] = []
    if text and ask.profile.string_content:
        items.append({"role": "assistant", "content": text})
    elif text:  # llama.cpp knows an earlier answer by this form alone
        parts = [{"type": "output_text", "text": text}]
        items.append({"type": "message", "role": "assistant", "content": parts})
    for part in message.parts:
        if isinstance(part, ToolCall):
            call = {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments}
            items.append(call)
    return items


def _result(result: ToolResult, ask: Ask) -> JSON:
    output = _content(result.parts, ask)
    if result.status != "ok":  # C18: no field for it here
        prefix = "Error: "
        output = prefix + output if isinstance(output, str) else [{"type": "input_text", "text": prefix}, *output]
    return {"type": "function_call_output", "call_id": result.call_id, "output": output}


def reader() -> Reader:
    """Return a reader for one reply."""
    return Reader()

"""Tool calls and their results, in the form that every target accepts. Pure.

Ids that the target did not make become nine alphanumerics, unique in the request: the
one form that every known service takes (Mistral takes no other).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

from aether.lowering.view import Message, Omission
from aether.profile import Profile
from aether.transcript import File, Image, Part, ResultPart, Text, ToolCall, ToolResult

NOT_RUN = "This call was not run: the answer was stopped, or the model was changed."
NO_OUTPUT = "(no output)"
ID_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
NAME_RULE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
FLATTENED = "this model takes no tools: earlier tool calls are shown to it as plain text"


def close_calls(messages: list[Message]) -> list[Message]:
    """Answer every call right after it, in order; turn results without a call into user text."""
    out: list[Message] = []
    for position, message in enumerate(messages):
        if message.role == "tool":
            continue  # taken along with the calls before it
        out.append(message)
        following = messages[position + 1 : position + 2]
        given = following[0].parts if following and following[0].role == "tool" else ()
        results = {p.call_id: p for p in given if isinstance(p, ToolResult)}
        calls = [p for p in message.parts if isinstance(p, ToolCall)] if message.role == "assistant" else []
        closed = tuple(results.pop(c.id, None) or _not_run(c) for c in calls)
        if closed:
            out.append(Message("tool", closed))
        if results:
            out.append(Message("user", tuple(p for r in results.values() for p in _as_text(r))))
    if messages and messages[0].role == "tool":
        orphans = tuple(p for r in messages[0].parts if isinstance(r, ToolResult) for p in _as_text(r))
        out.insert(0, Message("user", orphans))
    return out


def _not_run(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, call.name, (Text(NOT_RUN),), "not_run")


def _as_text(result: ToolResult) -> tuple[Part, ...]:
    media = tuple(p for p in result.parts if isinstance(p, Image | File))
    return (Text(f"[result of {result.name or 'a tool'}] {_text(result)}"), *media)


def _text(result: ToolResult) -> str:
    text = "\n".join(p.text for p in result.parts if isinstance(p, Text)).strip()
    return text or NO_OUTPUT


def fix_calls(messages: list[Message]) -> list[Message]:
    """Give calls that the target did not make valid ids, names and arguments, and results a text."""
    taken = {p.id for m in messages if m.native for p in m.parts if isinstance(p, ToolCall)}
    out: list[Message] = []
    fixed: list[ToolCall] = []
    number = 0
    for message in messages:
        if message.role == "tool":  # its results stand in the order of the calls before it
            results = zip(fixed, (p for p in message.parts if isinstance(p, ToolResult)), strict=True)
            out.append(replace(message, parts=tuple(_fixed_result(r, call) for call, r in results)))
            continue
        if message.role != "assistant":
            out.append(message)
            continue
        fixed = []
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                number += 1
                part = part if message.native else _fixed_call(part, number, taken)
                fixed.append(part)
            parts.append(part)
        out.append(replace(message, parts=tuple(parts)))
    return out


def _fixed_call(call: ToolCall, number: int, taken: set[str]) -> ToolCall:
    return ToolCall(_mint(number, call.id, taken), valid_name(call.name), object_text(call.arguments))


def _fixed_result(result: ToolResult, call: ToolCall) -> ToolResult:
    media: tuple[ResultPart, ...] = tuple(p for p in result.parts if isinstance(p, Image | File))
    texts: tuple[ResultPart, ...] = tuple(p for p in result.parts if isinstance(p, Text) and p.text.strip())
    if not texts and not media:
        texts = (Text(NO_OUTPUT),)
    return replace(result, call_id=call.id, name=call.name, parts=(*texts, *media))


def _mint(number: int, id_: str, taken: set[str]) -> str:
    """Return nine alphanumerics for call `number` of the request, and mark them as taken."""
    salt = 0
    while True:
        value = int.from_bytes(hashlib.sha256(f"{number}\0{salt}\0{id_}".encode()).digest()[:8], "big")
        digits = "".join(ID_ALPHABET[value // 36**place % 36] for place in range(8))
        minted = f"c{digits}"
        if minted not in taken:
            taken.add(minted)
            return minted
        salt += 1


def valid_name(name: str) -> str:
    """Return `name` if every protocol takes it, else a valid one that no other name gives."""
    if NAME_RULE.fullmatch(name):
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{re.sub(r'[^a-zA-Z0-9_-]', '_', name)[:57]}_{mark}"


def object_text(arguments: str) -> str:
    """Return `arguments` if it is the text of a JSON object, else an object that holds it."""
    try:
        value: object = json.loads(arguments) if arguments.strip() else {}
    except ValueError:
        value = arguments
    if isinstance(value, dict):
        return arguments if arguments.strip() else "{}"
    return "{}" if value is None else json.dumps({"_raw_arguments": arguments}, ensure_ascii=False)


def flatten_tools(messages: list[Message], profile: Profile) -> tuple[list[Message], list[Omission]]:
    """Tell calls and results as plain text where the target takes no tools."""
    if profile.tools:
        return messages, []
    count = 0
    out: list[Message] = []
    for message in messages:
        calls = [p for p in message.parts if isinstance(p, ToolCall)]
        count += len(calls)
        if message.role == "tool":
            parts = tuple(t for p in message.parts if isinstance(p, ToolResult) for t in _as_text(p))
            out.append(Message("user", parts))
        elif calls:
            out.append(replace(message, parts=tuple(_told(p) for p in message.parts)))
        else:
            out.append(message)
    return out, [Omission("tools", count, FLATTENED)] if count else []


def _told(part: Part) -> Part:
    return Text(f"[called {part.name}({part.arguments})]") if isinstance(part, ToolCall) else part

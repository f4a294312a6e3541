"""Tool calls and their results, in the form that every target accepts. Pure.

Ids that the target did not make become nine alphanumerics, unique in the request: the
one form that every known service takes (Mistral takes no other).
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable

from aether.lowering.text import sound
from aether.lowering.view import Message, Omission
from aether.parts import MEDIA
from aether.profile import Profile
from aether.transcript import File, Image, Part, ResultPart, Text, ToolCall, ToolResult

NOT_RUN = "This call was not run: the answer was stopped, or the model was changed."
NO_OUTPUT = "(no output)"
NAME_RULE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
LONGEST_ID = 40
"""Letters of a tool id: the least that a known service takes (OpenAI's chat, vercel/ai#5171)."""
LONGEST_OWN_ID = 64
"""Letters of an id that goes back to the service that made it (OpenAI's Responses, dyad#4304)."""
FLATTENED = "this model takes no tools: earlier tool calls are shown to it as plain text"


def fits(id_: str, rule: str) -> bool:
    """Tell whether a tool id obeys a profile's `id_rule`."""
    match rule:
        case "any":
            return 0 < len(id_) <= LONGEST_ID and id_.isprintable()
        case "nine":
            return re.fullmatch(r"[a-zA-Z0-9]{9}", id_) is not None
        case _:
            return len(id_) <= LONGEST_OWN_ID and re.fullmatch(rule, id_) is not None


def close_calls(messages: list[Message]) -> list[Message]:
    """Answer every call right after it, in order; turn results without a call into user text."""
    out: list[Message] = []
    open_calls: list[ToolCall] = []
    for message in messages:
        if message.role != "tool":
            _close(out, open_calls, ())
            out.append(message)
            open_calls = [p for p in message.parts if isinstance(p, ToolCall)] if message.role == "assistant" else []
            continue
        _close(out, open_calls, message.parts)
        open_calls = []
    _close(out, open_calls, ())
    return out


def _close(out: list[Message], calls: list[ToolCall], given: tuple[Part, ...]) -> None:
    """Put the results of `calls` behind them. Of two calls with one id the first gets the first result."""
    results: dict[str, deque[ToolResult]] = {}
    for part in given:
        if isinstance(part, ToolResult):
            results.setdefault(part.call_id, deque()).append(part)
    if calls and len(calls) == len(given) == len(results) and [c.id for c in calls] == list(results):
        out.append(Message("tool", given))
        return
    if calls:
        closed = tuple(results[c.id].popleft() if results.get(c.id) else _not_run(c) for c in calls)
        out.append(Message("tool", closed))
    if orphans := [r for left in results.values() for r in left]:
        out.append(Message("user", tuple(p for r in orphans for p in as_text(r))))


def _not_run(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, call.name, (Text(NOT_RUN),), "not_run")


def as_text(result: ToolResult) -> tuple[Part, ...]:
    """Return a result as words of the user, its media behind them."""
    media = tuple(p for p in result.parts if isinstance(p, Image | File))
    text = "\n".join(p.text for p in result.parts if isinstance(p, Text)).strip() or NO_OUTPUT
    failed = "" if result.status == "ok" else "Error: "
    return (Text(f"[result of {sound(result.name) or 'a tool'}] {failed}{text}"), *media)


def fix_calls(messages: list[Message]) -> list[Message]:
    """Give calls that the target did not make valid names and arguments, and results a text."""
    out: list[Message] = []
    fixed: list[ToolCall] = []
    for message in messages:
        if message.role == "tool":  # its results stand in the order of the calls before it
            results = zip(fixed, (p for p in message.parts if isinstance(p, ToolResult)), strict=True)
            message = message._replace(parts=tuple(_fixed_result(r, call) for call, r in results))
        elif message.role == "assistant":
            fixed = [p for p in message.parts if isinstance(p, ToolCall)]
            if fixed and not message.native:
                mended = [_fixed_call(c) for c in fixed]
                message = message if mended == fixed else _with_calls(message, mended)
                fixed = mended
        out.append(message)
    return out


def give_ids(messages: Iterable[Message], before: int, taken: set[str]) -> list[Message]:
    """Give calls that the target did not make ids of their own, and their results the same; add those to `taken`.

    `before`: how many calls stand before these messages.
    """
    out: list[Message] = []
    named: list[ToolCall] = []
    for message in messages:
        if message.role == "tool":
            results = zip(named, (p for p in message.parts if isinstance(p, ToolResult)), strict=True)
            message = message._replace(parts=tuple(r if r.call_id == c.id else _of(r, c) for c, r in results))
        elif message.role == "assistant":
            named = [p for p in message.parts if isinstance(p, ToolCall)]
            if named and not message.native:
                numbered = enumerate(named, before + 1)
                named = [ToolCall(_mint(n, c.id, taken), c.name, c.arguments) for n, c in numbered]
                message = _with_calls(message, named)
            before += len(named)
        out.append(message)
    return out


def _with_calls(message: Message, calls: list[ToolCall]) -> Message:
    new = iter(calls)
    return message._replace(parts=tuple(next(new) if isinstance(p, ToolCall) else p for p in message.parts))


def _of(result: ToolResult, call: ToolCall) -> ToolResult:
    return ToolResult(call.id, result.name, result.parts, result.status)


def _fixed_call(call: ToolCall) -> ToolCall:
    name, arguments = valid_name(call.name), call.object_text
    return call if name == call.name and arguments is call.arguments else ToolCall(call.id, name, arguments)


def _fixed_result(result: ToolResult, call: ToolCall) -> ToolResult:
    parts = result.parts
    if not parts or any(isinstance(p, MEDIA) or not p.text.strip() for p in parts):
        texts: tuple[ResultPart, ...] = tuple(p for p in parts if isinstance(p, Text) and p.text.strip())
        media: tuple[ResultPart, ...] = tuple(p for p in parts if isinstance(p, MEDIA))
        parts = (*texts, *media) or (Text(NO_OUTPUT),)
    same = parts is result.parts and result.call_id == call.id and result.name == call.name
    return result if same else ToolResult(call.id, call.name, parts, result.status)


def _mint(number: int, id_: str, taken: set[str]) -> str:
    """Return nine alphanumerics for call `number` of the request, and mark them as taken."""
    salt = 0
    while True:
        seed = f"{number}\0{salt}\0{id_}".encode("utf-8", "surrogatepass")
        minted = "c" + hashlib.sha256(seed).hexdigest()[:8]
        if minted not in taken:
            taken.add(minted)
            return minted
        salt += 1


def valid_name(name: str) -> str:
    """Return `name` if every protocol takes it, else a valid one that no other name gives."""
    if NAME_RULE.fullmatch(name):
        return name
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{re.sub(r'[^a-zA-Z0-9_-]', '_', name)[:57]}_{mark}"


def flatten_tools(messages: list[Message], profile: Profile) -> tuple[list[Message], list[Omission]]:
    """Tell calls and results as plain text where the target takes no tools."""
    if profile.tools:
        return messages, []
    count = 0
    out: list[Message] = []
    for message in messages:
        calls = sum(isinstance(p, ToolCall) for p in message.parts)
        count += calls
        if message.role == "tool":
            parts = tuple(t for p in message.parts if isinstance(p, ToolResult) for t in as_text(p))
            out.append(Message("user", parts))
        elif calls:
            out.append(message._replace(parts=tuple(told(p) for p in message.parts)))
        else:
            out.append(message)
    return out, [Omission("tools", count, FLATTENED)] if count else []


def told(part: Part) -> Part:
    """Return a call as words; any other part as it is."""
    return Text(f"[called {part.name}({part.arguments})]") if isinstance(part, ToolCall) else part

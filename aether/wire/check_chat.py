"""The rules of Chat Completions and its strict dialects, as far as a body can break them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from aether.profile import Profile
from aether.wire.base import JSON, mapping, mappings, text_of
from aether.wire.check import (
    Issued,
    Violation,
    blank,
    check_ends,
    check_ids,
    check_names,
    check_settings,
    is_object,
    tool_names,
)

KEYS = {
    "system": {"role", "content"},
    "developer": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "refusal"},
    "tool": {"role", "content", "tool_call_id"},
}


def check_chat(body: JSON, profile: Profile, issued: Issued) -> Iterator[Violation]:
    """Yield every rule that the body breaks."""
    yield from check_settings("openai-chat", body, profile)
    messages = mappings(body.get("messages"))
    roles = [text_of(m.get("role")) for m in messages]
    yield from check_ends([r for r in roles if r not in ("system", "developer")])
    yield from _order(roles, profile)
    for number, message in enumerate(messages):
        yield from _message(message, f"messages.{number}", profile)
    calls = [c for m in messages for c in mappings(m.get("tool_calls"))]
    yield from check_ids([text_of(c.get("id")) for c in calls], profile.id_rule, 40 if profile.id_rule == "any" else 64)
    yield from check_names(
        tool_names(body.get("tools")), [text_of(mapping(c.get("function")).get("name")) for c in calls]
    )
    yield from _pairs(messages)


def _order(roles: list[str], profile: Profile) -> Iterator[Violation]:
    for number, role in enumerate(roles):
        if role not in KEYS or (role == "developer" and not profile.developer_role):
            yield Violation("S4 a role that the target knows", f"messages.{number}")
        if role in ("system", "developer"):
            if profile.system == "none":
                yield Violation("S5 the target takes no system text", f"messages.{number}")
            if number and profile.system == "lead":
                yield Violation("S3 a system text stands at the beginning", f"messages.{number}")
    for number, (before, after) in enumerate(pairwise(roles)):
        if before == after and after != "tool":
            yield Violation("M6 roles alternate", f"messages.{number + 1}")
        if (before, after) == ("tool", "user") and profile.strict_tool_user:
            yield Violation("C16 no user right after a tool", f"messages.{number + 1}")


def _message(message: JSON, where: str, profile: Profile) -> Iterator[Violation]:
    role, content = text_of(message.get("role")), message.get("content")
    own = {profile.reasoning_key} if role == "assistant" and profile.reasoning_key else set[str]()
    for key in message.keys() - KEYS.get(role, set()) - own:
        yield Violation("T8 only keys that the target knows", f"{where}.{key}")
    calls = mappings(message.get("tool_calls"))
    if role == "assistant":
        if blank(content) and not calls:
            yield Violation("M7 no empty assistant message", where)
        if content is not None and not isinstance(content, str):
            yield Violation("I3 an assistant writes text alone", where)
        if calls and profile.reasoning_needed and profile.reasoning_key not in message:
            yield Violation("T9 reasoning goes along with calls", where)
    if role == "tool" and not isinstance(content, str):
        yield Violation("I2 a tool's content is text alone", where)
    if role != "assistant" and isinstance(content, str) and blank(content):
        yield Violation("M1 no blank text", where)
    for call in calls:
        if not is_object(mapping(call.get("function")).get("arguments")):
            yield Violation("C11 arguments are an object", where)
    if isinstance(content, list):
        yield from _parts(mappings(content), where, profile)  # pyright: ignore[reportUnknownArgumentType]


def _parts(parts: list[JSON], where: str, profile: Profile) -> Iterator[Violation]:
    kinds = {text_of(p.get("type")) for p in parts}
    if kinds == {"text"} and profile.string_content:
        yield Violation("M8 plain text is a string", where)
    for part in parts:
        match part.get("type"):
            case "text" if blank(part.get("text")):
                yield Violation("M1 no blank text", where)
            case "image_url":
                if not profile.vision:
                    yield Violation("I1 the target sees no images", where)
                if not text_of(mapping(part.get("image_url")).get("url")).startswith("data:"):
                    yield Violation("I6 no remote image", where)
            case "file" if not profile.files:
                yield Violation("I7 the target reads no files", where)
            case "text" | "file":
                pass
            case _:
                yield Violation("M9 a part that the target knows", where)


def _pairs(messages: list[JSON]) -> Iterator[Violation]:
    """Check that tool messages stand right after their calls: all of them, once each, in order."""
    awaited: list[str] = []
    for number, message in enumerate(messages):
        if message.get("role") == "tool":
            if not awaited or awaited.pop(0) != message.get("tool_call_id"):
                yield Violation("C2 a result answers the next open call", f"messages.{number}")
            continue
        if awaited:
            yield Violation("C1 each call is answered at once", f"messages.{number}")
        awaited = [text_of(c.get("id")) for c in mappings(message.get("tool_calls"))]
    if awaited:
        yield Violation("C1 each call is answered at once", "end")

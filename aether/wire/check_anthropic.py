"""The rules of the Anthropic Messages API, as far as a body can break them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from aether.profile import Profile
from aether.wire.base import JSON, mapping, mappings, text_of
from aether.wire.check import (
    IMAGE_TYPES,
    LARGEST_IMAGE,
    Issued,
    Violation,
    blank,
    check_ends,
    check_ids,
    check_names,
    check_settings,
    tool_names,
)


def check_anthropic(body: JSON, profile: Profile, issued: Issued) -> Iterator[Violation]:
    """Yield every rule that the body breaks."""
    yield from check_settings("anthropic-messages", body, profile)
    bound = body.get("max_tokens")
    if not isinstance(bound, int) or bound < 1:
        yield Violation("P1 max_tokens is given", str(bound))
    messages = mappings(body.get("messages"))
    spoken = [m for m in messages if m.get("role") != "system"]
    paused = bool(spoken) and any(_is_service_tool(b) for b in _blocks(spoken[-1]))
    yield from check_ends([text_of(m.get("role")) for m in spoken], paused=paused)
    yield from _order(messages, profile)
    for number, message in enumerate(messages):
        blocks = _blocks(message)
        if not blocks:
            yield Violation("M7 no empty message", f"messages.{number}")
        elif text_of(blocks[-1].get("type")).endswith("thinking"):
            yield Violation("T6 thinking ends no message", f"messages.{number}")
        for block in blocks:
            yield from _block(block, f"messages.{number}", profile, issued)
    calls = [b for m in messages for b in _blocks(m) if b.get("type") == "tool_use"]
    yield from check_ids([text_of(c.get("id")) for c in calls], profile.id_rule, 64)
    yield from check_names(tool_names(body.get("tools")), [text_of(c.get("name")) for c in calls])
    yield from _pairs(spoken)


def _is_service_tool(block: JSON) -> bool:
    """Tell whether a block belongs to a tool that the service runs itself: `server_tool_use` and what comes of it."""
    kind = text_of(block.get("type"))
    return kind.endswith(("_tool_use", "_tool_result"))


def _blocks(message: JSON) -> list[JSON]:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else mappings(content)


def _order(messages: list[JSON], profile: Profile) -> Iterator[Violation]:
    for number, (before, after) in enumerate(pairwise(messages)):
        if before.get("role") == after.get("role"):
            yield Violation("M6 roles alternate", f"messages.{number + 1}")
    for number, message in enumerate(messages):
        if message.get("role") != "system":
            continue
        if profile.system != "any":
            yield Violation("S1 no system text among the messages", f"messages.{number}")
        before = messages[number - 1].get("role") if number else None
        after = messages[number + 1].get("role") if number + 1 < len(messages) else "assistant"
        if before != "user" or after != "assistant":
            yield Violation("S2 a system text stands between user and assistant", f"messages.{number}")


def _block(block: JSON, where: str, profile: Profile, issued: Issued) -> Iterator[Violation]:
    match block.get("type"):
        case "text" if blank(block.get("text")):
            yield Violation("M1 no blank text", where)
        case "thinking" if blank(block.get("signature")) or block["signature"] not in issued:
            yield Violation("T1 thinking only with a signature of this issuer", where)
        case "redacted_thinking" if block.get("data") not in issued:
            yield Violation("T7 redacted thinking of this issuer alone", where)
        case "tool_use" if not isinstance(block.get("input"), dict):
            yield Violation("C11 input is an object", where)
        case "image":
            if not profile.vision:
                yield Violation("I1 the target sees no images", where)
            yield from _image(mapping(block.get("source")), where)
        case "document" if not profile.files:
            yield Violation("I7 the target reads no files", where)
        case "tool_result":
            content = block.get("content")
            inner = [{"type": "text", "text": content}] if isinstance(content, str) else mappings(content)
            for part in inner:
                yield from _block(part, where, profile, issued)
        case _:
            pass


def _image(source: JSON, where: str) -> Iterator[Violation]:
    if source.get("type") != "base64":
        yield Violation("I6 no remote image", where)
    if source.get("media_type") not in IMAGE_TYPES:
        yield Violation("I4 kind of image", where)
    if len(text_of(source.get("data"))) > LARGEST_IMAGE:
        yield Violation("I5 size of an image", where)


def _pairs(messages: list[JSON]) -> Iterator[Violation]:
    """Check that each call is answered in the very next message, before anything else, in order."""
    for number, message in enumerate(messages):
        blocks = _blocks(message)
        calls = [b.get("id") for b in blocks if b.get("type") == "tool_use"]
        following = _blocks(messages[number + 1]) if number + 1 < len(messages) else []
        results = [b.get("tool_use_id") for b in following if b.get("type") == "tool_result"]
        if message.get("role") == "assistant" and calls != results:
            yield Violation("C1 each call is answered in the next message", f"messages.{number}")
        if message.get("role") == "user":
            kinds = [b.get("type") == "tool_result" for b in blocks]
            if kinds != sorted(kinds, reverse=True):
                yield Violation("C3 results come before anything else", f"messages.{number}")
            if number == 0 and any(kinds):
                yield Violation("C2 no result without a call", "messages.0")

"""What the Anthropic Messages service refuses, in its own words (public issues, `tests/recordings`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from anthropic.types import ContentBlockParam, MessageParam
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming as Whole
from anthropic.types.message_create_params import MessageCreateParamsStreaming as Streaming

from tests.scripted.failures import Fault
from tests.scripted.ids import Issuer
from tests.scripted.reply import JSON
from tests.scripted.strict.messages_blocks import image_faults, thinking_faults, tool_faults
from tests.scripted.strict.rules import Strictness
from tests.scripted.strict.types import Mismatch, mismatches, tagged

SAMPLING = ("temperature", "top_p", "top_k")
PREFILL = "This model does not support assistant message prefill. The conversation must end with a user message."


def faults(body: JSON, strictness: Strictness, issuer: Issuer) -> Iterator[Fault]:
    """Yield why this body would be refused."""
    yield from top_level(body, strictness)
    messages = body.get("messages")
    if not isinstance(messages, list):
        return  # the top level has said so
    if not messages:
        yield Fault(message="messages: at least one message is required")
        return
    for index, message in enumerate(messages):
        yield from shape(message, f"messages.{index}", strictness)
    yield from blank(messages)
    yield from in_order(messages, strictness)
    yield from tool_faults(body, messages, strictness)
    yield from thinking_faults(body, messages, strictness, issuer)
    yield from image_faults(messages, strictness)


def top_level(body: JSON, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of the settings. The SDK's types know no sampling keys any more, the service still does."""
    plain = {k: v for k, v in body.items() if k not in SAMPLING}
    if isinstance(body.get("messages"), list):
        plain["messages"] = []
    for mismatch in mismatches(plain, Streaming if body.get("stream") else Whole):
        yield Fault(message=worded(mismatch))
    asked = [k for k in SAMPLING if k in body]
    if asked and strictness.sampling == "none":
        yield Fault(message=f"`{asked[0]}` is deprecated for this model.")
    if {"temperature", "top_p"} <= set(asked) and strictness.sampling == "one":
        yield Fault(message="`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    for key in ("temperature", "top_p"):
        if isinstance(body.get(key), int | float) and not 0 <= body[key] <= 1:
            yield Fault(message=f"{key}: range: 0..1")
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if budget < 1024:
            yield Fault(message="thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= body.get("max_tokens", 0):
            yield Fault(message="`max_tokens` must be greater than `thinking.budget_tokens`.")
    if not body.get("tools") and "tool_choice" in body:
        yield Fault(message="tool_choice: may only be specified while providing tools")


def shape(message: Any, at: str, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of one message and its blocks against the SDK's types."""
    if not isinstance(message, dict):
        yield Fault(message=f"{at}: Input should be a valid dictionary")
        return
    role = message.get("role")
    if role == "system" and not strictness.takes_mid_system:
        yield Fault(message=f"{at}.role: role 'system' is not supported on this model")
        return
    kinds = tagged(MessageParam, "role")
    if role not in kinds:
        yield Fault(message=f"{at}.role: Input should be 'user' or 'assistant'")
        return
    content = message.get("content")
    outer = message | {"content": []} if isinstance(content, list) else message
    for mismatch in mismatches(outer, kinds[role], at=(at,)):
        yield Fault(message=worded(mismatch))
    for place, block in enumerate(content if isinstance(content, list) else ()):
        yield from block_shape(block, f"{at}.content.{place}")


def block_shape(block: Any, at: str) -> Iterator[Fault]:
    kinds = tagged(ContentBlockParam, "type")
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in kinds:
        known = ", ".join(f"'{k}'" for k in kinds)
        yield Fault(
            message=f"{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {known}"
        )
        return
    for mismatch in mismatches(block, kinds[kind], at=(at, kind)):
        yield Fault(message=worded(mismatch))


def worded(mismatch: Mismatch) -> str:
    """Write a mismatch as the service does: the place with dots, a colon, pydantic's sentence."""
    return f"{'.'.join(str(w) for w in mismatch.where)}: {mismatch.message}"


def blank(messages: list[JSON]) -> Iterator[Fault]:
    """Yield the faults of texts that hold nothing but blanks, and of empty messages."""
    for index, message in enumerate(messages):
        content, is_last = message.get("content"), index == len(messages) - 1
        if content in ("", []) and not (is_last and message.get("role") == "assistant"):
            yield Fault(
                message=f"messages.{index}: all messages must have non-empty content "
                "except for the optional final assistant message"
            )
        for text in blank_texts(content):
            empty = "non-empty" if text == "" else "contain non-whitespace text"
            yield Fault(message=f"messages: text content blocks must {'be ' if text == '' else ''}{empty}")


def blank_texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        if content and not content.strip():
            yield content
        return
    for block in content if isinstance(content, list) else ():
        if block.get("type") == "text" and not block.get("text", "").strip():
            yield block.get("text", "")
        if block.get("type") == "tool_result" and isinstance(block.get("content"), list):
            yield from blank_texts(block["content"])


def is_paused(message: JSON) -> bool:
    """Tell whether an answer is one that the service paused while its own tools were at work."""
    blocks = message.get("content")
    kinds = [str(b.get("type")) for b in blocks] if isinstance(blocks, list) else []
    return any(k == "server_tool_use" or (k.endswith("_tool_result") and k != "tool_result") for k in kinds)


def in_order(messages: list[JSON], strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of the order: who begins, who ends, who stands beside whom."""
    roles = [m.get("role") for m in messages]
    if roles[0] != "user" and strictness.is_tidy:
        # The service itself took one in `test-anthropic-model-empty-message-on-history`; templates do not.
        yield Fault(message='messages: first message must use the "user" role')
    if roles[-1] == "assistant":
        last = messages[-1].get("content")
        texts = [last] if isinstance(last, str) else [b.get("text", "") for b in last or () if b.get("type") == "text"]
        if texts and re.search(r"\s$", texts[-1]):
            yield Fault(message="messages: final assistant content cannot end with trailing whitespace")
        if not is_paused(messages[-1]):
            yield Fault(message=PREFILL)
    for index, (first, second) in enumerate(zip(roles, [*roles[1:], None], strict=True)):
        if first == second and strictness.is_tidy:
            # The service itself merges equal neighbours; others of its protocol do not.
            both = 'roles must alternate between "user" and "assistant"'
            yield Fault(message=f'messages: {both}, but found multiple "{first}" roles in a row')
        if first == "system" and (index == 0 or roles[index - 1] != "user" or second not in ("assistant", None)):
            text = "a system message must follow a user message and stand before an assistant message or at the end"
            yield Fault(message=f"messages.{index}: {text}")

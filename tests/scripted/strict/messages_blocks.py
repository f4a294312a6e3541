"""What the Anthropic Messages service refuses of blocks: tools, thinking, images."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tests.scripted.failures import Fault
from tests.scripted.ids import Issuer
from tests.scripted.messages import prefix_digest
from tests.scripted.reply import JSON
from tests.scripted.strict.rules import Strictness

ID = "^[a-zA-Z0-9_-]+$"
NAME = "^[a-zA-Z0-9_-]{1,128}$"
MAX_IMAGE_BYTES = 5 * 1024 * 1024
MAGIC = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
THINKING = ("thinking", "redacted_thinking")


def blocks_of(message: JSON) -> list[JSON]:
    """Return the blocks of a message; a string is one text block."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [b for b in content or () if isinstance(b, dict)]


def of_type(message: JSON, *kinds: str) -> list[JSON]:
    return [b for b in blocks_of(message) if b.get("type") in kinds]


def tool_faults(body: JSON, messages: list[JSON], strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of calls and results: ids, names, pairs, places."""
    seen: set[str] = set()
    for index, message in enumerate(messages):
        for place, block in enumerate(blocks_of(message)):
            if block.get("type") != "tool_use":
                continue
            at = f"messages.{index}.content.{place}.tool_use"
            if not re.fullmatch(ID[1:-1], str(block.get("id", ""))):
                yield Fault(message=f"{at}.id: String should match pattern '{ID}'")
            if not re.fullmatch(NAME[1:-1], str(block.get("name", ""))):
                yield Fault(message=f"{at}.name: String should match pattern '{NAME}'")
            if not isinstance(block.get("input"), dict):
                yield Fault(message=f"{at}.input: Input should be a valid dictionary")
            if block.get("id") in seen:
                yield Fault(message=f"messages.{index}.content.{place}: `tool_use` ids must be unique")
            seen.add(str(block.get("id")))
    yield from pair_faults(messages)
    yield from declared(body, messages, strictness)


def pair_faults(messages: list[JSON]) -> Iterator[Fault]:
    """Yield calls that are not answered at once, and results that answer nothing."""
    for index, (message, following) in enumerate(pairwise([{}, *messages, {}])):
        called = [str(b.get("id")) for b in of_type(message, "tool_use")]
        answered = [str(b.get("tool_use_id")) for b in of_type(following, "tool_result")]
        kinds = [b.get("type") for b in blocks_of(following)]
        # The results must come first: after another block they do not answer the call any more.
        leading = next((i for i, k in enumerate(kinds) if k != "tool_result"), len(kinds))
        missing = [i for i in called if i not in answered[:leading]]
        if missing:
            yield Fault(
                message=f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately "
                f"after: {', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block "
                "in the next message."
            )
        for id_ in answered:
            if id_ not in called:
                yield Fault(
                    message=f"messages.{index}.content.{answered.index(id_)}: unexpected `tool_use_id` found in "
                    f"`tool_result` blocks: {id_}. Each `tool_result` block must have a corresponding `tool_use` "
                    "block in the previous message."
                )
            if answered.count(id_) > 1:
                yield Fault(
                    message=f"messages.{index}.content: each tool_use must have a single result. "
                    f"Found multiple `tool_result` blocks with id: {id_}"
                )


def declared(body: JSON, messages: list[JSON], strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of tools that the history calls and the request does not offer."""
    used = [str(b.get("name")) for m in messages for b in of_type(m, "tool_use")]
    offered = {str(t.get("name")) for t in body.get("tools") or ()}
    if used and not offered:
        yield Fault(message="Requests which have `tool_use` or `tool_result` blocks in context must define tools.")
    elif strictness.is_tidy and (unknown := [n for n in used if n not in offered]):
        yield Fault(message=f"messages: tool `{unknown[0]}` is called in the history but not among `tools`")
    for index, tool in enumerate(body.get("tools") or ()):
        if not re.fullmatch(NAME[1:-1], str(tool.get("name", "x"))):
            yield Fault(message=f"tools.{index}.custom.name: String should match pattern '{NAME}'")


def thinking_faults(body: JSON, messages: list[JSON], strictness: Strictness, issuer: Issuer) -> Iterator[Fault]:
    """Yield the faults of thinking blocks: made elsewhere, altered, or missing where they must stand."""
    for index, message in enumerate(messages):
        bound = prefix_digest(body, messages=messages[:index]) if strictness.binds_thinking else None
        for place, block in enumerate(blocks_of(message)):
            if block.get("type") not in THINKING:
                continue
            signature = str(block.get("signature") or block.get("data") or "")
            text = block.get("thinking") if block["type"] == "thinking" else None
            if not issuer.signed(signature, text=text, prefix=bound):
                at = f"messages.{index}.content.{place}"
                what = "`signature`" if block["type"] == "thinking" else "`data`"
                yield Fault(message=f"{at}: Invalid {what} in `{block['type']}` block")
    mode = (body.get("thinking") or {}).get("type")
    last = next(((i, m) for i, m in reversed([*enumerate(messages)]) if m.get("role") == "assistant"), None)
    if last is None:
        return
    kinds = [b.get("type") for b in blocks_of(last[1])]
    is_in_loop = "tool_use" in kinds and last[0] == len(messages) - 2
    if mode == "enabled" and is_in_loop and kinds[0] not in THINKING:
        yield Fault(
            message=f"messages.{last[0]}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{kinds[0]}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block "
            "(preceeding the lastmost set of `tool_use` and `tool_result` blocks)."
        )
    if mode == "disabled" and last[0] == len(messages) - 1 and set(kinds) & set(THINKING):
        yield Fault(
            message=f"messages.{last[0]}.content.0.type: When thinking is disabled, an `assistant` message in the "
            "final position cannot contain `thinking`."
        )


def image_faults(messages: list[JSON], strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of images, in messages and in results."""
    for index, message in enumerate(messages):
        for place, block in enumerate(blocks_of(message)):
            at = f"messages.{index}.content.{place}"
            inner: Any = block.get("content") if block.get("type") == "tool_result" else None
            for image in [block, *(inner if isinstance(inner, list) else ())]:
                if image.get("type") == "image":
                    yield from image_fault(image.get("source") or {}, at, strictness)


def image_fault(source: JSON, at: str, strictness: Strictness) -> Iterator[Fault]:
    if not strictness.takes_images:
        hint = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
        error = {"code": 500, "message": hint, "type": "server_error"}
        yield Fault(message=hint, status=500, body={"error": error})
        return
    if source.get("type") != "base64":
        if strictness.is_tidy:
            text = "Unable to download the file. Please verify the URL and try again."
            yield Fault(message=f"{at}.image.source.url: {text}")
        return
    data, kind = str(source.get("data", "")), str(source.get("media_type"))
    if len(data) > MAX_IMAGE_BYTES:
        yield Fault(
            message=f"{at}.image.source.base64: image exceeds 5 MB maximum: {len(data)} bytes > {MAX_IMAGE_BYTES} bytes"
        )
    try:
        start = base64.b64decode(data[:64], validate=True)
    except binascii.Error:
        yield Fault(message=f"{at}.image.source.base64.data: invalid base64 data")
        return
    if not start.startswith(MAGIC.get(kind, (b"",))):
        yield Fault(message=f"{at}.image.source.base64.data: Image does not match the provided media type {kind}")

"""The rules of the Responses API without server state, as far as a body can break them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from aether.profile import Profile
from aether.wire.base import JSON, mappings, text_of
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

PARTS = {"input_text", "input_image", "input_file", "output_text"}


def check_responses(body: JSON, profile: Profile, issued: Issued) -> Iterator[Violation]:
    """Yield every rule that the body breaks."""
    yield from check_settings("openai-responses", body, profile)
    if body.get("store") is not False:
        yield Violation("P6 nothing is stored at the service", "store")
    items = mappings(body.get("input"))
    yield from check_ends([_role(i) for i in items if i.get("role") not in ("system", "developer")])
    for number, (item, after) in enumerate(zip(items, [*items[1:], JSON()], strict=True)):
        yield from _item(item, after, f"input.{number}", profile, issued)
    calls = [i for i in items if i.get("type") == "function_call"]
    yield from check_ids([text_of(c.get("call_id")) for c in calls], "any", 64)
    yield from check_names(tool_names(body.get("tools")), [text_of(c.get("name")) for c in calls])
    yield from _pairs(items)


def _role(item: JSON) -> str:
    if text_of(item.get("type")).endswith("_output"):
        return "tool"
    return text_of(item.get("role")) or "assistant"


def _item(item: JSON, after: JSON, where: str, profile: Profile, issued: Issued) -> Iterator[Violation]:
    kind = text_of(item.get("type")) or "message"
    if item.get("id") is not None and item["id"] not in issued:
        yield Violation("T12 no item id of a stranger", where)
    if kind == "item_reference":
        yield Violation("P6 nothing is stored at the service", where)
    if kind == "reasoning":
        if item.get("encrypted_content") not in issued:
            yield Violation("T11 encrypted reasoning of this issuer alone", where)
        if not after or _role(after) != "assistant":
            yield Violation("T10 reasoning is followed by its own item", where)
    if kind == "function_call" and not is_object(item.get("arguments")):
        yield Violation("C11 arguments are an object", where)
    if kind == "message":
        if item.get("role") in ("system", "developer") and (profile.system != "any" and where != "input.0"):
            yield Violation("S3 a system text stands at the beginning", where)
        yield from _content(item.get("content"), where, profile)
    if kind == "function_call_output":
        yield from _content(item.get("output"), where, profile)


def _content(content: object, where: str, profile: Profile) -> Iterator[Violation]:
    if isinstance(content, str):
        if blank(content):
            yield Violation("M1 no blank text", where)
        return
    for part in mappings(content):
        kind = text_of(part.get("type"))
        if kind not in PARTS:
            yield Violation("M9 a part that the target knows", where)
        if kind == "input_image" and not profile.vision:
            yield Violation("I1 the target sees no images", where)
        if kind == "input_image" and not text_of(part.get("image_url")).startswith("data:"):
            yield Violation("I6 no remote image", where)
        if kind == "input_file" and not profile.files:
            yield Violation("I7 the target reads no files", where)
        if kind in ("input_text", "output_text") and blank(part.get("text")):
            yield Violation("M1 no blank text", where)


def _pairs(items: list[JSON]) -> Iterator[Violation]:
    """Check that each call has exactly one result after it, before anyone speaks."""
    open_calls: list[str] = []
    answered: Counter[str] = Counter()
    for number, item in enumerate(items):
        match item.get("type"):
            case "function_call":
                open_calls.append(text_of(item.get("call_id")))
            case "function_call_output":
                id_ = text_of(item.get("call_id"))
                answered[id_] += 1
                if id_ not in open_calls or answered[id_] > 1:
                    yield Violation("C2 a result answers an open call", f"input.{number}")
                else:
                    open_calls.remove(id_)
            case _ if open_calls and item.get("role") == "user":
                yield Violation("C1 each call is answered at once", f"input.{number}")
            case _:
                pass
    if open_calls:
        yield Violation("C1 each call is answered at once", "end")

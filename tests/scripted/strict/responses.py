"""What the Responses service refuses, in its own words (public issues, `tests/recordings`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from openai.types.responses import ResponseInputItemParam
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming as Whole
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming as Streaming
from openai.types.responses.response_input_item_param import Message
from openai.types.responses.response_output_message_param import ResponseOutputMessageParam

from tests.scripted.failures import Fault
from tests.scripted.ids import Issuer
from tests.scripted.reply import JSON
from tests.scripted.strict.chat import name_faults
from tests.scripted.strict.rules import Strictness
from tests.scripted.strict.types import mismatches, tagged
from tests.scripted.strict.words import empty_array, too_long, worded

MAX_CALL_ID = 64
PREFIXES = {"reasoning": "rs", "message": "msg", "function_call": "fc"}
ROLES = ("user", "assistant", "system", "developer")


def faults(body: JSON, strictness: Strictness, issuer: Issuer) -> Iterator[Fault]:
    """Yield why this body would be refused."""
    yield from top_level(body, strictness)
    given = body.get("input")
    if given in ("", []):
        yield empty_array("input")
    items = [i for i in given if isinstance(i, dict)] if isinstance(given, list) else []
    for index, item in enumerate(items):
        yield from shape(item, index, strictness)
        yield from own(item, index, issuer)
    yield from reasoning_bound(items, issuer)
    yield from paired(items)
    if strictness.voice == "deepseek":
        yield from contiguous(items)
    yield from ending(items, strictness)


def top_level(body: JSON, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of the settings; server-side state is for one service alone."""
    plain = body | {"input": []} if isinstance(body.get("input"), list) else body
    for mismatch in mismatches(plain, Streaming if body.get("stream") else Whole):
        yield worded(mismatch)
    for index, tool in enumerate(body.get("tools") or ()):
        if isinstance(tool, dict) and tool.get("type") == "function":
            yield from name_faults(str(tool.get("name", "")), f"tools[{index}].name")
    for key in ("temperature", "top_p"):
        if key in body and strictness.sampling == "none":
            text = f"Unsupported parameter: '{key}' is not supported with this model."
            yield Fault(message=text, param=key, code="unsupported_parameter")
    if not strictness.is_tidy:
        return
    for key in ("previous_response_id", "conversation"):
        if body.get(key) is not None:
            yield Fault(message=f"this server does not support '{key}'", param=key)
    if body.get("store") is not False:
        yield Fault(message="'store' must be false: this server keeps no responses", param="store")


def shape(item: JSON, index: int, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of one input item against the SDK's type of it."""
    at = f"input[{index}]"
    kind = item.get("type", "message" if "role" in item else None)
    kinds = tagged(ResponseInputItemParam, "type")
    if kind not in kinds:
        known = ", ".join(f"'{k}'" for k in kinds)
        text = f"Invalid value: '{kind}'. Supported values are: {known}."
        yield Fault(message=text, param=f"{at}.type" if "type" in item else at, code="invalid_value")
        return
    if kind == "item_reference" and strictness.is_tidy:
        yield Fault(message="item_reference is not supported", param=f"{at}.type")
    if kind == "message" and item.get("role") not in ROLES:
        known = ", ".join(f"'{r}'" for r in ROLES)
        text = f"Invalid value: '{item.get('role')}'. Supported values are: {known}."
        yield Fault(message=text, param=f"{at}.role", code="invalid_value")
        return
    if kind == "message":
        yield from part_types(item, at)
    typed, value = message_type(item) if kind == "message" else (kinds[kind], item)
    for mismatch in mismatches(value, typed, at=("input", index)):
        yield worded(mismatch)
    if kind == "message":
        yield from contents(item, at, strictness)
    if kind == "function_call":
        yield from name_faults(str(item.get("name", "")), f"{at}.name")


def part_types(item: JSON, at: str) -> Iterator[Fault]:
    """Yield the faults of parts that a message of this role cannot have."""
    known = (
        ("output_text", "refusal") if item.get("role") == "assistant" else ("input_text", "input_image", "input_file")
    )
    parts = item.get("content")
    for place, part in enumerate(parts if isinstance(parts, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in known:
            text = f"Invalid value: '{kind}'. Supported values are: {', '.join(repr(k) for k in known)}."
            yield Fault(message=text, param=f"{at}.content[{place}]", code="invalid_value")


def message_type(item: JSON) -> tuple[Any, JSON]:
    """Return the type that fits a message: the model's own output, an easy message, or an input message.

    The service gives an output message that comes without id and status the benefit of the doubt.
    """
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    if any(isinstance(p, dict) and p.get("type") in ("output_text", "refusal") for p in parts):
        parts = [{"annotations": []} | p if p.get("type") == "output_text" else p for p in parts]
        given = {"id": "msg_0", "status": "completed", "type": "message"} | item | {"content": parts}
        return ResponseOutputMessageParam, given
    if "status" in item:
        return Message, item
    return tagged(ResponseInputItemParam, "type")["message"], item


def contents(item: JSON, at: str, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of a message's content: nothing in it, or images that are not seen."""
    content = item.get("content")
    if content == []:
        yield empty_array(f"{at}.content")
    if strictness.is_tidy and isinstance(content, str) and not content.strip():
        yield Fault(message=f"Invalid '{at}.content': empty string.", param=f"{at}.content", code="empty_string")
    for place, part in enumerate(content if isinstance(content, list) else ()):
        if part.get("type") == "input_image" and not strictness.takes_images:
            text = "image input is not supported by this model"
            yield Fault(message=text, param=f"{at}.content[{place}]", code="unsupported_content_type")


def own(item: JSON, index: int, issuer: Issuer) -> Iterator[Fault]:
    """Yield the faults of ids and sealed reasoning that were not issued here."""
    at, kind, id_ = f"input[{index}]", item.get("type", "message"), item.get("id")
    prefix = PREFIXES.get(kind)
    if prefix and id_ is not None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(id_)):
            text = f"Invalid '{at}.id': '{id_}'. Expected an ID that contains letters, numbers, underscores, or dashes."
            yield Fault(message=text, param=f"{at}.id", code="invalid_value")
        elif not str(id_).startswith(f"{prefix}_"):
            text = f"Invalid '{at}.id': '{id_}'. Expected an ID that begins with '{prefix}'."
            yield Fault(message=text, param=f"{at}.id", code="invalid_value")
        elif not issuer.issued(id_):
            text = (
                f"Item with id '{id_}' not found. Items are not persisted when `store` is set to false. "
                "Try again with `store` set to true, or remove this item from your input."
            )
            yield Fault(message=text, status=404, param="input")
    sealed = item.get("encrypted_content")
    if kind == "reasoning" and sealed and not issuer.signed(sealed):
        text = (
            f"The encrypted content {sealed[:4]}...{sealed[-4:]} could not be verified. "
            "Reason: Encrypted content could not be decrypted or parsed."
        )
        yield Fault(message=text, code="invalid_encrypted_content")


def reasoning_bound(items: list[JSON], issuer: Issuer) -> Iterator[Fault]:
    """Yield the faults of reasoning parted from what it led to, and the other way round."""
    for index, item in enumerate(items):
        following = items[index + 1] if index + 1 < len(items) else {}
        id_ = str(item.get("id", ""))
        if item.get("type") == "reasoning":
            if following.get("type") == "reasoning":
                continue
            if not issuer.together(id_, str(following.get("id", ""))) or not following:
                text = f"Item '{id_}' of type 'reasoning' was provided without its required following item."
                yield Fault(message=text, param="input")
        elif (needed := issuer.reasoning_of(id_)) and (not index or items[index - 1].get("id") != needed):
            kind = item.get("type", "message")
            text = f"Item '{id_}' of type '{kind}' was provided without its required 'reasoning' item: '{needed}'."
            yield Fault(message=text, param="input")


def paired(items: list[JSON]) -> Iterator[Fault]:
    """Yield calls without output, outputs without call, and call ids that are too long or used twice."""
    called: dict[str, str] = {}
    answered: set[str] = set()
    for index, item in enumerate(items):
        kind, id_ = str(item.get("type")), str(item.get("call_id") or "")
        if kind.startswith("function_call"):
            yield from call_id_faults(id_, f"input[{index}].call_id")
        if kind.endswith("_call") and id_:
            if id_ in called:
                yield Fault(message=f"Duplicate function call with call_id {id_}.", param="input")
            called[id_] = kind
        if kind.endswith("_output") and id_:
            if id_ not in called or id_ in answered:
                yield Fault(message=f"No tool call found for function call output with call_id {id_}.", param="input")
            answered.add(id_)
    for id_, kind in called.items():
        # What the service runs itself needs no output from outside.
        if kind == "function_call" and id_ not in answered:
            yield Fault(message=f"No tool output found for function call {id_}.", param="input")


def call_id_faults(id_: str, at: str) -> Iterator[Fault]:
    if len(id_) > MAX_CALL_ID:
        yield too_long(at, limit=MAX_CALL_ID, length=len(id_))
    if not id_:
        yield Fault(message=f"Invalid '{at}': empty string.", param=at, code="empty_string")


def contiguous(items: list[JSON]) -> Iterator[Fault]:
    """Yield calls that are parted from their outputs by a message, which DeepSeek refuses."""
    open_ids: list[str] = []
    for item in items:
        match item.get("type", "message"):
            case "function_call":
                open_ids.append(str(item.get("call_id")))
            case "function_call_output" if (id_ := str(item.get("call_id"))) in open_ids:
                open_ids.remove(id_)
            case "message" if open_ids:
                text = f"No tool output found for tool call {open_ids[0]}."
                yield Fault(message=text, code="invalid_request_error")
            case _:
                pass


def ending(items: list[JSON], strictness: Strictness) -> Iterator[Fault]:
    """Yield the fault of an input that ends with the model's own words."""
    if items and strictness.is_tidy and items[-1].get("role") == "assistant":
        yield Fault(message="Assistant response prefill is incompatible with enable_thinking.", param="input")

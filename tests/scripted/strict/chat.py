"""What services of the Chat Completions protocol refuse, each in its own words.

The words are of OpenAI (`Invalid 'messages[1]…'`), Groq, Mistral (codes 3230 and 3280), DeepSeek
(serde), llama.cpp (its templates), as they stand in public issues and in `tests/recordings`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from openai.types.chat import ChatCompletionMessageParam
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming as Whole
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming as Streaming

from tests.scripted.failures import Fault
from tests.scripted.reply import JSON
from tests.scripted.strict.chat_order import in_order, paired
from tests.scripted.strict.rules import Strictness
from tests.scripted.strict.types import mismatches, tagged
from tests.scripted.strict.words import empty_array, llama, mistral, serde, too_long, worded

NAME = "^[a-zA-Z0-9_-]+$"
ROLES = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'"
MAX_ID = 40
MAX_NAME = 64
NEEDS_PARSER = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'


def faults(body: JSON, strictness: Strictness) -> Iterator[Fault]:
    """Yield why this body would be refused."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        yield Fault(
            message="Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter"
        )
        return
    yield from top_level(body, strictness)
    if not messages:
        yield empty_array("messages")
        return
    for index, message in enumerate(messages):
        yield from shape(message, index, strictness)
    for index, message in enumerate(messages):
        yield from content(message, index, strictness)
        yield from calls(message, index, strictness)
    yield from paired(messages, strictness)
    yield from in_order(messages, strictness)


def top_level(body: JSON, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of the settings."""
    kind = Streaming if body.get("stream") else Whole
    plain = {k: v for k, v in body.items() if k not in strictness.extra_keys}
    for mismatch in mismatches(plain | {"messages": []}, kind):
        yield worded(mismatch)
    tools = body.get("tools")
    for key in ("tool_choice", "parallel_tool_calls"):
        if key in body and not tools:
            text = f"Invalid value for '{key}': '{key}' is only allowed when 'tools' are specified."
            yield Fault(message=text, param=key)
    if tools == []:
        yield empty_array("tools")
    if tools and not strictness.takes_tools:
        yield Fault(message=NEEDS_PARSER, kind="BadRequestError")
    for index, tool in enumerate(tools or ()):
        if isinstance(tool, dict) and "function" in tool:
            yield from name_faults(tool["function"].get("name", ""), f"tools[{index}].function.name")
    if "stream_options" in body and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        yield Fault(message=text, param="stream_options")
    yield from sampling(body, strictness)


def sampling(body: JSON, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of the bound of the answer, and of temperature and top_p."""
    if "max_tokens" in body and "max_completion_tokens" in body:
        text = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        yield Fault(message=text, code="invalid_parameter_combination")
    if strictness.is_o_series and "max_tokens" in body:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        yield Fault(message=text, param="max_tokens", code="unsupported_parameter")
    for key in ("temperature", "top_p"):
        if key in body and (strictness.is_o_series or strictness.sampling == "none"):
            default = "with this model. Only the default (1) value is supported."
            text = f"Unsupported value: '{key}' does not support {body[key]} {default}"
            yield Fault(message=text, param=key, code="unsupported_value")
        elif key in body and isinstance(body[key], int | float) and not 0 <= body[key] <= 2:
            text = f"Invalid '{key}': decimal above maximum value. Expected a value <= 2, but got {body[key]} instead."
            yield Fault(message=text, param=key, code="decimal_above_max_value")


def shape(message: JSON, index: int, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of one message against the SDK's type of its role."""
    at = f"messages[{index}]"
    kinds = tagged(ChatCompletionMessageParam, "role")
    role = message.get("role")
    if role not in kinds:
        text = f"Invalid value: '{role}'. Supported values are: {ROLES}."
        yield Fault(message=text, param=f"{at}.role", code="invalid_value")
        return
    if strictness.wants_string_content and isinstance(message.get("content"), list):
        yield serde(f"{at}: invalid type: sequence, expected a string")
    plain = {k: v for k, v in message.items() if k not in strictness.extra_keys}
    yield from media(plain, at, strictness)
    for mismatch in mismatches(plain, kinds[role], at=("messages", index)):
        yield worded(mismatch, role=role, strictness=strictness)


def media(message: JSON, at: str, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of images: in a place, or for a model, that takes none."""
    parts = message.get("content")
    for place, part in enumerate(parts if isinstance(parts, list) else ()):
        if not isinstance(part, dict) or part.get("type") != "image_url":
            continue
        role = message["role"]
        if not strictness.takes_images:
            yield serde(f"{at}: unknown variant `image_url`, expected `text`")
        elif role != "user":
            text = (
                "Image URLs are only allowed for messages with role 'user', but this message with role "
                f"'{role}' contains an image URL."
            )
            yield Fault(message=text, param=f"{at}.content[{place}].image_url", code="invalid_value")


def content(message: JSON, index: int, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of contents that say nothing."""
    role, said, called = message.get("role"), message.get("content"), message.get("tool_calls")
    at = f"messages[{index}]"
    if role == "assistant" and called == []:
        yield empty_array(f"{at}.tool_calls")
    if role == "assistant" and said is None and not called and not message.get("refusal"):
        text = "Invalid value for 'content': expected a string, got null."
        yield Fault(message=text, param=f"{at}.content")
    elif role == "assistant" and strictness.is_tidy and not said and not called and not message.get("refusal"):
        yield llama("Assistant message must contain either 'content' or 'tool_calls'!")
    elif said == []:
        yield empty_array(f"{at}.content")


def calls(message: JSON, index: int, strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of tool calls: ids, names, arguments, and reasoning that must come along."""
    made = message.get("tool_calls") or ()
    if made and strictness.wants_reasoning and "reasoning_content" not in message:
        text = "The `reasoning_content` in the thinking mode must be passed back to the API."
        yield Fault(message=text, code="invalid_request_error")
    for place, call in enumerate(made):
        at = f"messages[{index}].tool_calls[{place}]"
        function = call.get("function") or {}
        yield from id_faults(call.get("id", ""), f"{at}.id", strictness)
        yield from name_faults(function.get("name", ""), f"{at}.function.name")
        if strictness.is_tidy and not is_object(function.get("arguments", "")):
            text = f"Invalid '{at}.function.arguments': expected the JSON text of an object."
            yield Fault(message=text, param=f"{at}.function.arguments", code="invalid_value")
    if message.get("role") == "tool":
        yield from id_faults(message.get("tool_call_id", ""), f"messages[{index}].tool_call_id", strictness)


def id_faults(id_: str, at: str, strictness: Strictness) -> Iterator[Fault]:
    if strictness.nine_char_ids and not re.fullmatch("[a-zA-Z0-9]{9}", id_):
        text = f"Tool call id was {id_} but must be a-z, A-Z, 0-9, with a length of 9."
        yield mistral(text, kind="invalid_function_call", code="3280")
    elif len(id_) > MAX_ID:
        yield too_long(at, limit=MAX_ID, length=len(id_))
    elif not id_:
        text = (
            f"Invalid '{at}': empty string. Expected a string with minimum length 1, but got an empty string instead."
        )
        yield Fault(message=text, param=at, code="empty_string")


def name_faults(name: str, at: str) -> Iterator[Fault]:
    if len(name) > MAX_NAME:
        yield too_long(at, limit=MAX_NAME, length=len(name))
    elif not re.fullmatch(NAME[1:-1], name):
        text = f"Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '{NAME}'."
        yield Fault(message=text, param=at, code="invalid_value")


def is_object(arguments: Any) -> bool:
    """Tell whether arguments are the JSON text of an object."""
    try:
        return isinstance(json.loads(arguments), dict)
    except (TypeError, ValueError):
        return False

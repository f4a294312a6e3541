"""Refusals in the words of OpenAI, Groq, Mistral, DeepSeek and llama.cpp."""

from __future__ import annotations

from tests.scripted.failures import Fault
from tests.scripted.strict.rules import Strictness
from tests.scripted.strict.types import Mismatch


def worded(mismatch: Mismatch, *, role: str = "", strictness: Strictness | None = None) -> Fault:
    """Put a mismatch into the words of the service."""
    at = dotted(mismatch.where)
    if mismatch.kind == "extra_forbidden":
        return unknown_key(mismatch, at, role, strictness or Strictness())
    if mismatch.kind == "missing":
        text = f"Missing required parameter: '{at}'."
        return Fault(message=text, param=at, code="missing_required_parameter")
    if mismatch.kind == "literal_error":
        wanted = mismatch.message.removeprefix("Input should be ")
        text = f"Invalid value: '{mismatch.value}'. Supported values are: {wanted}."
        return Fault(message=text, param=at, code="invalid_value")
    got = {"str": "a string", "list": "an array", "dict": "an object", "NoneType": "null"}.get(
        type(mismatch.value).__name__, f"a {type(mismatch.value).__name__}"
    )
    text = f"Invalid type for '{at}': {mismatch.message.lower()}, but got {got} instead."
    return Fault(message=text, param=at, code="invalid_type")


def unknown_key(mismatch: Mismatch, at: str, role: str, strictness: Strictness) -> Fault:
    key = mismatch.where[-1]
    if strictness.voice == "groq" and role:
        inside = f"'messages.{mismatch.where[1]}'"
        missed = f"[({inside} : property '{key}' is unsupported)]"
        return Fault(message=f"{inside} : for 'role:{role}' the following must be satisfied{missed}")
    if strictness.voice == "mistral" and role:
        detail = {
            "type": "extra_forbidden",
            "loc": ["body", "messages", mismatch.where[1], role, *mismatch.where[2:]],
            "msg": "Extra inputs are not permitted",
            "input": mismatch.value,
        }
        return Fault(message="Extra inputs are not permitted", status=422, body={"detail": [detail]})
    return Fault(message=f"Unknown parameter: '{at}'.", param=at, code="unknown_parameter")


def dotted(where: tuple[str | int, ...]) -> str:
    """Write a place as OpenAI does: `messages[1].tool_calls[0].id`."""
    return "".join(f"[{w}]" if isinstance(w, int) else f".{w}" for w in where).removeprefix(".")


def empty_array(at: str) -> Fault:
    text = f"Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    return Fault(message=text, param=at, code="empty_array")


def too_long(at: str, *, limit: int, length: int) -> Fault:
    text = (
        f"Invalid '{at}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead."
    )
    return Fault(message=text, param=at, code="string_above_max_length")


def serde(text: str) -> Fault:
    whole = f"Failed to deserialize the JSON body into the target type: {text} at line 1 column 1"
    return Fault(message=whole, code="invalid_request_error")


def mistral(text: str, *, kind: str, code: str) -> Fault:
    body = {"object": "error", "message": text, "type": kind, "param": None, "code": code}
    return Fault(message=text, kind=kind, code=code, body=body)


def llama(text: str) -> Fault:
    return Fault(message=text, body={"error": {"code": 400, "message": text, "type": "invalid_request_error"}})

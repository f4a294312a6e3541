"""The order of messages in Chat Completions: who must follow whom, and which calls are answered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tests.scripted.failures import Fault
from tests.scripted.reply import JSON
from tests.scripted.strict.rules import Strictness
from tests.scripted.strict.words import llama, mistral

ORDER = {"kind": "invalid_request_message_order", "code": "3230"}


def paired(messages: list[JSON], strictness: Strictness) -> Iterator[Fault]:
    """Yield calls without results, results without calls, and results given twice."""
    is_mistral = strictness.voice == "mistral"
    open_ids: list[str] = []
    before = ""
    for index, message in enumerate(messages):
        role = message.get("role", "")
        if role == "tool":
            id_ = message.get("tool_call_id", "")
            if id_ in open_ids:
                open_ids.remove(id_)
            elif is_mistral:
                yield mistral(f"Unexpected role 'tool' after role '{before}'", **ORDER)
            else:
                text = (
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                    "with 'tool_calls'."
                )
                yield Fault(message=text, param=f"messages.[{index}].role")
        else:
            yield from unanswered(open_ids, is_mistral=is_mistral)
            open_ids = [c.get("id", "") for c in message.get("tool_calls") or ()]
        before = role
    yield from unanswered(open_ids, is_mistral=is_mistral)


def unanswered(open_ids: list[str], *, is_mistral: bool) -> Iterator[Fault]:
    if open_ids and is_mistral:
        yield mistral("Not the same number of function calls and responses", **ORDER)
    elif open_ids:
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(open_ids)}"
        )
        yield Fault(message=text, param="messages")


def in_order(messages: list[JSON], strictness: Strictness) -> Iterator[Fault]:
    """Yield the faults of the order: systems, neighbours, ends."""
    roles = [str(m.get("role", "")) for m in messages]
    yield from system_refused(roles, strictness)
    if strictness.leads_with_system and "system" in roles[1:]:
        yield llama("System message must be at the beginning.")
    if strictness.no_user_after_tool and ("tool", "user") in pairwise(roles):
        yield mistral("Unexpected role 'user' after role 'tool'", **ORDER)
    if strictness.alternates:
        yield from alternating(messages)
    yield from ending(roles, strictness)


def system_refused(roles: list[str], strictness: Strictness) -> Iterator[Fault]:
    """Yield the fault of a system text where the model knows no such role."""
    for index, role in enumerate(roles):
        if not strictness.no_system or role not in ("system", "developer"):
            continue
        if strictness.voice == "llama":
            yield llama("System role not supported")
        at = f"messages[{index}].role"
        text = f"Unsupported value: '{at}' does not support '{role}' with this model."
        yield Fault(message=text, param=at, code="unsupported_value")


def ending(roles: list[str], strictness: Strictness) -> Iterator[Fault]:
    """Yield the fault of a last message that is not a user's or a tool's."""
    last = next((r for r in reversed(roles) if r not in ("system", "developer")), "")
    if last != "assistant":
        return
    if strictness.voice == "mistral":
        text = "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
        yield mistral(text, **ORDER)
    elif strictness.is_tidy:
        # OpenAI itself takes it; a server in thinking mode, and every one after two of them, does not.
        yield llama("Assistant response prefill is incompatible with enable_thinking.")


def alternating(messages: list[JSON]) -> Iterator[Fault]:
    """Yield the fault that the templates of Gemma and Mistral raise.

    They count users, and assistants that only talk; calls and their results stand outside.
    """
    counted = [
        m["role"]
        for m in messages
        if m.get("role") == "user" or (m.get("role") == "assistant" and not m.get("tool_calls"))
    ]
    if any(role != ("user", "assistant")[i % 2] for i, role in enumerate(counted)):
        yield llama("Conversation roles must alternate user/assistant/user/assistant/...")

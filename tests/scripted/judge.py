"""The verdict on one request: the first fault that a service would find, or none."""

from __future__ import annotations

from typing import assert_never

from tests.scripted.failures import ANTHROPIC, Fault
from tests.scripted.request import Ask
from tests.scripted.strict import chat, messages, responses
from tests.scripted.strict.size import overflow

NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys."
)


def verdict(ask: Ask) -> Fault | None:
    """Return why the service refuses the request; None where it takes it."""
    strictness = ask.strictness
    if not strictness.is_on:
        return None
    if strictness.wants_key and not ask.key:
        return missing_key(ask)
    match ask.protocol:
        case "openai-chat":
            found = chat.faults(ask.body, strictness)
        case "openai-responses":
            found = responses.faults(ask.body, strictness, ask.issuer)
        case "anthropic-messages":
            if "anthropic-version" not in ask.headers:
                return Fault(message="anthropic-version: header is required")
            found = messages.faults(ask.body, strictness, ask.issuer)
        case _:
            assert_never(ask.protocol)
    fault = next(found, None)
    return fault or overflow(ask.body, protocol=ask.protocol, strictness=strictness)


def missing_key(ask: Ask) -> Fault:
    """Return the refusal of a request that came without a key."""
    if ask.protocol == "anthropic-messages":
        return Fault(message="x-api-key header is required", status=401, kind=ANTHROPIC[401][0])
    return Fault(message=NO_KEY, status=401)

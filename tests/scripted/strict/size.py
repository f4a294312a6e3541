"""A window that is too small: every service says so in its own way."""

from __future__ import annotations

from tests.scripted.failures import Fault
from tests.scripted.reply import JSON
from tests.scripted.request import SHOWN, Protocol, strings
from tests.scripted.strict.rules import Strictness

LETTERS_PER_TOKEN = 4


def tokens_in(body: JSON) -> int:
    """Estimate the tokens of all that is shown to the model, at four letters a token."""
    return sum(len(s) for s in strings({k: v for k, v in body.items() if k in SHOWN})) // LETTERS_PER_TOKEN


def overflow(body: JSON, *, protocol: Protocol, strictness: Strictness) -> Fault | None:
    """Return why the body does not fit the window; None where it fits."""
    limit, asked = strictness.context_tokens, tokens_in(body)
    if limit is None or asked <= limit:
        return None
    if strictness.voice == "llama":
        text = f"request ({asked} tokens) exceeds the available context size ({limit} tokens), try increasing it"
        error = {"code": 400, "message": text, "type": "exceed_context_size_error"}
        return Fault(message=text, body={"error": error | {"n_prompt_tokens": asked, "n_ctx": limit}})
    if protocol == "anthropic-messages":
        return Fault(message=f"prompt is too long: {asked} tokens > {limit} maximum")
    if protocol == "openai-responses":
        text = "Your input exceeds the context window of this model. Please adjust your input and try again."
        return Fault(message=text, param="input", code="context_length_exceeded")
    text = (
        f"This model's maximum context length is {limit} tokens. However, your messages resulted in {asked} tokens. "
        "Please reduce the length of the messages."
    )
    return Fault(message=text, param="messages", code="context_length_exceeded")

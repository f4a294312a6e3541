"""What a service's error says: status, headers and body → one of our errors. Pure.

Services agree on little here, so the words they use are data: a list of patterns with
the meaning of each, seen in recorded traffic and in public issues.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aether.errors import (
    AuthError,
    BadHistoryError,
    BadRequestError,
    GarbledError,
    ModelNotFoundError,
    MovedError,
    OverloadedError,
    ProviderError,
    QuotaError,
    RateError,
    ServerError,
    TooLongError,
)
from aether.wire.base import mapping, text_of

SAID: tuple[tuple[type[ProviderError], tuple[str, ...]], ...] = (
    (QuotaError, ("insufficient_quota", "credit balance", "billing", "exceeded your current quota")),
    (OverloadedError, ("overloaded", "engine is currently", "no available capacity")),
    (AuthError, ("invalid_api_key", "api key not valid", "incorrect api key", "invalid x-api-key", "authentication")),
    (RateError, ("rate_limit",)),
    (
        TooLongError,
        (
            "context_length_exceeded",
            "exceed_context_size",
            "prompt is too long",
            "maximum context length",
            "context (window|limit)",
            "too many tokens",
            "input is too long",
            "request_too_large",
        ),
    ),
    (BadHistoryError, (r"\bitems? with id", "required following item", "without its required")),
    (
        ModelNotFoundError,
        (
            "model_not_found",
            "not_found_error",
            "model .{0,80}(does not exist|not found)",
            "(unknown|invalid) model",
            "no endpoints found",
        ),
    ),
    (
        BadHistoryError,
        (
            "signature",
            "thinking",
            "encrypted.content",
            "reasoning",
            "tool.(use|result|call)",
            "alternate",
            "must end with a user",
            r"\brole\b",
            r"\bimage",
            "mmproj",
            r"content\[\]",
            "non-empty",
            "whitespace",
            r"messages\.\d",
        ),
    ),
)
"""What a service says, as patterns, and what it means; the first that fits counts."""
STATUSES: dict[int, type[ProviderError]] = {
    401: AuthError,
    402: QuotaError,
    403: AuthError,
    404: ModelNotFoundError,
    413: TooLongError,
    429: RateError,
    503: OverloadedError,
    529: OverloadedError,
}
SENTENCES: dict[type[ProviderError], str] = {
    AuthError: "{label} refused the key.",
    QuotaError: "The account at {label} has no credit left.",
    RateError: "{label} gets too many requests just now.",
    OverloadedError: "{label} is too busy just now.",
    TooLongError: "This conversation is too long for {model}.",
    ModelNotFoundError: "{label} does not know the model {model}.",
    BadHistoryError: "{label} could not read this conversation in the form it was sent.",
    BadRequestError: "{label} refused the request.",
    ServerError: "{label} had a fault of its own.",
    MovedError: "{label} redirects to another address, and Aether follows no redirect with a key.",
    GarbledError: "{label} sent an answer that could not be read.",
}
WINDOWS = re.compile(
    r"\d{3,8} tokens > (\d{3,8})|maximum context length is (\d{3,8})|n_ctx\D{1,4}(\d{3,8})"
    r"|context limit: [\d +]{1,40}> (\d{3,8})"
)
"""Where an error names the window of the model, in tokens."""
_PICTURE = re.compile(r'"type": "(image|image_url|input_image)"')
UNABLE: dict[str, str] = {
    "vision": r"image input is not supported|mmproj|unknown variant .image_url|does not support image"
    r"|no endpoints found that support image",
    "tools": r"enable-auto-tool-choice|does not support tools|tool use is not supported|support tool use",
}
"""Words by which a service says that the model cannot take something, by field of the profile."""


def classify(
    status: int | None,
    body: object,
    *,
    label: str,
    model: str,
    headers: Mapping[str, str],
    sent: Mapping[str, object] | None = None,
) -> ProviderError:
    """Return the error that says in our words what the service said in its own; `sent` is what it was asked."""
    said = _said(body)
    kind = _kind(status, said)
    return kind(
        SENTENCES[kind].format(label=label, model=model),
        detail=said[:500],
        status=status,
        retry_after_s=retry_after(headers),
        learnt=_learnt(kind, said, sent),
    )


def _learnt(kind: type[ProviderError], said: str, sent: Mapping[str, object] | None) -> dict[str, int | bool]:
    """Return the facts about the model that the words tell, as fields of a profile.

    A service may repeat what it was sent, so that words which are in the request tell nothing; nor does a word
    about pictures or tools, where the request has none.
    """
    if kind is TooLongError:
        found = next(((m[0], int(g)) for m in WINDOWS.finditer(said) for g in m.groups() if g), None)
        return {"context_window": found[1]} if found and not _repeats(found[0], sent) else {}
    matches = {field: re.search(words, said, re.IGNORECASE) for field, words in UNABLE.items()}
    return {f: False for f, m in matches.items() if m and not _repeats(m[0], sent) and _concerns(f, sent)}


def _repeats(words: str, sent: Mapping[str, object] | None) -> bool:
    """Return whether some words are in what was sent, however they are cut, spaced or escaped."""
    return sent is not None and _bare(words) in _bare(json.dumps(sent, ensure_ascii=False, default=str))


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _concerns(field: str, sent: Mapping[str, object] | None) -> bool:
    if sent is None:
        return True
    return bool(sent.get("tools")) if field == "tools" else bool(_PICTURE.search(json.dumps(sent, default=str)))


def _kind(status: int | None, said: str) -> type[ProviderError]:
    if status is not None and 300 <= status < 400:
        return MovedError
    if status is not None and status not in (400, 404, 413, 422, 429) and status in STATUSES:
        return STATUSES[status]
    spoken = next((kind for kind, words in SAID if re.search("|".join(words), said, re.IGNORECASE)), None)
    if status == 429:
        return QuotaError if spoken is QuotaError else RateError
    if status is not None and status >= 500:
        return spoken if spoken in (OverloadedError, TooLongError, BadHistoryError) else ServerError
    if spoken is not None:
        return spoken
    if status in STATUSES:
        return STATUSES[status]
    return BadRequestError if status is not None and 400 <= status < 500 else ServerError


def _said(body: object) -> str:
    """Gather the words of an error body: type, code and message, wherever they stand."""
    root = mapping(body)
    if not root:
        return str(body or "")
    error = mapping(root.get("error")) or mapping(mapping(root.get("response")).get("error")) or root
    raw = text_of(mapping(error.get("metadata")).get("raw"))  # OpenRouter passes the words of the model's host on
    fields = [error.get("type"), error.get("code"), error.get("message") or root.get("message"), raw]
    fields += [f"{k} {v}" for k, v in error.items() if k in ("n_ctx", "n_prompt_tokens")]
    told = " ".join(str(f) for f in fields if f)
    return told or text_of(root.get("error")) or text_of(root.get("detail")) or str(root)[:500]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the service asks to wait; None if it does not say, or not clearly."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
            return float(value) * scale
    try:
        when = parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())

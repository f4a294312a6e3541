"""Foreign errors → ours, in one place: what an SDK, the network or a service said, in our words and without keys."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import httpx2

from aether.errors import GarbledError, NetworkError, ProviderError, SilenceError
from aether.llm.pool import SDKS, Budgets
from aether.text import sound, sound_json
from aether.wire import InBandError
from aether.wire.faults import classify

if TYPE_CHECKING:
    from aether.llm import LLM


def broke_off(llm: LLM, detail: str = "") -> NetworkError:
    return NetworkError(f"The answer of {llm.provider.label} broke off.", detail=detail)


def wait_before_retry(error: ProviderError, attempt: int, budgets: Budgets) -> float | None:
    """Return how long to wait before asking again; None: do not."""
    if not error.retryable or attempt >= budgets.retries:
        return None
    wait_s = error.retry_after_s if error.retry_after_s is not None else 0.4 * 3**attempt
    return wait_s if wait_s <= budgets.longest_wait_s else None


def translate(error: Exception, llm: LLM, sent: dict[str, Any] | None = None) -> ProviderError:
    """Say in our words what an SDK, the network or a service said in theirs; `sent` is what it was asked."""
    label, model, redact = llm.provider.label, llm.model.label, llm.redact
    foreign: Any = error
    # Bodies are redacted before anything is cut: half a key is not known for one.
    body = sound_json(redact.values(getattr(error, "body", None)))
    if isinstance(error, ProviderError):
        return error
    if isinstance(error, (TimeoutError, httpx2.TimeoutException, *_sdk_errors("APITimeoutError"))):
        return SilenceError(f"{label} gave no sign of life in time.")
    if isinstance(error, _sdk_errors("APIStatusError")):
        fault = classify(
            foreign.status_code, body, label=label, model=model, headers=foreign.response.headers, sent=sent
        )
    elif isinstance(error, InBandError):
        fault = classify(None, body, label=label, model=model, headers={}, sent=sent)
    elif isinstance(error, (httpx2.HTTPError, *_sdk_errors("APIConnectionError"))):
        return NetworkError(f"{label} could not be reached.", detail=sound(redact(str(error.__cause__ or error))))
    elif isinstance(error, _sdk_errors("APIError")):
        fault = classify(None, {"error": body}, label=label, model=model, headers={}, sent=sent)
    elif isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return GarbledError(f"{label} sent an answer that could not be read.")
    else:
        return ProviderError(f"{label} could not be asked.", detail=sound(redact(f"{type(error).__name__}: {error}")))
    fault.detail = redact(fault.detail)
    return fault


def _sdk_errors(name: str) -> tuple[type[Exception], ...]:
    """Return the errors of that name of the SDKs that are loaded; the others cannot have raised any."""
    found = (getattr(sys.modules.get(sdk), name, None) for sdk in sorted(set(SDKS.values())))
    return tuple(kind for kind in found if kind is not None)

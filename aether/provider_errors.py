"""The base of all errors that a person may meet, and the errors of a model's service. Used by way of `errors.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class AetherError(Exception):
    """Carry a plain sentence for the person and the next step to take."""

    kind: ClassVar[str] = "error"
    remedy: ClassVar[str] = "Try again."

    @property
    def sentence(self) -> str:
        """Say what happened and what to do next, in one line."""
        return f"{self} {self.remedy}".strip()


GAVE_UP = (408, 499, 502, 504, 520, 522, 524)
"""Statuses of a gateway whose service may have gone on with the request, and bill it."""


class ProviderError(AetherError):
    """Say that a model's service did not answer as asked.

    `retryable` tells whether the same request may be sent again before the first token;
    `retry_after_s` is the service's own word on when, in seconds; `learnt` holds fields of
    the profile that its words have told, such as `context_window` in tokens.
    """

    kind = "provider"
    remedy = "Your message is kept. Try again, or answer with another model."
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
        learnt: Mapping[str, int | bool] | None = None,
    ) -> None:
        super().__init__(message)
        self.detail = detail
        self.status = status
        self.retry_after_s = retry_after_s
        self.learnt = dict(learnt or {})
        self.unsent = False

    @property
    def not_taken(self) -> bool:
        """Return whether the service did not take the request, so that nobody pays for it.

        Only the status of a refusal says so. A gateway that gave up on its service has not taken it back
        there, and a service that answers with success has begun, whatever follows in its stream.
        """
        return self.unsent or (self.status is not None and self.status >= 400 and self.status not in GAVE_UP)


class AuthError(ProviderError):
    kind = "auth"
    remedy = "Your message is kept. Check the key, or answer with another model."


class QuotaError(ProviderError):
    kind = "quota"
    remedy = "Your message is kept. Top up the account, or answer with another model."


class RateError(ProviderError):
    kind = "rate"
    retryable = True


class OverloadedError(ProviderError):
    kind = "overloaded"
    retryable = True


class TooLongError(ProviderError):
    """Say that the conversation does not fit; `needed` and `window` in tokens, where they are known."""

    kind = "too_long"
    remedy = "Nothing is lost. Leave out the oldest exchanges, summarise them, or choose a model with a larger context."

    def __init__(self, message: str, *, needed: int | None = None, window: int | None = None, **told: Any) -> None:
        super().__init__(message, **told)
        self.needed = needed
        self.window = window if window is not None else self.learnt.get("context_window")


class BadHistoryError(ProviderError):
    kind = "bad_history"
    remedy = "Nothing is lost. Try again, or answer with another model."


class BadRequestError(ProviderError):
    kind = "bad_request"


class ModelNotFoundError(ProviderError):
    kind = "not_found"
    remedy = "Your message is kept. Choose another model."


class NetworkError(ProviderError):
    kind = "network"
    retryable = True


class SilenceError(ProviderError):
    kind = "silence"


class MovedError(ProviderError):
    kind = "moved"
    remedy = "Your message is kept. Correct the base_url of this provider, or answer with another model."


class GarbledError(ProviderError):
    kind = "garbled"


class ServerError(ProviderError):
    kind = "server"
    retryable = True

"""Every error that a person may meet, each with a plain sentence and the next step.

    AetherError
    ├── SettingError            a bad setting; stops the start with exit code 2
    ├── CatalogError            a providers file that cannot be used
    ├── SwapError               the model was not changed; the old one stays
    │   ├── UnknownProvider
    │   ├── UnknownModel
    │   ├── MissingKey
    │   ├── KeyGone             a visitor's own key is not here any more
    │   └── NotReady            known, but it cannot answer now
    ├── BusyError               a turn is already running in this session
    ├── LostSession             the process that held this session is gone
    ├── EmptyMessage            nothing to send
    ├── CellError               what is asked of a cell cannot be done
    ├── LimitError              a turn has used up what it may take; the next one goes on from there
    │   ├── StepLimit           LLM requests
    │   ├── TokenLimit          tokens
    │   ├── CostLimit           money
    │   └── TimeLimit           seconds
    ├── WorkerError             a worker process did not do what it was asked
    │   ├── WorkerTimeout       it would have taken too long
    │   ├── WorkerBusy          no worker was free in time
    │   └── WorkerFailed        it ended, or the function failed
    ├── BadKey                  what a visitor handed over can be no key
    ├── GuardError              a shared link does not allow it now
    │   ├── AllowanceError      its money or messages are used up
    │   ├── CrowdedError        no place for one more answer
    │   ├── LinkPaused          the operator has stopped it
    │   ├── TooLongHere         the conversation is longer than it takes
    │   ├── UnpricedError       nobody knows what the model costs
    │   └── UnsoundRequest      the request breaks a rule of its service, so it was not sent
    └── ProviderError           the model's service did not answer as asked
        ├── AuthError           the key was refused
        ├── QuotaError          the account has no credit left
        ├── RateError           too many requests; `retry_after_s` may tell when
        ├── OverloadedError     the service is too busy
        ├── TooLongError        the conversation does not fit the model
        ├── BadHistoryError     the service refused the shape of the conversation
        ├── BadRequestError     the service refused the request for another reason
        ├── ModelNotFoundError  the service does not know the model
        ├── NetworkError        no connection, or it broke
        ├── SilenceError        no sign of life in time
        ├── MovedError          the service redirects to another address, which is not followed
        ├── GarbledError        the service sent something that is not its protocol
        └── ServerError         the service failed

`str(error)` is safe to show: it never holds a key, a header or a foreign body. What the
service said, redacted, is in `detail`, for the log and for a folded part of the page.
This room knows no SDK: `llm/` translates foreign errors into these, once.
"""

from __future__ import annotations

from aether.provider_errors import (
    AetherError,
    AuthError,
    BadHistoryError,
    BadRequestError,
    GarbledError,
    ModelNotFoundError,
    MovedError,
    NetworkError,
    OverloadedError,
    ProviderError,
    QuotaError,
    RateError,
    ServerError,
    SilenceError,
    TooLongError,
)

__all__ = [
    "AetherError", "AllowanceError", "AuthError", "BadHistoryError", "BadKey", "BadRequestError", "BusyError",
    "CatalogError", "CellError", "CostLimit", "CrowdedError", "EmptyMessage", "GarbledError", "GuardError",
    "LimitError", "LinkPaused", "LostSession", "MissingKey", "ModelNotFoundError", "MovedError", "NetworkError",
    "NotReady", "OverloadedError", "ProviderError", "QuotaError", "RateError", "ServerError", "SettingError",
    "SilenceError", "StepLimit", "SwapError", "TimeLimit", "TokenLimit", "TooLongError", "TooLongHere",
    "UnknownModel", "UnknownProvider", "UnpricedError", "UnsoundRequest", "WorkerBusy", "WorkerError", "WorkerFailed",
    "WorkerTimeout",
]  # fmt: skip


class SettingError(AetherError):
    kind = "setting"
    remedy = ""


class CatalogError(AetherError):
    kind = "catalog"
    remedy = ""


class SwapError(AetherError):
    kind = "swap"
    remedy = "The model was not changed."


class UnknownProvider(SwapError):
    kind = "unknown_provider"


class UnknownModel(SwapError):
    kind = "unknown_model"


class MissingKey(SwapError):
    kind = "missing_key"


class KeyGone(SwapError):
    """Say that a visitor's own key is not here any more; another one does not pay without the visitor's word."""

    kind = "key_gone"
    remedy = "Your message is kept. Enter it again, or forget it to go on with this demo's own key."


class NotReady(SwapError):
    kind = "not_ready"


class BusyError(AetherError):
    kind = "busy"
    remedy = "Wait for the answer to end, or stop it."


class LostSession(AetherError):
    """Say that this process never opened the session: another one did, which ended or is out of reach."""

    kind = "lost"
    remedy = "Nothing was sent. The page opens the conversation again, with your message."

    def __init__(self) -> None:
        super().__init__("The server that this page spoke with is gone.")


class EmptyMessage(AetherError):
    kind = "empty"
    remedy = "Write something first."


class CellError(AetherError):
    kind = "cell"
    remedy = "Nothing was changed."


class LimitError(AetherError):
    kind = "limit"
    remedy = "Send “continue” to go on from here, with this model or another."


class StepLimit(LimitError):
    kind = "limit_steps"


class TokenLimit(LimitError):
    kind = "limit_tokens"


class CostLimit(LimitError):
    kind = "limit_cost"


class TimeLimit(LimitError):
    kind = "limit_time"


class WorkerError(AetherError):
    kind = "worker"


class WorkerTimeout(WorkerError):
    kind = "worker_timeout"
    remedy = "Try a smaller one."

    def __init__(self, message: str = "This takes too long to read.") -> None:
        super().__init__(message)


class WorkerBusy(WorkerError):
    kind = "worker_busy"
    remedy = "Try again in a minute."

    def __init__(self, message: str = "Too much is being read at once.") -> None:
        super().__init__(message)


class WorkerFailed(WorkerError):
    kind = "worker_failed"
    remedy = "Try a smaller one."

    def __init__(self, message: str = "This cannot be read.") -> None:
        super().__init__(message)


class BadKey(AetherError):
    kind = "bad_key"


class GuardError(AetherError):
    kind = "guard"


class AllowanceError(GuardError):
    kind = "allowance"
    remedy = "Your message is kept. Go on with a key of your own, or with the local model."


class CrowdedError(GuardError):
    kind = "crowded"
    remedy = "Your message is kept. Try again in a minute."


class LinkPaused(GuardError):
    kind = "paused"
    remedy = "Your message is kept. Come back later."


class TooLongHere(GuardError):
    kind = "too_long"
    remedy = "Nothing is lost. Start a new conversation."


class UnpricedError(GuardError):
    kind = "unpriced"
    remedy = "Your message is kept. Answer with another model."


class UnsoundRequest(GuardError):
    kind = "unsound_request"
    remedy = "Your message is kept. Answer with another model, or start a new conversation."

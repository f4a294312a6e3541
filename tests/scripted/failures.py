"""What a refusal looks like: the error bodies of each protocol, and of servers that speak in their own way.

Source of the shapes: the `*.error.*` files of `tests/recordings`, and the vendors' published
error pages. Nothing here decides whether to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from tests.scripted.ids import Issuer
from tests.scripted.reply import JSON, Reply
from tests.scripted.request import Protocol

OPENAI: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "Your request was malformed or is missing some required parameters."),
    401: (
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided: sk-scrip**********key. "
        "You can find your API key at https://platform.openai.com/account/api-keys.",
    ),
    402: ("insufficient_quota", "insufficient_quota", "Insufficient Balance"),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
    ),
    413: ("invalid_request_error", None, "Request entity too large"),
    429: (
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached for {model} in organization org-scripted on requests per min (RPM): "
        "Limit 3, Used 3, Requested 1. Please try again in 20s.",
    ),
    500: (
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that! You can retry your request.",
    ),
    502: ("server_error", None, "Bad gateway."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later"),
    504: ("server_error", None, "The server took too long to answer."),
    529: ("server_error", None, "Overloaded"),
}
QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. "
    "For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
)
ANTHROPIC: dict[int, tuple[str, str]] = {
    400: ("invalid_request_error", "Invalid request."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low to access the Anthropic API."),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "model: {model}"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
    500: ("api_error", "Internal server error"),
    503: ("api_error", "Service unavailable"),
    504: ("timeout_error", "The request timed out while processing."),
    529: ("overloaded_error", "Overloaded"),
}
LOW_CREDIT = (
    "Your credit balance is too low to access the Anthropic API. "
    "Please go to Plans & Billing to upgrade or purchase credits."
)
HTML = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
    "<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a request is refused. `body` stands for the whole error body where a server has its own shape."""

    message: str
    status: int = 400
    kind: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    body: JSON | None = None


def refusal(fault: Fault, *, protocol: Protocol, issuer: Issuer) -> Reply:
    """Return the fault as that protocol's error."""
    return Reply(status=fault.status, body=fault.body or error_body(fault, protocol=protocol, issuer=issuer))


def error_body(fault: Fault, *, protocol: Protocol, issuer: Issuer) -> JSON:
    """Return the body of an error: OpenAI's four keys, or Anthropic's envelope with a request id."""
    match protocol:
        case "openai-chat" | "openai-responses":
            error = {"message": fault.message, "type": fault.kind, "param": fault.param, "code": fault.code}
            return {"error": error}
        case "anthropic-messages":
            inner = {"type": fault.kind, "message": fault.message}
            return {"type": "error", "error": inner, "request_id": issuer.mint("req_01", 22)}
        case _:
            assert_never(protocol)


def failure(status: int, *, protocol: Protocol, model: str, issuer: Issuer, retry_after: str = "") -> Reply:
    """Return what that protocol's service answers with this status."""
    headers = {"retry-after": retry_after} if retry_after else {}
    if protocol == "anthropic-messages":
        kind, message = ANTHROPIC.get(status, ANTHROPIC[500 if status >= 500 else 400])
        fault = Fault(message=message.format(model=model), status=status, kind=kind)
    else:
        kind, code, message = OPENAI.get(status, OPENAI[500 if status >= 500 else 400])
        param = "model" if status == 404 else None
        fault = Fault(message=message.format(model=model), status=status, kind=kind, code=code, param=param)
    return Reply(status=status, headers=headers, body=error_body(fault, protocol=protocol, issuer=issuer))


def no_credit(*, protocol: Protocol, issuer: Issuer) -> Reply:
    """Return the answer to an account without credit: 429 with OpenAI, 400 with Anthropic."""
    if protocol == "anthropic-messages":
        return refusal(Fault(message=LOW_CREDIT), protocol=protocol, issuer=issuer)
    fault = Fault(message=QUOTA, status=429, kind="insufficient_quota", code="insufficient_quota")
    return refusal(fault, protocol=protocol, issuer=issuer)


def echoed_key(key: str, *, protocol: Protocol, issuer: Issuer) -> Reply:
    """Return a 401 whose body repeats the whole key, as careless proxies do."""
    kind = "authentication_error" if protocol == "anthropic-messages" else "invalid_request_error"
    fault = Fault(message=f"Incorrect API key provided: {key}.", status=401, kind=kind, code="invalid_api_key")
    return refusal(fault, protocol=protocol, issuer=issuer)


def html_page(status: int) -> Reply:
    """Return an error page of a proxy that knows nothing of the protocol."""
    titles = {200: "Welcome", 403: "403 Forbidden", 502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable"}
    page = HTML.format(title=titles.get(status, f"{status} Error"))
    return Reply(status=status, raw=page.encode(), headers={"content-type": "text/html"})

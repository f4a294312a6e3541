"""What the gate itself answers: a sentence, as a page to a browser and as JSON to a program; and cookies."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response

DAYS_30 = 30 * 24 * 3600
Page = Callable[[str], str]
"""Makes the page that says a sentence."""


class Refused(Exception):
    """Carry the answer to a request that may not pass."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.answer = JSONResponse({"error": sentence, "detail": sentence}, status_code=status, headers=NO_STORE)


NO_STORE = {"Cache-Control": "no-store"}


def refuse(headers: Headers, status: int, sentence: str, *, page: Page) -> Response:
    """Return the answer that says `sentence`: in a page where a browser shows it, else in JSON."""
    if "text/html" in headers.get("accept", ""):
        return HTMLResponse(page(sentence), status_code=status, headers=NO_STORE)
    return Refused(status, sentence).answer


def cookie(headers: Headers, name: str) -> str:
    """Return the value of a cookie; empty if it is not there or cannot be read."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def set_cookie(name: str, value: str, *, secure: bool) -> bytes:
    """Return a Set-Cookie header's value: for this host alone, out of reach of scripts and of other sites."""
    end = "; Secure" if secure else ""
    return f"{name}={value}; Path=/; Max-Age={DAYS_30}; HttpOnly; SameSite=Lax{end}".encode()

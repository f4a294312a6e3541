"""What the gate itself answers: a sentence, as a page to a browser and as JSON to a program; and cookies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def cookie_name(name: str, *, secure: bool) -> str:
    """Return a cookie's full name: under HTTPS with the prefix that no other host, nor plain HTTP, can set."""
    return f"__Host-{name}" if secure else name


def cookie(headers: Headers, name: str, *, secure: bool) -> str:
    """Return the value of our cookie `name`; empty if it is not there. Under HTTPS a name without prefix is not ours.

    Another application's cookie, in whatever form it is, hides none of ours.
    """
    wanted, value = cookie_name(name, secure=secure), ""
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            key, _, text = pair.partition("=")
            value = text.strip() if key.strip() == wanted else value
    return value


def set_cookie(name: str, value: str, *, secure: bool) -> bytes:
    """Return a Set-Cookie header's value: for this host alone, out of reach of scripts and of other sites."""
    end = "; Secure" if secure else ""
    full = cookie_name(name, secure=secure)
    return f"{full}={value}; Path=/; Max-Age={DAYS_30}; HttpOnly; SameSite=Lax{end}".encode()


def with_cookie(headers: Sequence[tuple[bytes, bytes]], set_cookie: bytes) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with a cookie in them, which no cache may give to another visitor."""
    rest = [(key, value) for key, value in headers if key.lower() not in (b"cache-control", b"vary")]
    varied = [value for key, value in headers if key.lower() == b"vary"]
    private = [(b"cache-control", b"no-store"), (b"vary", b", ".join([*varied, b"Cookie"]))]
    return [*rest, *private, (b"set-cookie", set_cookie)]

"""The link token: it comes in the link once, becomes a cookie, and leaves the address bar.

The cookie holds a digest of the token, so that the token itself is kept in no browser.
A program sends the token as the header `X-Aether-Token`. Comparisons take constant time.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from aether.gate.answers import NO_STORE, Page, cookie, refuse, set_cookie, with_cookie
from aether.secret import Secret

COOKIE = "aether_link"
HEADER = "x-aether-token"
OPEN = ("/healthz", "/robots.txt", "/favicon.ico", "/metrics")
"""Routes that say nothing and need no token, and the operator's numbers, which have a lock of their own."""
NEEDED = "This link needs its token. Ask whoever gave you the address for the whole link."


class Link:
    """The lock of a shared link; without a token it stands open."""

    def __init__(self, token: Secret | None, *, page: Page) -> None:
        self._token = token.reveal() if token else ""
        self._page = page
        self._digest = sha256(f"aether-link:{self._token}".encode()).hexdigest()

    def answer(self, scope: Scope, headers: Headers, *, secure: bool) -> Response | None:
        """Return the answer to a request that has no key, or that has just brought it; None lets it pass."""
        if not self._token:
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        brought = [value for name, value in query if name == "token"]
        if brought and scope["method"] == "GET":
            if not _equal(brought[-1], self._token):
                return refuse(headers, 401, NEEDED, page=self._page)
            rest = urlencode([(k, v) for k, v in query if k != "token"])
            # One slash: `//name` would be an address elsewhere.
            where = "/" + re.sub(r"^[/\\]+", "", scope["path"]) + (f"?{rest}" if rest else "")
            answer = RedirectResponse(where, status_code=303, headers=NO_STORE)
            answer.raw_headers = with_cookie(answer.raw_headers, set_cookie(COOKIE, self._digest, secure=secure))
            return answer
        if scope["path"] in OPEN or self._has_key(headers, secure=secure):
            return None
        return refuse(headers, 401, NEEDED, page=self._page)

    def is_guess(self, scope: Scope, headers: Headers) -> bool:
        """Return whether a request that was refused has brought a token or a cookie of ours."""
        names = {name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)}
        return "token" in names or HEADER in headers or COOKIE in headers.get("cookie", "")

    def _has_key(self, headers: Headers, *, secure: bool) -> bool:
        # The name without prefix is taken as well: who sets its value has the link, and the cookie names nobody.
        values = [cookie(headers, COOKIE, secure=prefixed) for prefixed in {secure, False}]
        return _equal(headers.get(HEADER, ""), self._token) or any(_equal(value, self._digest) for value in values)


def _equal(given: str, right: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), right.encode())

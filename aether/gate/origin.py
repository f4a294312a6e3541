"""Where a request says it comes from and goes to: Host and Origin.

A page elsewhere must not act through a visitor's browser, and a name that a stranger points
at this machine must not open it. What proxies say of themselves (`X-Forwarded-…`) is dropped:
the one public address is the operator's setting.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from aether.gate.answers import Page, refuse
from aether.settings import Settings

UNTRUSTED = (b"forwarded", b"x-forwarded", b"x-real-ip", b"x-client-ip", b"x-original", b"x-rewrite")
UNKNOWN_NAME = "Aether does not know itself by this name. Its operator can set AETHER_PUBLIC_URL."
FOREIGN = "This request came from another site."
PORTS = {"http": 80, "https": 443}


@dataclass
class Public:
    """The address under which visitors reach a shared link; a tunnel's is known only once it is open."""

    url: str = ""


class Place:
    """Know the names under which this server may be addressed."""

    def __init__(self, settings: Settings, public: Public, *, page: Page) -> None:
        self._settings = settings
        self._public = public
        self._page = page

    def cleaned(self, scope: Scope) -> Scope:
        """Return the scope without what a stranger could have written into it."""
        kept = [(k, v) for k, v in scope["headers"] if not k.lower().startswith(UNTRUSTED)]
        clean = {**scope, "headers": kept, "root_path": ""}
        if self.secure(clean):
            clean["scheme"] = "https"
        return clean

    def secure(self, scope: Scope) -> bool:
        """Tell whether the visitor's browser speaks HTTPS with the public address."""
        public = urlsplit(self._public.url)
        host = Headers(scope=scope).get("host", "")
        return scope["scheme"] == "https" or (public.scheme == "https" and _name(host) == public.hostname)

    def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request with a wrong Host or Origin; None for a right one."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(_name(hosts[0])):
            return refuse(headers, 421, UNKNOWN_NAME, page=self._page)
        origin = headers.get("origin")
        if origin is not None and not _same(origin, hosts[0], scope["scheme"]):
            return refuse(headers, 403, FOREIGN, page=self._page)
        cross_site = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if cross_site and headers.get("sec-fetch-mode") != "navigate":
            return refuse(headers, 403, FOREIGN, page=self._page)
        return None

    def _is_ours(self, name: str) -> bool:
        """Tell whether a host's name is ours. A number can be pointed nowhere else, so it is safe on a locked link."""
        if name in ("localhost", self._settings.host, urlsplit(self._public.url).hostname):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._settings.share.on


def is_private(scope: Scope) -> bool:
    """Return whether nobody on the way can read a cleaned request: it came over HTTPS, or from this machine itself."""
    name = _name(Headers(scope=scope).get("host", ""))
    try:
        return scope["scheme"] == "https" or name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """Return the name in a Host header, in small letters and without port and trailing dot; empty for a bad one."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    clean = parts.hostname or ""
    return "" if "@" in host or "/" in host or "\\" in host else clean.rstrip(".")


def _same(origin: str, host: str, scheme: str) -> bool:
    """Tell whether an Origin is this server. Behind a proxy its scheme may be another than ours."""
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"//{host}")
        their_port = theirs.port or PORTS.get(theirs.scheme)
        our_port = ours.port or PORTS.get(theirs.scheme, PORTS[scheme])
    except (ValueError, KeyError):
        return False
    return theirs.scheme in PORTS and theirs.hostname == ours.hostname and their_port == our_port

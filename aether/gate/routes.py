"""The routes that the page and its programs need; all others are not there.

Gradio brings many more: deep links, a fetcher, recorders, monitors. And where one of ours
names a session, the name is made the visitor's own before anything behind the gate sees it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope

from aether import visitors
from aether.gate import body, files
from aether.gate.answers import NO_STORE, Refused
from aether.text import sound

NAME = r"[A-Za-z0-9_.-]{1,80}"
ROUTES: dict[str, tuple[str, ...]] = {
    "GET": (
        r"/", r"/config/?", r"/theme\.css", r"/favicon\.ico", r"/robots\.txt", r"/manifest\.json",
        rf"/pwa_icon(/{NAME})?", r"/(assets|static|svelte|ui)/.{1,300}", r"/healthz", r"/metrics",
        r"/api/.{1,200}", r"/operator(/.{0,200})?",
        r"/gradio_api/(app_id|info/?|startup-events|theme\.css|upload_progress|queue/data)",
        rf"/gradio_api/heartbeat/{NAME}", rf"/gradio_api/call/{NAME}/{NAME}",
        # A file that the page showed or made; never an address to fetch (`file=http…`).
        r"/gradio_api/file=/.{1,1000}",
    ),
    "POST": (
        r"/api/.{1,200}", r"/operator(/.{0,200})?", r"/gradio_api/(queue/join|cancel|reset/?|upload)",
        rf"/gradio_api/(run|api|call)/{NAME}/?",
    ),
    "DELETE": (r"/api/.{1,200}",),
}  # fmt: skip
_KNOWN = {method: re.compile("|".join(patterns)) for method, patterns in ROUTES.items()}
_SESSION_BODY = re.compile(rf"/gradio_api/(queue/join|cancel|reset/?|(run|api|call)/{NAME}/?)")
_STARTS = re.compile(rf"/gradio_api/((run|api|call)/{NAME}/?|queue/join)")
_HEARTBEAT = re.compile(rf"(/gradio_api/heartbeat/)({NAME})")


def refusal(scope: Scope) -> Response | None:
    """Return 404 for a route that is not there; None for one that is."""
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    if method in _KNOWN and _KNOWN[method].fullmatch(scope["path"]) and not _climbs(scope["path"]):
        return None
    return JSONResponse({"detail": "Not Found"}, status_code=404, headers=NO_STORE)


def _climbs(path: str) -> bool:
    return any(part in ("..", ".") for part in re.split(r"[/\\]", path)) or "\0" in path


async def own(
    scope: Scope, receive: Receive, cookie: str, *, uploads: Path, begin: Callable[[str], Awaitable[None]]
) -> tuple[Scope, Receive, str]:
    """Return the request with its session made the visitor's own, and that session where the request listens to it.

    `begin` is told the session of an event that is about to begin, and may refuse it.
    """
    path = scope["path"]
    if found := _HEARTBEAT.fullmatch(path):
        session = visitors.own_session(cookie, found[2])
        path = found[1] + session
        return {**scope, "path": path, "raw_path": path.encode()}, receive, session
    if path == "/gradio_api/queue/data":
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        session = visitors.own_session(cookie, query.get("session_hash", ""))
        return {**scope, "query_string": urlencode({**query, "session_hash": session}).encode()}, receive, session
    if scope["method"] == "POST" and _SESSION_BODY.fullmatch(path):
        starts = bool(_STARTS.fullmatch(path))
        data, session = _owned(await body.whole(receive), cookie, starts=starts, uploads=uploads)
        if starts:
            await begin(session)
        headers = [(k, v) for k, v in scope["headers"] if k.lower() not in (b"content-length", b"transfer-encoding")]
        headers.append((b"content-length", str(len(data)).encode()))
        return {**scope, "headers": headers}, body.replay(data, receive), ""
    return scope, receive, ""


def _owned(data: bytes, cookie: str, *, starts: bool, uploads: Path) -> tuple[bytes, str]:
    """Return a JSON body, written anew, and its session: nobody behind the gate can read another in it."""
    try:
        given: object = json.loads(data, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Refused(400, "The request's body is not JSON.") from None
    if not isinstance(given, dict):
        raise Refused(400, "The request's body must be a JSON object.")
    values = cast(dict[str, Any], given)
    if files.is_foreign(values, uploads):
        raise Refused(400, "A file must be handed in before it is used.")
    session = values.get("session_hash")
    if session is None and starts:
        session = visitors.new_session()  # a call without a session gets one of its own
    if session is not None:
        if not isinstance(session, str) or not 1 <= len(session) <= 200:
            raise Refused(400, "The session must be a short text.")
        values["session_hash"] = visitors.own_session(cookie, session)
    try:
        written = sound(json.dumps(values, ensure_ascii=False, allow_nan=False))  # no halves of characters
        return written.encode(), str(values.get("session_hash"))
    except (RecursionError, ValueError):
        raise Refused(400, "The request's body is not JSON.") from None


def _no_number(word: str) -> None:
    """Return None for NaN and infinity, which are no JSON: an endpoint answers a missing value in a sentence."""


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None

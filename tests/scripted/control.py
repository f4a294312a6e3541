"""What a test in another process asks: `/_log`, `/_last`, `/_state`, `/_script`, `/_release`. On no record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Protocol

from tests.scripted.http1 import Connection, Request, parsed
from tests.scripted.log import Exchange, Log
from tests.scripted.reply import JSON, Reply


class Controlled(Protocol):
    """What can be asked of a server."""

    log: Log

    @property
    def requests(self) -> list[Exchange]: ...

    def script(self, model: str, replies: Iterable[Reply]) -> None: ...

    def release(self, streams: int = 1) -> None: ...


def serve_control(server: Controlled, connection: Connection, request: Request) -> None:
    """Answer one request for a control with JSON; 400 says what is wrong with it."""
    status, answer = 200, None
    try:
        answer = control(server, request.method, request.path, parsed(request.body) or {})
    except (KeyError, TypeError, ValueError) as error:
        status, answer = 400, {"error": f"{request.method} {request.path}: {error!r}"}
    data = json.dumps(answer).encode()
    connection.head(status, {"content-type": "application/json"}, length=len(data))
    connection.body(data)


def control(server: Controlled, method: str, path: str, given: JSON) -> Any:
    """Do what is asked; raises KeyError for an unknown control, TypeError for a bad reply."""
    match method, path:
        case "GET", "/_log":
            return [e.to_dict() for e in server.requests]
        case "GET", "/_last":
            return [e for e in server.requests if e.is_answer][-1].to_dict()
        case "GET", "/_state":
            return server.log.state()
        case "POST", "/_script":
            return server.script(given["model"], [Reply.from_dict(r) for r in given["replies"]])
        case "POST", "/_release":
            return server.release(int(given.get("streams", 1)))
        case _:
            raise KeyError(path)

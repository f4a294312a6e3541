"""How much a request may bring: counted as it comes, whatever its headers say."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from aether.gate.answers import Refused

JSON_BYTES = 1_000_000
UPLOAD_BYTES = 42_000_000
"""A request that hands in files: four of the largest that are taken."""
UPLOADS = ("/gradio_api/upload",)
TOO_LARGE = "This is more than Aether takes at once."
JSON_S, UPLOAD_S = 30.0, 300.0
"""Seconds that a body may take to arrive."""
TOO_SLOW = "The request took too long to arrive."


def is_upload(scope: Scope) -> bool:
    """Tell whether a request hands in files."""
    return scope["method"] == "POST" and scope["path"].rstrip("/") in UPLOADS


def announced(scope: Scope) -> int:
    """Return how long a request says that its body is; raise Refused for what says at once that it is too large."""
    said = Headers(scope=scope).get("content-length", "0")
    limit = UPLOAD_BYTES if is_upload(scope) else JSON_BYTES
    if not said.isascii() or not said.isdigit() or int(said[:15]) > limit or len(said) > 15:
        raise Refused(413, TOO_LARGE)
    return int(said)


def limited(scope: Scope, receive: Receive, *, json_s: float = JSON_S) -> Receive:
    """Return `receive`, bounded in bytes and in time until the body is there."""
    limit, patience_s = (UPLOAD_BYTES, UPLOAD_S) if is_upload(scope) else (JSON_BYTES, json_s)
    taken, is_whole, until = 0, False, asyncio.get_running_loop().time() + patience_s

    async def receiving() -> Message:
        nonlocal taken, is_whole
        try:
            async with asyncio.timeout_at(None if is_whole else until):
                message = await receive()
        except TimeoutError:
            raise Refused(408, TOO_SLOW) from None
        taken += len(message.get("body", b""))
        is_whole = is_whole or not message.get("more_body", False)
        if taken > limit:
            raise Refused(413, TOO_LARGE)
        return message

    return receiving


async def whole(receive: Receive) -> bytes:
    """Return the whole body; raise Refused if it is too large, or if the other side has left."""
    data = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request broke off.")
        data += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(data)


def replay(data: bytes, receive: Receive) -> Receive:
    """Return a `receive` that hands out `data`, and then what comes after it."""
    sent = False

    async def receiving() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": data, "more_body": False}

    return receiving

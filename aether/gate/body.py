"""How much a request may bring: counted as it comes, whatever its headers say."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from aether.gate.answers import Refused

JSON_BYTES = 1_000_000
UPLOAD_BYTES = 42_000_000
"""A request that hands in files: four of the largest that are taken."""
UPLOADS = ("/gradio_api/upload",)
TOO_LARGE = "This is more than Aether takes at once."


async def limited(scope: Scope, receive: Receive) -> Receive:
    """Return `receive`, bounded; raise Refused for what says at once that it is too large."""
    limit = UPLOAD_BYTES if scope["path"].rstrip("/") in UPLOADS else JSON_BYTES
    said = Headers(scope=scope).get("content-length", "0")
    if not said.isascii() or not said.isdigit() or int(said[:15]) > limit or len(said) > 15:
        raise Refused(413, TOO_LARGE)
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
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

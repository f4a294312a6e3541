"""The HTTP routes of a visitor's conversations: the list, a change, a snapshot; and how the server does.

The gate has told who asks, in a header that nobody else can set. What is not there and what
is another visitor's get one and the same answer.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field, StrictBool, StrictStr, ValidationError
from starlette.responses import JSONResponse, Response

from aether import visitors
from aether.bounds import SEARCH_CHARS, TITLE_CHARS
from aether.errors import GuardError
from aether.gate.pulse import Pulse
from aether.services import Services
from aether.store.conversations import NotFound, StoreError
from aether.store.listing import PAGE, Wanted
from aether.store.shares import Shares

NO_STORE = {"Cache-Control": "no-store"}
WHOLE_LOOKS, WHOLE_S = 15, 0.2
"""How often, and after how many seconds each, a snapshot waits for a conversation that is being saved."""
Answer = Callable[[str], Awaitable[Any]]


class Change(BaseModel):
    """What a visitor wants changed of a conversation; what is left out stays."""

    title: StrictStr | None = Field(None, max_length=TITLE_CHARS)
    pinned: StrictBool | None = None
    deleted: StrictBool | None = None


def add_routes(app: FastAPI, services: Services) -> None:
    """Serve the conversations."""
    store, shares = services.store, Shares(services.store)

    _add_signs(app, services)

    @app.get("/api/conversations")
    async def browse(request: Request, q: str = "", after: str = "") -> Response:  # pyright: ignore[reportUnusedFunction]
        async def page(owner: str) -> dict[str, Any]:
            entries = await store.run(lambda: store.browse(owner, Wanted(q[:SEARCH_CHARS], after[:100])), owner=owner)
            return {
                "entries": [asdict(entry) for entry in entries],
                "after": entries[-1].after if len(entries) >= PAGE else "",
            }

        return await _answered(request, page)

    @app.post("/api/conversations/{id_}")
    async def change(request: Request, id_: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        async def changed(owner: str) -> dict[str, Any]:
            wanted = Change.model_validate_json(await request.body())
            return asdict(await store.run(partial(store.change, owner, id_, **wanted.model_dump()), owner=owner))

        return await _answered(request, changed)

    @app.post("/api/conversations/{id_}/share")
    async def share(request: Request, id_: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        async def shared(owner: str) -> dict[str, Any]:
            await services.quota.admit(owner, 0)
            for _ in range(WHOLE_LOOKS):  # a long conversation may still be on its way into the store
                if not await store.run(lambda: store.load(owner, id_).is_held, owner=owner):
                    break
                await asyncio.sleep(WHOLE_S)
            return {"share": await store.run(lambda: shares.share(owner, id_), owner=owner)}

        return await _answered(request, shared)

    @app.delete("/api/conversations/{id_}/share")
    async def revoke(request: Request, id_: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        async def revoked(owner: str) -> dict[str, Any]:
            await store.run(lambda: shares.revoke(owner, id_), owner=owner)
            return {"share": ""}

        return await _answered(request, revoked)


def _add_signs(app: FastAPI, services: Services) -> None:
    """Serve the signs of life: for a proxy, and for a page that asks whether its server is still the same."""
    store, process, pulse = services.store, secrets.token_hex(8), Pulse(services.store.check)

    @app.get("/healthz")
    async def healthz() -> Response:  # pyright: ignore[reportUnusedFunction]
        if not await pulse.beats():
            return JSONResponse({"status": "the store does not answer"}, 503, NO_STORE)
        return JSONResponse({"status": "ok"}, 200, NO_STORE)

    @app.get("/api/alive")
    async def alive() -> Response:  # pyright: ignore[reportUnusedFunction]
        # A page whose server is another than the one that it began with has lost its session.
        return JSONResponse({"process": process, "notice": store.notice}, 200, NO_STORE)


async def _answered(request: Request, answer: Answer) -> Response:
    """Answer a visitor. One answer for all that is not there, or not his."""
    try:
        return JSONResponse(await answer(request.headers.get(visitors.HEADER, "")), 200, NO_STORE)
    except NotFound:
        return JSONResponse({"detail": "Not Found"}, 404, NO_STORE)
    except ValidationError:
        return JSONResponse({"detail": "That cannot be changed so."}, 400, NO_STORE)
    except GuardError as error:
        return JSONResponse({"detail": error.sentence}, 507, NO_STORE)
    except StoreError as error:
        return JSONResponse({"detail": error.sentence}, 503, NO_STORE)

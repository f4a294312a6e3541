"""The routes beside the page for visitors and the operator: own keys, what is left, numbers, the operator's page."""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
from collections.abc import Collection
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from aether import metrics, visitors
from aether.catalog import Provider
from aether.errors import AetherError, BadKey, CrowdedError
from aether.gate.answers import refuse
from aether.gate.guesses import Guesses
from aether.gate.origin import is_private
from aether.guard.allowance import LINK
from aether.secret import Secret
from aether.services import Services
from aether.store.ledger import NANO
from aether.ui import operator, refusal
from aether.ui.guard import who_of

NO_STORE = {"Cache-Control": "no-store"}
OPERATOR_ONLY = "This page is the operator's. Its password is the operator's token."
PLAIN_HTTP = "Others could read your key on its way, because this page came over plain HTTP. Use HTTPS for it."
NO_NUMBERS = "The numbers are the operator's. AETHER_OPERATOR_TOKEN opens them."
NO_OPERATOR = "There is no operator's page here. AETHER_OPERATOR_TOKEN makes one."


def add_doors(app: FastAPI, services: Services) -> None:
    """Add the routes."""
    _add_keys(app, services)
    lock = OperatorLock(services.settings.share.operator_token)
    _add_numbers(app, services, lock)
    _add_operator(app, services, lock)


def _add_keys(app: FastAPI, services: Services) -> None:
    @app.post("/api/key")
    async def put(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        # Read by hand: a checker's refusal would repeat what was sent.
        try:
            given: Any = await request.json()
            name, key = given["provider"], given["key"]
            provider = services.catalog.provider(name)
            _take_key(services, request, provider, key)
        except AetherError as error:
            return _said(400, str(error))
        except (ValueError, TypeError, KeyError, RecursionError):
            return _said(400, 'Send {"provider": …, "key": …} as JSON.')
        return _wanting(services, request, add={provider.name})

    @app.delete("/api/key/{provider}")
    async def drop(provider: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        services.keyring.release(_visitor(request), provider)  # the visitor's word that the operator's key may be used
        return _wanting(services, request, remove={provider})

    @app.get("/api/allowance")
    async def allowance(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        who, guard = who_of(request.headers), services.guard
        try:
            rest = await guard.rest(who) if guard is not None else None
        except CrowdedError as error:
            return _said(503, str(error))
        takers = [p for p in services.catalog.providers if p.own_keys and services.settings.share.own_keys]
        here = services.keyring.names(who.visitor)
        told = {
            "shared": services.settings.share.on,
            "turns": rest.turns if rest else None,
            "usd": rest.usd if rest else None,
            "paused": bool(rest and rest.paused),
            "own_keys": here,
            "gone_keys": sorted((who.own_keys | services.keyring.wanted(who.visitor)) - {*here}),
            "own_keys_refused": "" if is_private(request.scope) else PLAIN_HTTP,
            "providers": [{"name": p.name, "label": p.label} for p in takers],
            "uncounted": _uncounted(services),
        }
        return JSONResponse(told, headers=NO_STORE)


def _take_key(services: Services, request: Request, provider: Provider, key: object) -> None:
    """Keep a visitor's key; raise BadKey where it may not be taken."""
    if not services.settings.share.own_keys or not provider.own_keys:
        raise BadKey(f"{provider.label} takes no key of yours here.")
    if not is_private(request.scope):
        raise BadKey(PLAIN_HTTP)
    services.keyring.put(_visitor(request), provider.name, key)


def _uncounted(services: Services) -> dict[str, str] | None:
    """Return the model that answers when all is used up: one on this machine; None if there is none."""
    catalog = services.catalog
    ready = (p for p in catalog.providers if p.local and catalog.readiness(p.name).ready)
    found = ((p, m) for p in ready for m in catalog.models(p.name))
    return next(({"reference": f"{p.name}/{m.id}", "label": m.label or m.id} for p, m in found), None)


def _wanting(
    services: Services, request: Request, *, add: Collection[str] = (), remove: Collection[str] = ()
) -> Response:
    """Return an empty answer by which the visitor's browser remembers for what providers it wants a key of its own."""
    who = who_of(request.headers)
    wanted = (who.own_keys | services.keyring.wanted(who.visitor) | {*add}) - {*remove}
    return Response(status_code=204, headers=NO_STORE | {visitors.OWN_KEYS: visitors.listed(wanted)})


def _add_numbers(app: FastAPI, services: Services, lock: OperatorLock) -> None:
    @app.get("/metrics")
    async def numbers(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        # A proxy or a tunnel comes from this machine too: on a link, the operator's token alone opens them.
        share = services.settings.share
        here = request.client is not None and request.client.host in ("127.0.0.1", "::1")
        if (share.on or not here) and (refused := await lock.refusal(request, absent=NO_NUMBERS)) is not None:
            return refused
        return Response(metrics.text(lambda: len(services.sessions)), media_type="text/plain; version=0.0.4")


def _add_operator(app: FastAPI, services: Services, lock: OperatorLock) -> None:
    @app.get("/operator")
    async def page(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        if (refused := await lock.refusal(request)) is not None:
            return refused
        return HTMLResponse(await asyncio.to_thread(_page, services), headers=NO_STORE)

    @app.post("/operator/{what}")
    async def act(what: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        if (refused := await lock.refusal(request)) is not None:
            return refused
        if services.guard is None or what not in ("pause", "resume"):
            return _said(404, "There is nothing of that name.")
        services.guard.set_paused(what == "pause")
        if what == "pause":
            await services.sessions.stop_all()
        return RedirectResponse("/operator", status_code=303)


class OperatorLock:
    """The lock of what is the operator's: the token is the password of HTTP's basic form, or a bearer's."""

    def __init__(self, token: Secret | None) -> None:
        self._token = token
        self._guesses = Guesses("operator")

    async def refusal(self, request: Request, *, absent: str = NO_OPERATOR) -> Response | None:
        """Return the answer to who is not the operator; `absent`: what to say where there is no token."""
        if self._token is None:
            return refuse(request.headers, 404, absent, page=refusal.page)
        header = request.headers.get("authorization", "")
        if secrets.compare_digest(_password(header), self._token.reveal().encode()):
            return None
        if header:
            await self._guesses.wrong()
        asked = refuse(request.headers, 401, OPERATOR_ONLY, page=refusal.page)
        asked.headers["WWW-Authenticate"] = 'Basic realm="Aether operator"'
        return asked


def _password(authorization: str) -> bytes:
    """Return the password of an Authorization header; empty where there is none."""
    scheme, _, value = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip().encode("utf-8", "surrogatepass")
        case "basic":
            try:
                return base64.b64decode(value, validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return b""
        case _:
            return b""


def _page(services: Services) -> str:
    """Show spend and live sessions, without a word of what is said in them."""
    guard, link = services.guard, None
    if guard is not None:
        link = operator.Link(
            paused=guard.paused,
            spent_usd=guard.ledger.total(LINK).nano_usd / NANO,
            cap_usd=guard.share.budget_usd,
            unsettled=guard.ledger.open_entries(),
            overruns=guard.ledger.overruns(),
            running=guard.admission.running,
            waiting=guard.admission.waiting,
        )
    return operator.page(len(services.sessions), link)


def _visitor(request: Request) -> str:
    return request.headers.get(visitors.HEADER, "")


def _said(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers=NO_STORE)

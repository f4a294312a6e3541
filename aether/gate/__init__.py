"""The gate: what stands between the network and the page. Each request passes it, in this order:

host and origin → route → link token → visitor → size and share of the room → session.

It knows HTTP and the routes that the page needs, and no conversation. A request that may
not pass gets a plain answer that tells nothing but that.
"""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aether import visitors
from aether.gate import answers, body, link, origin, routes
from aether.gate.crowd import Crowd
from aether.gate.presence import Presence
from aether.guard.rates import Rates
from aether.settings import Settings

MINTS = ("/", "/config", "/config/", "/api/models", "/api/key", "/api/allowance")
"""Where a visitor without a cookie is given one: what a browser and a program ask for first."""


class Gate:
    """Let a request through, or answer it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        presence: Presence,
        public: origin.Public,
        uploads: Path,
        page: answers.Page,
        rates: Rates | None = None,
    ) -> None:
        self.app = app
        self._crowd = Crowd(rates, folder=settings.data_dir)
        self._link = link.Link(settings.share.token, page=page)
        self._place = origin.Place(settings, public, page=page)
        self._presence = presence
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(self._place.cleaned(scope), receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, secure = Headers(scope=scope), self._place.secure(scope)
        refusal = self._place.refusal(scope, headers) or routes.refusal(scope)
        refusal = refusal or self._link.answer(scope, headers, secure=secure)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        cookie = answers.cookie(headers, visitors.COOKIE, secure=secure)
        if not visitors.identify(cookie) and scope["path"] in MINTS:
            cookie = visitors.new_cookie()
            send = _with_cookie(send, answers.set_cookie(visitors.COOKIE, cookie, secure=secure))
        visitor = visitors.identify(cookie)
        try:
            with self._crowd.one(visitor):
                await self._inside(_known(scope, visitor), receive, send, cookie=cookie)
        except answers.Refused as refused:
            await refused.answer(scope, receive, send)

    async def _inside(self, scope: Scope, receive: Receive, send: Send, *, cookie: str) -> None:
        """Hand a visitor's request on; raise Refused for one that may not pass."""
        await self._crowd.check(scope, visitors.identify(cookie), size=body.announced(scope))
        receive = body.limited(scope, receive)
        scope, receive, session = await routes.own(scope, receive, cookie, uploads=self._uploads)
        with self._presence.here(session):
            await _until_refused(self.app, scope, receive, send)


async def _until_refused(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run the application; answer a body that turns out too large, unless an answer is on its way already."""
    begun = False

    async def sending(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await app(scope, receive, sending)
    except answers.Refused as refused:
        if not begun:
            await refused.answer(scope, receive, send)


def _known(scope: Scope, visitor: str) -> Scope:
    """Return the scope with the visitor's name in a header that nobody else can set."""
    kept = [(k, v) for k, v in scope["headers"] if k.lower() != visitors.HEADER.encode()]
    return {**scope, "headers": [*kept, (visitors.HEADER.encode(), visitor.encode())]}


def _with_cookie(send: Send, cookie: bytes) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = answers.with_cookie(message.get("headers", []), cookie)
        await send(message)

    return sending

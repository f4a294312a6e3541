"""The gate: what stands between the network and the page. Each request passes it, in this order:

host and origin → route → link token → visitor → size and share of the room → session.

It knows HTTP and the routes that the page needs, and no conversation. A request that may
not pass gets a plain answer that tells nothing but that.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aether import visitors
from aether.gate import answers, body, link, origin, routes
from aether.gate.crowd import Crowd
from aether.gate.guesses import Guesses
from aether.gate.places import GAVE_WAY, PLACE, SIGNS, TOO_MANY, Place, Places
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
        sessions: LiveSessions,
        cookies: visitors.Cookies,
        rates: Rates | None = None,
    ) -> None:
        self.app = app
        self._cookies = cookies
        self._crowd = Crowd(rates, folder=settings.data_dir)
        self._places = Places(sessions.is_busy) if rates is not None else None
        self._guesses = Guesses("link")
        self._link = link.Link(settings.share.token, page=page)
        self._place = origin.Place(settings, public, page=page)
        self._presence = presence
        self._sessions = sessions
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
        if refusal is None:
            refusal = self._link.answer(scope, headers, secure=secure)
            if refusal is not None and refusal.status_code == 401 and self._link.is_guess(scope, headers):
                await self._guesses.wrong()
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        cookie = answers.cookie(headers, visitors.COOKIE, secure=secure)
        cookie = cookie if self._cookies.is_ours(cookie) else ""
        if not cookie and scope["path"] in MINTS:
            cookie = self._cookies.mint()
            send = _with_cookie(send, answers.set_cookie(visitors.COOKIE, cookie, secure=secure))
        if scope["path"].startswith("/api/key"):
            send = _remembering(send, secure=secure)
        visitor = visitors.identify(cookie)
        wanted = answers.cookie(headers, visitors.OWN_KEYS_COOKIE, secure=secure) if cookie else ""
        scope = _known(scope, visitor, wanted)
        answer = Answer(send)
        try:
            if self._places is None or SIGNS.fullmatch(scope["path"]):
                await self._inside(scope, receive, answer, cookie=cookie)
            else:
                await self._counted(self._places, scope, receive, answer, cookie=cookie)
        except answers.Refused as refused:
            await answer.refuse(refused, scope, receive)
        except ClientDisconnect:
            pass  # who leaves in the middle of a request is owed no answer, and no traceback tells of it

    async def _counted(self, places: Places, scope: Scope, receive: Receive, answer: Answer, *, cookie: str) -> None:
        """Hand a request on that takes a place; raise Refused if there is none, or if it gives way to another."""
        with places.one(scope, visitors.identify(cookie)) as place:
            try:
                scope = {**scope, PLACE: place}
                await self._inside(scope, place.receiving(receive), answer, cookie=cookie, place=place)
            except asyncio.CancelledError:
                if not place.gave_way or place.task is None or place.task.uncancel():
                    raise
                raise answers.Refused(503, GAVE_WAY) from None

    async def _inside(
        self, scope: Scope, receive: Receive, send: Send, *, cookie: str, place: Place | None = None
    ) -> None:
        """Hand a visitor's request on; raise Refused for one that may not pass."""
        await self._crowd.check(scope, visitors.identify(cookie), size=body.announced(scope))
        receive = body.limited(scope, receive)
        scope, receive, session = await routes.own(scope, receive, cookie, uploads=self._uploads, begin=self._begin)
        if place is not None:
            place.session = session
        with self._presence.here(session):
            await self.app(scope, receive, send)

    async def _begin(self, session: str) -> None:
        """Let an event of a session begin; raise Refused where its visitor has begun too many."""
        owner = visitors.owner_of_session(session)
        if self._places is not None and self._sessions.pending(owner) >= self._places.events_of(owner):
            raise answers.Refused(429, TOO_MANY)
        if not self._sessions.knows(session):
            await self._crowd.session("" if owner == visitors.PROGRAM else owner)
        self._sessions.enter(session)


class LiveSessions(Protocol):
    """What the gate asks of the sessions behind it. `pending`: events of a visitor that have not ended."""

    def is_busy(self, session: str) -> bool: ...
    def knows(self, session: str) -> bool: ...
    def enter(self, session: str) -> None: ...
    def pending(self, owner: str, /) -> int: ...


class Answer:
    """The answer on its way to a client, and how far it has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_begun = self._is_whole = self._has_length = False

    async def __call__(self, message: Message) -> None:
        self._is_begun = True
        if message["type"] == "http.response.start":
            self._has_length = any(key.lower() == b"content-length" for key, _ in message.get("headers", []))
        self._is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def refuse(self, refused: answers.Refused, scope: Scope, receive: Receive) -> None:
        """Answer what may not pass; where an answer is on its way already, end it."""
        if not self._is_begun:
            await refused.answer(scope, receive, self._send)
        elif not self._is_whole and not self._has_length:  # one that is too short, the server cuts off
            await self._send({"type": "http.response.body", "body": b""})


def _known(scope: Scope, visitor: str, wanted: str) -> Scope:
    """Return the scope with the visitor's name, and what keys they wanted, in headers that nobody else can set."""
    ours = {visitors.HEADER.encode(): visitor.encode(), visitors.OWN_KEYS.encode(): wanted.encode("latin-1", "replace")}
    kept = [(k, v) for k, v in scope["headers"] if k.lower() not in ours]
    return {**scope, "headers": [*kept, *ours.items()]}


def _remembering(send: Send, *, secure: bool) -> Send:
    """Turn the header by which a route says what keys a visitor wants into a cookie."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            name = visitors.OWN_KEYS.encode()
            kept = [(k, v) for k, v in message.get("headers", []) if k.lower() != name]
            for value in [v for k, v in message.get("headers", []) if k.lower() == name]:
                cookie = answers.set_cookie(visitors.OWN_KEYS_COOKIE, value.decode("latin-1"), secure=secure)
                kept = answers.with_cookie(kept, cookie)
            message["headers"] = kept
        await send(message)

    return sending


def _with_cookie(send: Send, cookie: bytes) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = answers.with_cookie(message.get("headers", []), cookie)
        await send(message)

    return sending

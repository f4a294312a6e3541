"""The web application around the page: routes, security headers, start and stop.

It mounts the page and serves its scripts, styles and fonts. It knows no model and holds no
conversation. Every HTML answer carries a policy under which only scripts of this server
run, and no picture, font or request goes elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import secrets
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response
from gradio.utils import get_upload_folder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aether import visitors
from aether.attachments import picture_type
from aether.doors import add_doors
from aether.errors import AetherError
from aether.gate import Gate
from aether.routes import add_routes
from aether.services import Services
from aether.sessions import MOST
from aether.store.conversations import StoreError
from aether.transcript import Blob
from aether.ui import bundle, listening, refusal, stream, words
from aether.ui.guard import visiting, who_of
from aether.ui.handlers import writing
from aether.ui.layout import build_page
from aether.ui.lighter import lighten
from aether.ui.painter import Painter
from aether.ui.renderer import Renderer
from aether.ui.stream import Lines
from aether.ui.theme import build_theme
from aether.ui.uploads import bound_uploads

JOBS = 256
"""Answers that may be streamed at once: Gradio sizes its job slots by the number of threads."""
QUEUE = 512
"""Events that may wait; more are refused."""
POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


def build_app(services: Services) -> FastAPI:
    """Return the whole application; starting it starts the services."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        await services.start()
        try:
            yield
        finally:
            await services.stop()

    app = FastAPI(title="Aether", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(
        Gate,
        settings=services.settings,
        presence=services.presence,
        public=services.public,
        uploads=Path(get_upload_folder()),
        page=refusal.page,
        sessions=services.sessions,
        cookies=visitors.Cookies(services.secret, services.store.is_earlier_owner),
        rates=services.rates,
    )
    app.add_middleware(SecurityHeaders)
    _add_routes(app, services)
    add_routes(app, services)
    lines = Lines(Painter(), writing, renderer=Renderer(services.render_workers))
    app.add_route(stream.PATH, cast(Any, lines), methods=["POST"])  # an ASGI application, as the router takes it
    bound_uploads()
    page = build_page(services, lines)
    _set_up_queue(page)
    calls = listening.Calls(page, services.presence)
    app.add_route(listening.PATH, cast(Any, calls), methods=["GET"])
    app.add_route(listening.HEARTBEAT, cast(Any, listening.Heartbeats(services.sessions.leave)), methods=["GET"])
    mounted = _mount(app, page)
    lighten(page, page.app)
    _keep_sessions(page, services, calls)
    return mounted


def _add_routes(app: FastAPI, services: Services) -> None:
    @app.get("/api/models")
    def models(request: Request) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        # In a thread, because prices are read here for the first time.
        visiting(who_of(request.headers))  # with a key of one's own, more providers are ready
        provider, _, model = services.default.partition("/")
        return {
            "current": {"provider": provider, "model": model},
            "providers": services.catalog.to_dict(),
        }

    @app.get("/ui/words.js")
    async def words_js(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        language = words.preferred(request.headers.get("accept-language", ""))
        told_by = {"texts": words.texts(language), "english": words.english(language)}
        spoken = json.dumps({"language": language, **told_by}, ensure_ascii=False)
        told = json.dumps(services.catalog.taglines(), ensure_ascii=False)
        return Response(
            f"window.aetherWords = {spoken};\nwindow.aetherTaglines = {told};",
            media_type="text/javascript",
            headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"},
        )

    add_doors(app, services)
    _add_pictures(app, services)
    _add_files(app)


def _add_pictures(app: FastAPI, services: Services) -> None:
    """Serve a picture to the visitor whose conversation shows it, and to all while a share that can be read does."""

    @app.get("/api/picture/{digest}")
    async def picture(digest: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        owner = request.headers.get(visitors.HEADER, "")
        try:
            if not await services.store.run(lambda: services.room.may_see(owner, digest), owner=owner):
                return Response(status_code=404)
            data = await services.store.run(lambda: services.blobs.read(Blob(digest, "")), owner=owner)
        except (KeyError, StoreError):
            return Response(status_code=404)
        if (kind := picture_type(data)) is None:
            return Response(status_code=404)
        # A browser asks whether the picture is still there before it shows its copy: one that was deleted is gone.
        headers = {"Cache-Control": "private, no-cache", "ETag": f'"{digest}"'}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=kind, headers=headers)


def _add_files(app: FastAPI) -> None:
    @app.get("/ui/{name:path}")
    async def file(name: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        kept = {"Cache-Control": "public, max-age=31536000"}  # asked for by content (`?v=`), and a font never changes
        kind = bundle.MEDIA_TYPES.get(Path(name).suffix)
        if name in bundle.BUNDLES:
            return Response(bundle.BUNDLES[name], media_type=kind, headers=kept)
        if name in bundle.FONTS:
            return FileResponse(bundle.FONTS[name], media_type=kind, headers=kept)
        return Response(status_code=404)


def _set_up_queue(demo: gr.Blocks) -> None:
    demo.max_threads = JOBS
    demo.state_session_capacity = 2 * MOST  # never reached: our own registry lets sessions go before
    demo.queue(default_concurrency_limit=None, max_size=QUEUE, api_open=False)
    # Statistics of ten thousand events, made anew after each one, that nobody reads.
    demo._queue.ANALYTICS_MAX_EVENTS = 1  # pyright: ignore[reportPrivateUsage]
    demo._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize  # pyright: ignore[reportPrivateUsage]


def _mount(app: FastAPI, demo: gr.Blocks) -> FastAPI:
    # A mounted page counts as none that was launched, and then Gradio takes any file here for an upload.
    demo.has_launched = True
    return gr.mount_gradio_app(
        app,
        demo,
        path="/",
        theme=build_theme(),
        head=bundle.head(),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        max_file_size="10mb",
    )


def _keep_sessions(page: gr.Blocks, services: Services, calls: listening.Calls) -> None:
    """Let our own registry say how long a session lives. Gradio's would empty it an hour after a line broke once."""
    holder, ending = page.state_holder, set[asyncio.Task[None]]()

    def attach(session: str) -> None:
        if session in holder:
            cast(Any, holder[session]).STATE_TTL_WHEN_CLOSED = math.inf

    def forget(session: str) -> None:
        holder.session_data.pop(session, None)
        holder.time_last_used.pop(session, None)
        task = asyncio.get_running_loop().create_task(calls.forget(session))
        ending.add(task)
        task.add_done_callback(ending.discard)

    services.sessions.pending = calls.pending
    services.sessions.on_attach, services.sessions.on_forget = attach, forget


def open_tunnel(port: int) -> str:
    """Return the public address of a tunnel to this machine's `port`; raise AetherError where none can be had.

    The certificate and the program of the tunnel come from Gradio's servers.
    """
    from gradio.networking import setup_tunnel

    try:
        return setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
    except Exception as error:
        raise AetherError(f"The public link could not be opened ({error}).") from error


class SecurityHeaders:
    """Add the security headers, and to the scripts of each HTML page the nonce that the policy asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        words.speak(dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1"))
        start: Message = {}
        body = bytearray()

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_PLAIN, *_cache_rule(message, scope["path"])]
                if scope["path"].startswith("/gradio_api/file="):
                    message["headers"] += [_FILE_POLICY]
                if not _is_html(message):
                    await send(message)
                else:
                    start = message
            elif not start:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await _send_page(start, bytes(body), send)

        await self.app(scope, receive, sending)


_PLAIN = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
]
_KEPT = (b"cache-control", b"public, max-age=31536000, immutable")
"""For Gradio's scripts, whose names tell their content: a browser asks for each of ninety once, not at each visit."""
_FILE_POLICY = (b"content-security-policy", b"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'")
"""For what visitors handed in, should it ever be opened as a page."""


STATIC = ("/assets/", "/static/", "/svelte/", "/ui/", "/favicon.ico", "/robots.txt", "/theme.css")
"""Paths whose answers are the same for every visitor; all others are a visitor's own."""


def _cache_rule(start: Message, path: str) -> list[tuple[bytes, bytes]]:
    """Return who may keep an answer that says nothing of it: of what is a visitor's own, no cache on the way."""
    if any(key.lower() == b"cache-control" for key, _ in start.get("headers", [])):
        return []
    if path.startswith("/assets/") and start["status"] == 200:
        return [_KEPT]
    return [] if path.startswith(STATIC) else [(b"cache-control", b"private, no-cache"), (b"vary", b"Cookie")]


def _is_html(start: Message) -> bool:
    return any(key.lower() == b"content-type" and value.startswith(b"text/html") for key, value in start["headers"])


async def _send_page(start: Message, body: bytes, send: Send) -> None:
    nonce = secrets.token_urlsafe(16)
    body = re.sub(rb"<script\b", b'<script nonce="%s"' % nonce.encode(), body)
    headers = [(key, value) for key, value in start["headers"] if key.lower() != b"content-length"]
    headers += [
        (b"content-length", str(len(body)).encode()),
        (b"content-security-policy", POLICY.format(nonce=nonce).encode()),
    ]
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": body})

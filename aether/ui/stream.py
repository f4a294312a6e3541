"""The way of an answer to its page: one HTTP response a turn, beside Gradio's queue.

A page asks for the next turn of its conversation with a key of 256 bits that only it was
told, or begins it with a message, and is sent the markup of the answer while it grows: what
is new of it, as fast as the page reads. Nothing waits in a queue: a page that reads slowly is
sent the newest state next. A page that leaves ends its answer. What the markup is, `render.py`
decides; that it is settled in the history, the page asks for by itself when this response is over.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from aether import visitors
from aether.errors import AetherError
from aether.guard import Who
from aether.live import Lives
from aether.runtime import AgentRuntime
from aether.ui.guard import visiting, who
from aether.ui.painter import Painter
from aether.ui.renderer import Growing, Renderer

log = logging.getLogger("aether")

PATH = "/api/live"
BEGIN_S = 30.0
"""How long a page may wait for a turn to begin."""
SWAP_S = 2.0
"""How long a message waits for the swap that its page sent before it: the two may overtake each other."""
READ_S = 30.0
"""How long a page may leave what it was sent unread before it counts as gone."""
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]

Render = Callable[[AgentRuntime, Lives], str]


class Lines:
    """The lines of all pages: key → the conversation that it may listen to."""

    def __init__(
        self, painter: Painter, render: Render, *, renderer: Renderer | None = None, swap_s: float = SWAP_S
    ) -> None:
        self.painter = painter
        self.render = render
        self.renderer = renderer or Renderer()
        self._swap_s = swap_s
        self._runtimes: WeakValueDictionary[str, AgentRuntime] = WeakValueDictionary()
        self._keys: WeakKeyDictionary[AgentRuntime, str] = WeakKeyDictionary()
        self._pages: WeakKeyDictionary[AgentRuntime, Who] = WeakKeyDictionary()

    def key(self, runtime: AgentRuntime) -> str:
        """Return the key of a conversation's line, always the same, to the page that asks now."""
        key = self._keys.setdefault(runtime, secrets.token_urlsafe(32))
        self._runtimes[key] = runtime
        self._pages[runtime] = who()
        return key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page that listens: 404 for a key that nobody was told, 409 for a message that cannot be asked."""
        request = Request(scope, receive)
        wish = await _wish_in(request)
        runtime, visitor = self._runtimes.get(str(wish.get("key"))), request.headers.get(visitors.HEADER, "")
        if runtime is None:
            await JSONResponse({"detail": "Not Found"}, status_code=404)(scope, receive, send)
        elif "message" not in wish:
            await self._send(runtime, None, receive, send)
        elif (begun := await self._asks(runtime, wish, visitor)) is None:
            await JSONResponse({"detail": "Conflict"}, status_code=409)(scope, receive, send)
        else:
            await self._send(runtime, begun, receive, send)

    async def _asks(self, runtime: AgentRuntime, wish: dict[str, Any], visitor: str) -> Lives | None:
        """Begin a turn for the visitor of the page, as its session; return its answers, None if that could not be.

        The message goes to the model that the page showed when it was sent, or not at all over this
        line. Why it could not be, the page learns by sending the message through its event.
        """
        page = self._pages[runtime]
        await self.painter.turn()
        if page.visitor != visitor or not await self._is_chosen(runtime, wish.get("model")):
            return None
        visiting(page)
        try:
            with await runtime.admit(wish["message"]) as permit:
                runtime.ask(wish["message"], permit=permit)
        except AetherError:
            return None
        runtime.turns.refused = False
        runtime.turns.take()
        return runtime.lives

    async def _is_chosen(self, runtime: AgentRuntime, shown: object) -> bool:
        """Tell whether the model that a page shows is chosen, or is in a moment; None: it shows none."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._swap_s):
                while shown not in (None, runtime.reference):
                    await runtime.swapped.wait()
        return shown in (None, runtime.reference)

    async def _send(self, runtime: AgentRuntime, begun: Lives | None, receive: Receive, send: Send) -> None:
        """Send one turn, the one that was begun or the next; a page that leaves before its end stops that, no other."""
        sent = [begun] if begun else []
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        painting = asyncio.create_task(self._paint(runtime, sent, send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({painting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (painting, leaving):
                task.cancel()
            await asyncio.wait({painting, leaving})
            failed = None if painting.cancelled() else painting.exception()
            if failed is not None and not isinstance(failed, TimeoutError | OSError):  # these: the page has gone
                log.error("An answer could not be painted", exc_info=failed)
            if sent and runtime.lives is sent[0]:
                await runtime.stop()

    async def _paint(self, runtime: AgentRuntime, sent: list[Lives], send: Send) -> None:
        """Send a turn of a conversation as it grows, to its last state; the next one, which is put into `sent`."""
        if not sent and (following := await runtime.turns.next(BEGIN_S)) is not None:
            sent.append(following)
        for lives in sent:
            before = ""
            async with aclosing(self._states(runtime, lives)) as states:
                async for markup in states:
                    asked = any(live.asked for live in lives.answers)  # the message was committed before that
                    event = _event({"turn": lives.number, "asked": asked, **difference(before, markup)})
                    before = markup  # while a page reads nothing, its answer is held here and in `event`, no more often
                    async with asyncio.timeout(READ_S):
                        await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _states(self, runtime: AgentRuntime, lives: Lives) -> AsyncGenerator[str, None]:
        page = self._pages.get(runtime)
        growing = Growing(self.renderer, page.visitor or page.session if page else "")
        async for markup in self.painter.frames(lives, lambda now: growing.frame(lambda: self.render(runtime, now))):
            yield markup
        yield await growing.last(lambda: self.render(runtime, lives))


def difference(before: str, now: str) -> dict[str, int | str]:
    """Say `now` as what to keep of `before` and what follows; lengths as a browser counts them, in UTF-16 units."""
    low, high = 0, min(len(before), len(now))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == now[low:middle]:
            low = middle
        else:
            high = middle - 1
    return {"keep": len(now[:low].encode("utf-16-le")) // 2, "then": now[low:]}


def _event(value: dict[str, int | str]) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


async def _wish_in(request: Request) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        given: object = await request.json()
        if isinstance(given, dict):
            return given  # pyright: ignore[reportUnknownVariableType]
    return {}


async def _left(receive: Receive) -> None:
    """Return when the page has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass

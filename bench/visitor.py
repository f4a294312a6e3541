"""A visitor without a browser: sends what the page sends, and times what comes back."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bench.wire import fetch, request

_CONFIGS: dict[str, Any] = {}
"""What each server says of its page."""


@dataclass
class Heard:
    """One answer as it arrived. Times by `time.perf_counter`; `is_whole`: from its first token to its last."""

    asked: float
    arrived: list[float] = field(default_factory=list[float])
    first: float | None = None
    is_whole: bool = False

    @property
    def gaps_ms(self) -> list[float]:
        """Return the time between each two updates."""
        return [(later - earlier) * 1000 for earlier, later in pairwise(self.arrived)]

    @property
    def first_ms(self) -> float:
        return ((self.first or time.perf_counter()) - self.asked) * 1000

    @property
    def done(self) -> float:
        return self.arrived[-1] if self.arrived else time.perf_counter()

    def take(self, text: str) -> None:
        """Note that `text` is what stands there now."""
        self.arrived.append(time.perf_counter())
        if self.first is None and "[[r" in text:
            self.first = self.arrived[-1]
        begun, ended = re.search(r"\[\[r(\d+):", text), re.search(r"\[\[end(\d+)\]\]", text)
        self.is_whole = bool(begun and ended and begun[1] == ended[1])


class Visitor:
    """One page of Aether. Use it as an asynchronous context manager: inside, the page is open."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = secrets.token_hex(6)
        self._key = ""
        self._cookies: dict[str, str] = {}
        self._presence: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Visitor:
        async with request(self.url, "/") as page:
            await page.body()
            if cookie := page.headers.get("set-cookie"):
                self._cookies = {"cookie": cookie.partition(";")[0]}
        self._presence = asyncio.create_task(self._stay())
        told = await self._event("load", "")
        found = re.search(r'data-key="([^"]+)"', json.dumps(told).replace('\\"', '"'))
        assert found, "the page was told no key"
        self._key = found[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._presence is not None
        self._presence.cancel()
        with suppress(asyncio.CancelledError):
            await self._presence

    async def _stay(self) -> None:
        """Hold the line by which Gradio knows that a page is open."""
        async with request(self.url, f"/gradio_api/heartbeat/{self._session}", headers=self._cookies) as beats:
            async for _ in beats.pieces():
                pass

    async def choose(self, provider: str, model: str) -> None:
        """Choose a model."""
        await self._event("change", "model", f"{provider}/{model}")

    async def ask(self, message: str = "go on") -> Heard:
        """Send a message, follow its answer to the end, settle it."""
        heard = Heard(time.perf_counter())
        markup = ""
        async for update in self.line(message):
            markup = markup[: update["keep"]] + update["then"]  # the model writes ASCII: a sign is a unit
            heard.take(markup)
        await self._event("click", "settle")
        return heard

    async def line(self, message: str) -> AsyncGenerator[dict[str, Any], None]:
        """Begin a turn and yield its updates."""
        async with request(
            self.url, "/api/live", {"key": self._key, "message": message}, headers=self._cookies
        ) as response:
            waiting = b""
            async for piece in response.pieces():
                *whole, waiting = (waiting + piece).split(b"\n\n")
                for event in whole:
                    yield json.loads(event.removeprefix(b"data: "))

    async def ask_and_idle(self) -> None:
        """Send a message, open the line of its answer, and read nothing of it."""
        body = {"key": self._key, "message": "go on"}
        async with request(self.url, "/api/live", body, headers=self._cookies, is_narrow=True):
            await asyncio.Event().wait()

    async def _event(self, event: str, element: str, *values: Any) -> list[Any]:
        """Fire an event with all that the page hangs on it; return what came back."""
        told: list[Any] = []
        for number, inputs in await _numbers(self.url, event, element):
            data = [*values, *[None] * inputs][:inputs]
            body = {"fn_index": number, "data": data, "session_hash": self._session}
            answer = await fetch(self.url, "/gradio_api/run/predict", body, headers=self._cookies)
            told += json.loads(answer)["data"]
        return told


async def _numbers(url: str, event: str, element: str) -> list[tuple[int, int]]:
    """Return number and count of inputs of what an event of an element fires, one after the other."""
    if url not in _CONFIGS:
        _CONFIGS[url] = json.loads(await fetch(url, "/config"))
    config = _CONFIGS[url]
    ids = {c["id"]: c["props"].get("elem_id") or "" for c in config["components"]}
    fired: list[tuple[int, int]] = []
    for one in config["dependencies"]:
        is_meant = any(kind == event and ids.get(target, "") == element for target, kind in one["targets"])
        if is_meant or one.get("trigger_after") in [number for number, _ in fired]:
            fired.append((one["id"], len(one["inputs"])))
    return fired

"""A service that bills what it truly reads and writes, and reports what its model id makes it report.

One connection serves one request after another. The bill is kept by visitor: the last message of a
body begins with `@name`. A request with another key than the operator's is on nobody's bill here.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

JSON = dict[str, Any]
PRICE_IN, PRICE_OUT = 10.0, 30.0
DATA_URL = re.compile(r"data:[^;]*;base64,(.*)", re.DOTALL)
WRITTEN = 40
"""Tokens that an answer takes, as far as the request allows it."""
REPORTS: dict[str, dict[str, Any]] = {
    "honest": {},
    "silent": {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
    "float": {"completion_tokens": 40.0},
    "bool": {"completion_tokens": True},
    "negative": {"prompt_tokens": -100_000, "completion_tokens": -100_000},
    "huge": {"completion_tokens": 10**18},
    "text": {"prompt_tokens": "10"},
    "high": {"completion_tokens": 9_000_000},
    "cached": {"prompt_tokens_details": {"cached_tokens": -5}},
}
MODELS = (*REPORTS, "outside", "hang", "cut", "reset", "gateway", "busy", "no", "inband")


@dataclass
class Upstream:
    """The service. `weights`: what the bytes of pictures and documents truly come to, by digest."""

    key: str
    weights: dict[str, int]
    bill: Counter[str] = field(default_factory=Counter[str])
    requests: int = 0
    last: JSON = field(default_factory=dict[str, Any])
    port: int = 0
    tasks: set[asyncio.Task[Any] | None] = field(default_factory=set[asyncio.Task[Any] | None])
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while await self._one(reader, writer):
                pass
        self.tasks.discard(asyncio.current_task())
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"content-length: (\d+)", head)
        body: JSON = json.loads(await reader.readexactly(int(length[1]) if length else 0))
        self.requests += 1
        self.last = body
        model, is_ours = str(body["model"]), f"bearer {self.key}".lower() in head
        if model == "busy" or model == "no":
            _whole(writer, 503 if model == "busy" else 401, {"error": {"message": "not now"}})
            return True
        read_in = _tokens(body["messages"], self.weights)
        written = min(WRITTEN, int(body.get("max_tokens") or WRITTEN))
        if is_ours:
            self.bill[_visitor(body)] += round((read_in * PRICE_IN + written * PRICE_OUT) * 1000)
        if model == "gateway":
            _whole(writer, 504, {"error": {"message": "gave up"}})
            return True
        if model == "reset":
            return False
        return await self._stream(writer, model, read_in, written)

    async def _stream(self, writer: asyncio.StreamWriter, model: str, read_in: int, written: int) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        if model == "inband":
            _event(writer, {"error": {"message": "overloaded"}})
        else:
            _event(writer, {"model": model, "choices": [{"delta": {"role": "assistant", "content": "word " * 4}}]})
        await writer.drain()
        if model == "hang":
            await asyncio.sleep(30)
        if model in ("hang", "cut", "inband"):
            return False
        usage: JSON = {"prompt_tokens": read_in, "completion_tokens": written, "total_tokens": read_in + written}
        if model == "outside":
            thought = written - 4
            usage |= {"completion_tokens": 4, "completion_tokens_details": {"reasoning_tokens": thought}}
        usage |= REPORTS.get(model, {})
        _event(writer, {"model": model, "choices": [{"delta": {}, "finish_reason": "stop"}]})
        _event(writer, {"model": model, "choices": [], "usage": usage})
        _chunk(writer, b"data: [DONE]\n\n")
        _chunk(writer, b"")
        await writer.drain()
        return True


def _tokens(value: Any, weights: dict[str, int]) -> int:
    """Return what a body comes to: each byte of a text is a token, a picture or document what its bytes weigh."""
    if isinstance(value, dict):
        return sum(_tokens(item, weights) for item in value.values())
    if isinstance(value, list):
        return sum(_tokens(item, weights) for item in value)
    if not isinstance(value, str):
        return 0
    found = DATA_URL.fullmatch(value)
    if found is None:
        return len(value.encode())
    return weights[sha256(base64.b64decode(found[1])).hexdigest()]


def _visitor(body: JSON) -> str:
    said = json.dumps([m for m in body["messages"] if m["role"] == "user"][-1])
    return re.findall(r"@(\w+)", said)[-1]


def _whole(writer: asyncio.StreamWriter, status: int, body: JSON) -> None:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nRetry-After-Ms: 1\r\n"
    writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)


def _event(writer: asyncio.StreamWriter, value: JSON) -> None:
    _chunk(writer, f"data: {json.dumps(value)}\n\n".encode())


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

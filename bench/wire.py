"""A small HTTP client for many visitors at once: one connection a request, bodies read as they come."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Response:
    """What a server answers. Names of `headers` are in small letters."""

    status: int
    headers: Mapping[str, str]
    _reader: asyncio.StreamReader

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives; end early where the connection ends early."""
        if self.headers.get("transfer-encoding") != "chunked":
            length = self.headers.get("content-length")
            yield await (self._reader.read() if length is None else self._reader.readexactly(int(length)))
            return
        while size := int(await self._reader.readline() or b"0", 16):
            yield await self._reader.readexactly(size)
            await self._reader.readline()

    async def body(self) -> bytes:
        """Return the whole body."""
        return b"".join([piece async for piece in self.pieces()])


@asynccontextmanager
async def request(
    url: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, is_narrow: bool = False
) -> AsyncGenerator[Response, None]:
    """Send GET, or POST with a body in JSON; leave the `with` to hang up. `is_narrow`: little is read ahead."""
    to = urlsplit(url)
    reader, writer = await (_narrow if is_narrow else asyncio.open_connection)(to.hostname or "", to.port or 80)
    try:
        data = b"" if body is None else json.dumps(body).encode()
        given = {"host": to.netloc, "connection": "close", "content-length": str(len(data))} | dict(headers or {})
        if body is not None:
            given["content-type"] = "application/json"
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        writer.write(f"{'POST' if body is not None else 'GET'} {path} HTTP/1.1\r\n{head}\r\n".encode() + data)
        status = int((await reader.readline()).split()[1])
        fields: dict[str, str] = {}
        while line := (await reader.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        yield Response(status, fields, reader)
    finally:
        writer.close()


async def _narrow(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as over the internet: with packets as small, the system keeps no megabytes on their way."""
    line = socket.socket()
    line.setblocking(False)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
    await asyncio.get_running_loop().sock_connect(line, (host, port))
    return await asyncio.open_connection(sock=line, limit=1024)


async def fetch(url: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the body of an answer; raise AssertionError if it is not a 200."""
    async with request(url, path, body, headers=headers) as response:
        read = await response.body()
        assert response.status == 200, f"{path}: {response.status} {read[:300]!r}"
        return read

"""Connections that say nothing, or say it for ever, are closed; those that read nothing are held little for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import ClassVar

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import Message

from aether.gate.answers import Refused
from aether.gate.body import limited, whole
from aether.gate.patience import MOST_HELD, Patient

HEAD_S = 0.3
PIECE = b"x" * 1024


class Hasty(Patient):
    head_s = HEAD_S
    unread_s = HEAD_S
    made: ClassVar[list[Hasty]] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.made.append(self)


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


async def sized(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def early(request: Request) -> PlainTextResponse:
    """Answer without reading the body."""
    return PlainTextResponse("no", status_code=413)


async def slow(request: Request) -> StreamingResponse:
    """Answer for longer than a head may take."""

    async def words() -> AsyncIterator[str]:
        for word in ("one ", "two ", "three"):
            await asyncio.sleep(HEAD_S)
            yield word

    return StreamingResponse(words())


async def endless(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield PIECE
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = Starlette(
        routes=[
            Route("/", plain),
            Route("/slow", slow),
            Route("/endless", endless),
            Route("/body", sized, methods=["POST"]),
            Route("/early", early, methods=["POST"]),
        ]
    )
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", http=Hasty, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_who_does_not_say_what_he_wants_is_let_go(port: int, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_a_second_request_that_never_ends_is_let_go(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await reader.readuntil(b"here")
    writer.write(b"GET / HT")
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_an_answer_takes_as_long_as_it_takes(port: int) -> None:
    async with httpx2.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/slow", timeout=10)).text == "one two three"
        assert (await client.get(f"http://127.0.0.1:{port}/")).text == "here"


async def test_little_is_held_for_who_reads_nothing(port: int) -> None:
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
    await asyncio.get_running_loop().sock_sendall(narrow, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(10):
        while not (Hasty.made and Hasty.made[-1].flow.write_paused):
            await asyncio.sleep(0.01)
    held = Hasty.made[-1].transport.get_write_buffer_size()
    narrow.close()
    assert MOST_HELD < held < MOST_HELD + 2 * len(PIECE)


async def test_who_reads_nothing_at_all_is_let_go(port: int) -> None:
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
    await asyncio.get_running_loop().sock_sendall(narrow, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(10):
        while not (Hasty.made and Hasty.made[-1].flow and Hasty.made[-1].flow.write_paused):
            await asyncio.sleep(0.01)
        while not Hasty.made[-1].transport.is_closing():
            await asyncio.sleep(0.01)
    narrow.close()


async def test_an_answer_before_the_end_of_its_request_says_that_it_is_the_last(port: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield PIECE
            await asyncio.sleep(0)

    async with httpx2.AsyncClient() as client:
        for content in (pieces(), bytes(3_000_000), pieces()):
            answer = await client.post(f"http://127.0.0.1:{port}/early", content=content)
            assert (answer.status_code, answer.headers["connection"]) == (413, "close")
            assert (await client.post(f"http://127.0.0.1:{port}/body", content=b"four")).text == "4"


async def test_the_rest_of_a_request_that_was_answered_early_is_not_waited_for(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
    assert await reader.readuntil(b"no")
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


SECOND = b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "first",
    [
        b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n",
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_what_comes_behind_a_request_is_no_second_one(port: int, first: bytes, *, together: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first + SECOND if together else first)
    if not together:
        await writer.drain()
        writer.write(SECOND)
    async with asyncio.timeout(10):
        assert (await reader.read()).count(b"HTTP/1.1 200") == 1
    writer.close()


async def test_what_is_left_of_a_refused_request_begins_no_other(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n" + b"x" * 10)
    async with asyncio.timeout(10):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404")
        writer.write(b"x" * 890 + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1" not in await reader.read()
    writer.close()


@pytest.mark.parametrize(
    "said",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
        b"\r\n\r\nGET / HTTP/1.1\nHost: x\n\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n" + SECOND,
        b"\x16\x03\x01\x02\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000,
    ],
)
async def test_a_request_that_can_be_read_in_two_ways_ends_the_connection(port: int, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 4") and answer.count(b"HTTP/1.1") == 1 and b"connection: close" in answer
    writer.close()


@pytest.mark.parametrize("bad", [b"zz\r\n{}", b"2\r\n{}x\r\n", b"2\n{}\n0\n\n", b"-2\r\n{}\r\n"])
async def test_chunks_that_are_none_end_the_connection(port: int, bad: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + bad + SECOND)
    async with asyncio.timeout(10):
        assert (await reader.read()).count(b"HTTP/1.1 200") == 0
    writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    asked = 0

    async def receive() -> Message:
        nonlocal asked
        asked += 1
        if asked > 1:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"{", "more_body": True}

    scope = {"type": "http", "method": "POST", "path": "/gradio_api/call/chat", "headers": []}
    with pytest.raises(Refused) as caught:
        await whole(limited(scope, receive, json_s=0.05))
    assert caught.value.answer.status_code == 408


async def test_who_has_sent_all_may_wait_for_as_long_as_he_likes() -> None:
    left = asyncio.Event()
    told: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive() -> Message:
        if told:
            return told.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": "/gradio_api/call/chat", "headers": []}
    receiving = limited(scope, receive, json_s=0.05)
    await receiving()
    leaving = asyncio.create_task(receiving())
    await asyncio.sleep(0.1)
    assert not leaving.done()
    left.set()
    assert (await leaving)["type"] == "http.disconnect"

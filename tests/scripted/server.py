"""The scripted provider: routes requests, judges them, plays what the script or the model id says.

It runs in a thread with an event loop of its own, so that a test may be plain or async, and
so that a client in the same process cannot slow it down.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

from tests.scripted import chat, messages, responses
from tests.scripted.control import serve_control
from tests.scripted.failures import Fault, error_body, refusal
from tests.scripted.http1 import Connection, Request, parsed
from tests.scripted.ids import Issuer
from tests.scripted.judge import verdict
from tests.scripted.log import Exchange, Log
from tests.scripted.play import Player
from tests.scripted.reply import Reply
from tests.scripted.request import PATHS, Ask
from tests.scripted.scripts import MODELS, choose
from tests.scripted.strict.rules import Strictness, strictness_of

if TYPE_CHECKING:
    from tests.replay import Recording

FORMS = {"openai-chat": chat, "openai-responses": responses, "anthropic-messages": messages}
START_TIMEOUT_S = 10.0
ANY = "*"
"""Script key: whatever model is asked for."""


class ScriptedProvider:
    """A provider under the control of a test. Use it as a context manager, or `start` and `stop` it.

    `strict`: False takes every body. `models`: what the list of models shows.
    """

    def __init__(self, *, port: int = 0, strict: bool = True, models: tuple[str, ...] = MODELS) -> None:
        self.host, self.port = "127.0.0.1", port
        self.models = models
        self.log = Log()
        self.issuer = Issuer()
        self._base = Strictness(is_on=strict)
        self._scripts: defaultdict[str, deque[Reply]] = defaultdict(deque)
        self._asked: defaultdict[str, int] = defaultdict(int)
        self._answers = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._permits: asyncio.Semaphore | None = None
        self._connections: set[Connection] = set()
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    # what a test calls

    @property
    def url(self) -> str:
        """Return the address without a path: the base URL of the Anthropic SDK."""
        return f"http://{self.host}:{self.port}"

    def base_url(self, protocol: str, *, strictness: str = "") -> str:
        """Return the base URL as that protocol's SDK takes it, judged by the named variants."""
        prefix = f"/{strictness}" if strictness else ""
        return self.url + prefix + ("" if protocol == "anthropic-messages" else "/v1")

    @property
    def requests(self) -> list[Exchange]:
        """Return the exchanges so far, those for `/_…` left out."""
        return list(self.log.exchanges)

    @property
    def open_streams(self) -> int:
        """Count the answers on their way now."""
        return self.log.open_streams

    def script(self, model: str, replies: Iterable[Reply]) -> None:
        """Queue replies for a model id, for `*` (any model), or for a path such as `/v1/models`."""
        self._scripts[model].extend(replies)

    def replay(self, recording: Recording, *, chunks: tuple[int, ...] = ()) -> None:
        """Serve a recorded response to the next request, its body cut into `chunks` (lengths in bytes)."""
        self.script(ANY, [recording.reply(chunks=chunks)])

    def release(self, streams: int = 1) -> None:
        """Let streams go on that wait at their `hold_after`; a permit given early is kept."""
        loop, permits = self._loop, self._permits
        if loop is None or permits is None:
            raise RuntimeError("the server is not running")
        for _ in range(streams):
            loop.call_soon_threadsafe(permits.release)

    def wait_for(self, is_true: Callable[[ScriptedProvider], Any], timeout_s: float = 5.0) -> None:
        """Wait until `is_true(server)`; raises AssertionError with the server's state if it is not in time."""
        if not self.log.wait_for(lambda: is_true(self), timeout_s):
            ends = [(e.number, e.model or e.path, e.ended or "open", e.tokens) for e in self.requests[-10:]]
            raise AssertionError(f"not true within {timeout_s} s; {self.log.state()}; last requests: {ends}")

    async def until(self, is_true: Callable[[ScriptedProvider], Any], timeout_s: float = 5.0) -> None:
        """Wait like `wait_for`, without blocking the caller's event loop."""
        await asyncio.to_thread(self.wait_for, is_true, timeout_s)

    # start and stop

    def start(self) -> Self:
        """Listen; return once requests are taken. Raises OSError when the port is not free."""
        started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), daemon=True)
        self._thread.start()
        started.result(START_TIMEOUT_S)
        return self

    def stop(self) -> None:
        """Break what is open and free the port."""
        if self._loop is not None and self._stopping is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(START_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    async def _run(self, started: Future[None]) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._permits = asyncio.Semaphore(0)
        try:
            server = await self._loop.create_server(self._connection, self.host, self.port, backlog=1024)
        except OSError as error:
            started.set_exception(error)
            return
        self.port = server.sockets[0].getsockname()[1]
        started.set_result(None)
        await self._stopping.wait()
        server.close()
        for exchange in self.requests:
            self.log.close(exchange, "server stopped")
        for connection in list(self._connections):
            connection.reset()

    def _connection(self) -> Connection:
        connection = Connection(self._serve, self._changed)
        self._connections.add(connection)
        return connection

    def _changed(self, connection: Connection, change: int) -> None:
        if change < 0:
            self._connections.discard(connection)
        self.log.connected(change)

    # one request

    async def _serve(self, connection: Connection, request: Request) -> None:
        path = request.path.partition("?")[0]
        if path.startswith("/_"):
            return serve_control(self, connection, request)
        prefix, mark, rest = path.partition("/v1/")
        path, names = (mark + rest, prefix.strip("/")) if mark else (path, "")
        body = parsed(request.body)
        exchange = Exchange(
            number=len(self.log.exchanges) + 1,
            method=request.method,
            path=request.path,
            headers=request.headers,
            body=body,
            protocol=PATHS.get(path, ""),
            model=str((body or {}).get("model", "")),
            strictness=names,
        )
        self.log.open(exchange)
        player = Player(connection, exchange, self.log, self._permits or asyncio.Semaphore(0))
        ended = "broke"
        try:
            ended = await self._answer(exchange, path, player)
        except asyncio.CancelledError:
            ended = "client closed"
            raise
        except Exception as error:
            ended = f"broke: {error!r}"
            raise
        finally:
            self.log.close(exchange, ended)

    async def _answer(self, exchange: Exchange, path: str, player: Player) -> str:
        """Answer one request; return how the answer ended."""
        try:
            strictness = strictness_of(exchange.strictness, base=self._base)
        except (KeyError, ValueError):
            return await self._not_found(exchange, player)
        if self._scripts.get(path):
            return await self._send(self._scripts[path].popleft(), None, player)
        if exchange.method == "GET" and (path == "/v1/models" or path.startswith("/v1/models/")):
            return await self._list(exchange, path, player)
        protocol = PATHS.get(path)
        if exchange.method != "POST" or protocol is None:
            return await self._not_found(exchange, player)
        if exchange.body is None:
            fault = Fault(message="We could not parse the JSON body of your request.")
            return await self._send(refusal(fault, protocol=protocol, issuer=self.issuer), None, player)
        self._answers += 1
        ask = Ask(
            protocol=protocol,
            body=exchange.body,
            headers=exchange.headers,
            number=self._answers,
            earlier=self._asked[exchange.model],
            strictness=strictness,
            issuer=self.issuer,
        )
        self._asked[exchange.model] += 1
        return await self._send(self._reply(ask, exchange), ask, player)

    def _reply(self, ask: Ask, exchange: Exchange) -> Reply:
        """Return what to answer: a refusal, the next of the script, or what the model id stands for."""
        if (fault := verdict(ask)) is not None:
            exchange.refused = fault.message
            return refusal(fault, protocol=ask.protocol, issuer=ask.issuer)
        for key in (ask.model, ANY):
            if self._scripts.get(key):
                return self._scripts[key].popleft()
        return choose(ask)

    async def _send(self, reply: Reply, ask: Ask | None, player: Player) -> str:
        if reply.silence == "all":
            await asyncio.Event().wait()
        streams = ask is not None and ask.streams
        usual = "text/event-stream; charset=utf-8" if streams and reply.status == 200 else "application/json"
        headers = {"content-type": usual, "x-request-id": self.issuer.mint("req_")} | dict(reply.headers)
        if reply.silence == "body":
            player.head(reply.status, headers)
            await asyncio.Event().wait()
        if reply.raw is not None:
            self.issuer.learn(reply.raw.decode(errors="replace"))
            return await player.whole(reply.raw, reply, headers=headers)
        if reply.body is not None or ask is None:
            body = reply.body if isinstance(reply.body, str) else json.dumps(reply.body or {})
            return await player.whole(body.encode(), reply, headers=headers)
        form = FORMS[ask.protocol]
        if not streams:
            return await player.whole(json.dumps(form.whole(reply, ask)).encode(), reply, headers=headers)
        error = form.error_event(reply, reply.end_after or 0)
        return await player.stream(form.frames(reply, ask), reply, headers=headers, error=error)

    async def _list(self, exchange: Exchange, path: str, player: Player) -> str:
        """Answer with the list of models, or with one of them, in the form that the caller's headers ask for."""
        form = messages if "anthropic-version" in exchange.headers else chat
        name = path.removeprefix("/v1/models").removeprefix("/")
        if name and name not in self.models:
            return await self._not_found(exchange, player)
        body = form.model_entry(name) if name else form.model_list(self.models)
        return await self._send(Reply(body=body), None, player)

    async def _not_found(self, exchange: Exchange, player: Player) -> str:
        is_anthropic = "anthropic-version" in exchange.headers
        text = "Not found" if is_anthropic else f"Unknown request URL: {exchange.method} {exchange.path}."
        kind = "not_found_error" if is_anthropic else "invalid_request_error"
        fault = Fault(message=text, status=404, kind=kind, code="unknown_url")
        protocol = "anthropic-messages" if is_anthropic else "openai-chat"
        body = error_body(fault, protocol=protocol, issuer=self.issuer)
        return await self._send(Reply(status=404, body=body), None, player)

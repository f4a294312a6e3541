"""The doors of the running application: its endpoints, its routes, and the streams that services send to it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

from aether.profile import Protocol
from tests.faults.sharing import CANARIES, OPERATOR, TOKEN, Visitor, providers, shared
from tests.fuzz import history, streams
from tests.fuzz.door import Door, holds
from tests.fuzz.odd import TEXTS, changed, dumps, garbled, text, value
from tests.scripted import Reply, ScriptedProvider

OVER_HTTP = {"http-streams": 2_000, "endpoints": 6_000, "routes": 12_000}
"""Door → its share. They are a hundred times slower than the pure ones."""
QUICK = {"http-streams": 30, "endpoints": 150, "routes": 400}
"""Door → inputs in the suite."""
EVERY = 100
"""Inputs between two looks at an honest visitor."""
GROWTH_MB = 400
FUZZ = "fuzz-model"
QUEUED = ("list_models", "select_model", "chat", "stop", "rerun", "transcript", "export", "import", "new_conversation")
"""The public endpoints, whose answers come as events."""
WIRES: dict[str, Protocol] = {"chat": "openai-chat", "responses": "openai-responses", "messages": "anthropic-messages"}
HEARD = {
    "chat": '{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"I "}}]}',
    "responses": '{"type":"response.output_text.delta","output_index":0,"content_index":0,"item_id":"i","delta":"I "}',
    "messages": '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"I "}}',
}
"""A first event, after which nobody asks again: retries would take seconds each."""
METHODS = ("GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "X" * 200, "")
PATHS = (
    *("/", "/config", "/healthz", "/metrics", "/operator", "/operator/pause", "/api/models", "/api/key", "/api/key/chat"),
    *("/api/allowance", "/api/alive", "/api/live", "/api/conversations", "/api/conversations/x", "/api/conversations/x/share"),
    *("/api/picture/x", "/ui/words.js", "/ui/page.css", "/theme.css", "/gradio_api/info", "/gradio_api/upload", "/assets/x"),
    *("/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/run/chat", "/gradio_api/call/chat"),
    *("/gradio_api/call/chat/x", "/gradio_api/file=/etc/passwd", "/static/x", "/gradio_api/startup-events", "/shared/x"),
)  # fmt: skip
BROKEN = ("Traceback", "Something went wrong inside", "Exception in ASGI")
"""What no line of the log and no answer says, whatever came in."""
ALLOWED = (503,)
"""Statuses from 500 on that are an answer: busy."""


class Running:
    """The application on a shared link over the scripted provider, and the doors into it."""

    def __enter__(self) -> Running:
        self._stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="aether-fuzz-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.provider = self._stack.enter_context(ScriptedProvider())
        settings = {
            "AETHER_OPERATOR_TOKEN": OPERATOR, "AETHER_BUDGET_USD": "1000000", "AETHER_VISITOR_RATE": "9999999",
            "AETHER_VISITOR_UPLOAD_MB": "9999999", "AETHER_LOG_LEVEL": "INFO",
        }  # fmt: skip
        text_ = providers(self.provider.url, models=(FUZZ,))
        self.app = self._stack.enter_context(shared(self.provider, self.folder, providers=text_, **settings))
        self.honest = Visitor(self.app, session="honest")
        self.stranger = Visitor(self.app, session="stranger")
        config = self.stranger.http.get("/config").json()
        self.names = sorted({str(d["api_name"]) for d in config["dependencies"] if d.get("api_name")})
        self._lines, self._inputs, self._rss = 0, 0, self.rss_mb()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def door(self, name: str) -> Door:
        """Return one of the doors into this application."""
        make: dict[str, Callable[[Random], bytes]] = {
            "http-streams": stream_made, "endpoints": partial(call_made, self.names), "routes": request_made,
        }  # fmt: skip
        enter = {"http-streams": self.stream, "endpoints": self.call, "routes": self.request}[name]
        return Door(name, make[name], partial(self._entered, enter), OVER_HTTP[name], QUICK[name])

    def rss_mb(self) -> float:
        """Return the memory of the application's process."""
        status = Path(f"/proc/{self.app.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def _entered(self, enter: Callable[[bytes], None], data: bytes) -> None:
        enter(data)
        self._inputs += 1
        said = self.app.lines[self._lines :]
        self._lines += len(said)
        self._clean("\n".join(said))
        if self._inputs % EVERY == 0:
            self.look_after_others()

    def look_after_others(self) -> None:
        """Hold that an honest answer comes whole, and that memory stays bounded."""
        question = f"honest {self._inputs}"
        answer = self.honest.ask(question)
        holds(answer["status"] == "done" and answer["text"] == f"You said: {question}", f"an honest answer: {answer}")
        holds(self.rss_mb() - self._rss < GROWTH_MB, f"memory grew from {self._rss:.0f} to {self.rss_mb():.0f} MB")
        if self._inputs % (10 * EVERY) == 0:
            self.honest.call("new_conversation")

    def _clean(self, said: str) -> None:
        for words in BROKEN:
            if words in said and "aetherWords" not in said:  # the page's own texts are no fault
                last = re.findall(r"^[\w.]*(?:Error|Exception|Warning)\b.*", said, re.MULTILINE)
                holds(False, f"{words} {last[-1] if last else ''}\n{said[-3000:]}")
        for canary in CANARIES:
            holds(canary not in said, "a secret is in the output")

    def stream(self, data: bytes) -> None:
        """Let a service answer with a stream; hold that the turn ends in words."""
        name, _, body = data.decode("utf-8", "surrogatepass").partition("\n")
        if name not in WIRES:
            return
        first = f"data: {HEARD[name]}\n\n"
        if name == "messages":
            body = re.sub(r"(?m)^data: (.*?\"type\": ?\"(\w+)\")", r"event: \2\ndata: \1", body)
            first = f"event: content_block_start\n{first}"
        raw = (first + body).encode("utf-8", "surrogatepass")
        self.stranger.choose(name, FUZZ)
        self.provider.script(FUZZ, [Reply(raw=raw, headers={"content-type": "text/event-stream"})])
        answer = self.stranger.ask("go on")
        self.provider._scripts[FUZZ].clear()
        holds(answer["status"] in ("done", "error", "stopped"), f"a turn that ends {answer['status']}")
        holds((answer["error"] or {}).get("kind") != "internal", f"an internal error: {answer['error']}")
        self._clean(json.dumps(answer, ensure_ascii=False))
        if answer["turn"] is not None and answer["turn"] >= 3:
            self.stranger.call("new_conversation")

    def call(self, data: bytes) -> None:
        """Call an endpoint with arguments; hold that it does not end in a fault of ours."""
        try:
            name, arguments = json.loads(data)
        except (ValueError, RecursionError, TypeError):
            return
        body = dumps({"data": arguments, "session_hash": "stranger"})
        headers = {"Content-Type": "application/json"}
        if name not in QUEUED:
            answer = self.stranger.http.post(f"/gradio_api/run/{name}", content=body, headers=headers)
            self._answered(answer.status_code, answer.text)
            return
        begun = self.stranger.http.post(f"/gradio_api/call/{name}", content=body, headers=headers)
        self._answered(begun.status_code, begun.text)
        if begun.status_code == 200:
            said = self.stranger.heard(name, begun.json()["event_id"])
            holds("event: error\ndata: null" not in said, f"a fault of ours: {said[-300:]}")
            self._clean(said)

    def request(self, data: bytes) -> None:
        """Send bytes as they are; hold that they are answered, or that the connection ends."""
        port = int(self.app.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            answer = b""
            try:
                connection.sendall(data.replace(b"@PORT@", str(port).encode()))
                connection.shutdown(socket.SHUT_WR)
                while (piece := connection.recv(65536)) and len(answer) < 500_000:
                    answer += piece
                    if b"text/event-stream" in answer:
                        break
            except ConnectionError:
                pass
        for status in re.findall(rb"^HTTP/1\.1 (\d+)", answer):
            self._answered(int(status), answer.decode("utf-8", "replace"))

    def _answered(self, status: int, said: str) -> None:
        refused = status == 500 and '"error":"' in said.replace(
            " ", ""
        )  # Gradio's status for what was told in a sentence
        holds(status < 500 or status in ALLOWED or refused, f"status {status}: {said[:600]}")
        self._clean(said)


def stream_made(rng: Random) -> bytes:
    """Return a provider's name and the body of a stream."""
    name = rng.choice(tuple(WIRES))
    return name.encode() + b"\n" + streams.stream(WIRES[name], rng).decode("utf-8", "replace").encode()


def call_made(names: list[str], rng: Random) -> bytes:
    """Return an endpoint and its arguments, as JSON: of any kind, or nearly as they should be."""
    name = rng.choice(names)
    usual: list[Any] = [
        text(rng),
        rng.choice(("chat", "messages", text(rng))),
        rng.choice(("echo-small", text(rng))),
        None,
        0,
        1.0,
    ]
    arguments = [rng.choice((*usual, value(rng, 2))) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4, 6)))]
    if rng.random() < 0.1:
        arguments.append({"path": rng.choice(TEXTS), "meta": {"_type": "gradio.FileData"}})
    return json.dumps([name, arguments]).encode()


def request_made(rng: Random) -> bytes:
    """Return the bytes of a request."""
    method = rng.choice(METHODS[:3]) if rng.random() < 0.8 else rng.choice(METHODS)
    path = rng.choice(PATHS) + rng.choice(
        ("", "", "", "/", "?x=1", "?q=" + text(rng), "/../x", "%00", "?token=x", "//", "#x")
    )
    body = dumps(
        rng.choice((value(rng), {"data": [text(rng)], "session_hash": "s"}, {"provider": "chat", "key": text(rng)}))
    ).encode()
    if rng.random() < 0.2:
        body = dumps(changed(rng, history.conversation(rng))).encode()
    headers = [f"Host: 127.0.0.1:@PORT@", f"X-Aether-Token: {TOKEN}", "Connection: close"]  # noqa: F541
    headers += rng.choice(
        (
            [f"Content-Length: {len(body)}"],
            ["Transfer-Encoding: chunked"],
            [f"Content-Length: {rng.choice((0, 5, -1, 10**12))}"],
        )
    )
    headers.append(
        "Content-Type: " + rng.choice(("application/json", "multipart/form-data; boundary=x", "text/plain", text(rng)))
    )
    headers += [
        f"{rng.choice(('Cookie', 'Origin', 'Accept-Language', 'Range', 'X-Aether-Visitor', 'Expect', 'X', text(rng)))}: {text(rng)}"
    ]
    rng.shuffle(headers)
    lines = "\r\n".join([f"{method} {path} HTTP/1.1", *headers]).replace("\n\n", "\n")
    whole = lines.encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body
    return garbled(rng, whole) if rng.random() < 0.1 else whole

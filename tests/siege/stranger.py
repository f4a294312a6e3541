"""Every kind of attack that somebody with the link and nothing else can make, one after another.

Run by path in a process of its own: `python -m tests.siege.stranger URL SECONDS SEED`. What the
application answers is not looked at here: the honest visitors tell whether it did harm.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import socket
import sys
import time
import zipfile
from base64 import b64encode
from collections.abc import Callable
from contextlib import ExitStack, suppress
from random import Random
from typing import Any, ClassVar

import httpx2
from pypdf import PdfWriter

from tests.faults.sharing import TOKEN
from tests.fuzz import running
from tests.fuzz.odd import text

ORIGIN = {"protocol": "", "base_url": "", "account": "", "model": "x"}
JSON = dict[str, Any]
QUEUED = ("list_models", "select_model", "chat", "stop", "rerun", "transcript", "export", "import", "new_conversation")
"""The public endpoints, whose answers come as events."""


class Stranger:
    """One client of many faces: each attack takes a fresh cookie from the server."""

    def __init__(self, url: str, seed: int) -> None:
        self.url, self.port = url, int(url.rpartition(":")[2])
        self.rng = Random(seed)
        self.fresh()

    answers: ClassVar[dict[str, str]] = {}
    """Endpoint → the end of its last answer."""

    def fresh(self) -> None:
        """Become another visitor."""
        self.http = httpx2.Client(base_url=self.url, headers={"X-Aether-Token": TOKEN}, timeout=20)
        self.session = secrets.token_hex(8)
        with suppress(httpx2.HTTPError):
            self.http.get("/api/models")

    def run(self, name: str, *data: Any, timeout_s: float = 20) -> None:
        """Call an endpoint and wait for its answer."""
        body = json.dumps({"data": list(data), "session_hash": self.session})
        headers = {"Content-Type": "application/json"}
        if name not in QUEUED:
            self.http.post(f"/gradio_api/run/{name}", content=body, headers=headers, timeout=timeout_s)
            return
        begun = self.http.post(f"/gradio_api/call/{name}", content=body, headers=headers, timeout=timeout_s)
        event = begun.json().get("event_id", "x")
        self.answers[name] = self.http.get(f"/gradio_api/call/{name}/{event}", timeout=timeout_s).text[-400:]

    def join(self, name: str, *data: Any) -> str:
        """Begin a call and do not listen."""
        body = {"data": list(data), "session_hash": self.session}
        return str(self.http.post(f"/gradio_api/call/{name}", json=body).json().get("event_id", "x"))

    def upload(self, name: str, data: bytes) -> str:
        """Hand a file in."""
        answer = self.http.post("/gradio_api/upload", files={"files": (name, data, "application/json")})
        return str(answer.json()[0])

    def bring(self, held: Any, name: str = "c.json") -> None:
        """Import a conversation."""
        data = held if isinstance(held, bytes) else json.dumps(held).encode()
        self.run("import", {"path": self.upload(name, data), "meta": {"_type": "gradio.FileData"}})


def said(*texts: str) -> JSON:
    """Return a conversation in which a model said these texts."""
    steps = [{"provider": "x", "model": "x", "origin": ORIGIN, "parts": [{"kind": "text", "text": t}]} for t in texts]
    turns = [{"prompt": [{"kind": "text", "text": "q"}], "answers": [{"steps": [s]}]} for s in steps]
    return {"version": 2, "turns": turns}


def keys_that_are_words(me: Stranger) -> None:
    for key in ('"content":', "messages", "assistant", "provider", "null", "a" * 400):
        me.http.post("/api/key", json={"provider": "keyless", "key": key})


def keys_of_many(me: Stranger) -> None:
    for _ in range(100):
        cookie = {"Cookie": f"aether_visitor={secrets.token_urlsafe(32)}"}
        me.http.post("/api/key", json={"provider": "keyless", "key": "sk-" + secrets.token_hex(20)}, headers=cookie)


def lines_of_curl(me: Stranger) -> None:
    for line in (
        'curl -H "x-api-key: $KEY"',
        '-H "Authorization: abc"',
        '{Authorization: "Bearer " + key}',
        "half \ud83d",
    ):
        me.run("chat", line)


def code_that_takes_long(me: Stranger) -> None:
    noise = "".join(me.rng.choices("abcd\n\n\n", k=6000))
    fences = [f"```{name}\n{noise}\n```" for name in ("xpp", "urlencoded", "systemd", "verifpal")]
    me.bring(said(*fences * 4))
    me.run("settle", None, None)


def text_that_takes_long(me: Stranger) -> None:
    me.bring(said(*["- a\n" * 40_000, "[" * 1400, "a *b " * 1900, "|a" * 9_000]))
    me.run("settle", None, None)


def many_turns(me: Stranger) -> None:
    me.bring(said(*["short"] * 4000))
    me.run("settle", None, None)
    listed = me.http.get("/api/conversations").json()["entries"]
    if listed:
        shared = me.http.post(f"/api/conversations/{listed[0]['id']}/share").json().get("share", "")
        me.http.get("/", params={"shared": shared})
        me.run("open", listed[0]["id"], None)


def many_cuts(me: Stranger) -> None:
    turns = [{"prompt": [{"kind": "text", "text": "q"}]}] * 3000
    me.bring({"version": 2, "turns": turns, "cuts": [{"first": 0, "last": 2999}] * 3000})
    me.run("select_model", "messages", "echo-small")


def sentences_that_take_long(me: Stranger) -> None:
    held = said("x")
    held["turns"][0]["answers"][0]["failure"] = {"kind": "rate", "message": " a. b! c? " * 20_000}
    me.http.headers["Accept-Language"] = "de"
    me.bring(held)
    me.run("settle", None, None)


def long_names(me: Stranger) -> None:
    for number in range(20):
        me.run("select_model", "chat", f"{number}" + "x" * 900_000)


def beats_without_a_cookie(me: Stranger) -> None:
    request = f"GET /gradio_api/heartbeat/s HTTP/1.1\r\nHost: 127.0.0.1:{me.port}\r\nX-Aether-Token: {TOKEN}\r\n\r\n"
    hold(me, 512, request.encode(), hold_s=6)


def silence(me: Stranger) -> None:
    hold(me, 900, b"GET / HT", hold_s=6)


def hold(me: Stranger, count: int, data: bytes, *, hold_s: float) -> None:
    """Open connections, say that much, and keep them open."""
    with ExitStack() as stack:
        for _ in range(count):
            with suppress(OSError):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", me.port), timeout=5))
                connection.sendall(data)
        time.sleep(hold_s)


def many_sessions(me: Stranger) -> None:
    for _ in range(150):
        me.session = secrets.token_hex(8)
        me.run("list_models")


def bytes_that_lie(me: Stranger) -> None:
    blob = {"sha256": "0" * 64, "mime": "image/png", "name": "p", "size": 300_000, "width": 1, "height": 1}
    prompt = [{"kind": "image", "blob": blob}, {"kind": "text", "text": "word " * 70_000}]
    me.bring({"version": 2, "turns": [{"prompt": prompt, "answers": []}]})
    me.run("chat", "go on")


def stopped_before_it_is_sent(me: Stranger) -> None:
    for _ in range(3):
        me.join("chat", "x" * 150_000)
        me.run("stop")


def messages_that_are_refused(me: Stranger) -> None:
    for _ in range(15):
        me.run("chat", secrets.token_urlsafe(600_000))


def exports(me: Stranger) -> None:
    me.bring(said(*["word " * 20_000] * 20))
    for _ in range(10):
        me.run("export", "json")


def small_files(me: Stranger) -> None:
    for _ in range(3):
        files = [("files", (f"{n}.txt", b"x", "text/plain")) for n in range(1000)]
        me.http.post("/gradio_api/upload", files=files)


def one_picture_twenty_times(me: Stranger) -> None:
    data = b"\x89PNG\r\n\x1a\n" + secrets.token_bytes(3_600_000)
    digest = hashlib.sha256(data).hexdigest()
    me.http.post("/api/key", json={"provider": "keyless", "key": "sk-made-up-" + secrets.token_hex(16)})
    picture = {"kind": "image", "blob": {"sha256": digest, "mime": "image/png", "name": "p", "size": 70}}
    held = said("fine")
    held["turns"][0]["prompt"] = [picture] * 20
    me.bring({**held, "files": {digest: b64encode(data).decode()}})
    me.run("select_model", "keyless", "echo-small")
    for _ in range(3):
        me.run("chat", "go")


def results_nobody_fetches(me: Stranger) -> None:
    me.bring(said(*["word " * 100] * 4000))
    for _ in range(15):
        me.join("transcript")
    for _ in range(5):
        me.join("chat", "word " * 10_000)


def zip_of_lists(me: Stranger) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("conversations.json", "[" + "[]," * 8_000_000 + "[]]")
    me.bring(out.getvalue(), "c.zip")


def slow_documents(me: Stranger) -> None:
    writer, out = PdfWriter(), io.BytesIO()
    page = writer.add_blank_page(100, 100)
    for _ in range(199):
        writer.add_page(page)
    writer.write(out)
    paths = [me.upload(f"{n}.pdf", out.getvalue()) for n in range(3)]
    for path in paths:
        me.join("take", [{"path": path, "meta": {"_type": "gradio.FileData"}}], None)


def raw_requests(me: Stranger) -> None:
    for _ in range(150):
        with suppress(OSError), socket.create_connection(("127.0.0.1", me.port), timeout=5) as connection:
            connection.sendall(running.request_made(me.rng).replace(b"@PORT@", str(me.port).encode()))
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096)


def odd_arguments(me: Stranger) -> None:
    names = ("chat", "rerun", "select_model", "import", "export", "settle", "open", "inspect", "stop", "transcript")
    for _ in range(100):
        name, arguments = json.loads(running.call_made(list(names), me.rng))
        me.run(name, *arguments)


def guesses(me: Stranger) -> None:
    with httpx2.Client(base_url=me.url, timeout=10) as outside:
        for _ in range(150):
            outside.get("/", params={"token": text(me.rng).encode("utf-8", "replace").decode()})


ATTACKS: tuple[Callable[[Stranger], None], ...] = (
    keys_that_are_words, code_that_takes_long, beats_without_a_cookie, zip_of_lists, messages_that_are_refused,
    keys_of_many, lines_of_curl, text_that_takes_long, many_turns, many_cuts, sentences_that_take_long, long_names,
    silence, many_sessions, bytes_that_lie, stopped_before_it_is_sent, exports, small_files, one_picture_twenty_times,
    results_nobody_fetches, slow_documents, raw_requests, odd_arguments, guesses,
)  # fmt: skip


def main(url: str, seconds: float, seed: int) -> None:
    """Attack until the time is over; say how often each attack was made."""
    me, end, number = Stranger(url, seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        attack = ATTACKS[number % len(ATTACKS)]
        number += 1
        began = time.monotonic()
        try:
            me.fresh()
            attack(me)
            how = "made"
        except Exception as error:  # refused, cut off, not answered: all of that is meant to be
            how = type(error).__name__
        print(f"{time.monotonic() - began:6.1f} s {attack.__name__}: {how}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))

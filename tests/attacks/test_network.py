"""Connections, sessions and the doors of HTTP against a crowd of one."""

from __future__ import annotations

import json
import re
import secrets
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aether.gate.places import OPEN_OF_PROGRAMS
from aether.guard.admission import Room
from aether.sessions import OF_VISITOR
from tests.app_process import ROOT, AppProcess
from tests.faults.sharing import OPERATOR, TOKEN, Visitor, shared
from tests.scripted import ScriptedProvider

FILES = 420


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="module")
def link(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """A shared link as its operator runs it."""
    settings = {"AETHER_LOG_LEVEL": "INFO", "AETHER_OPERATOR_TOKEN": OPERATOR}
    with shared(provider, tmp_path_factory.mktemp("link"), **settings) as app:
        yield app


def port_of(app: AppProcess) -> int:
    return int(app.url.rpartition(":")[2])


def raw(app: AppProcess, data: bytes, *, wait_s: float = 10.0) -> bytes:
    """Send bytes and return all that comes back until the connection ends, which the last request asks for."""
    with socket.create_connection(("127.0.0.1", port_of(app)), timeout=wait_s) as connection:
        connection.sendall(data)
        answer = b""
        while (piece := connection.recv(65536)) and len(answer) < 200_000:
            answer += piece
        return answer


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answer)]


def test_a2_silent_connections_keep_nobody_out(
    provider: ScriptedProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as many as the process may have files: who was there stays served, who comes is served."""
    monkeypatch.setattr(AppProcess, "files", FILES)
    with shared(provider, tmp_path, AETHER_LOG_LEVEL="INFO") as app:
        before, silent = Visitor(app), list[socket.socket]()
        assert before.ask("hello")["status"] == "done"
        try:
            for _ in range(2 * FILES):
                silent.append(socket.create_connection(("127.0.0.1", port_of(app)), timeout=10))
            assert Visitor(app).ask("a new visitor")["status"] == "done"
            assert before.ask("again")["status"] == "done"
            assert httpx2.get(f"{app.url}/healthz").status_code == 200
            assert len(list(Path(f"/proc/{app.pid}/fd").iterdir())) < FILES
        finally:
            for connection in silent:
                connection.close()
        assert not [line for line in app.lines if "Traceback" in line or "accept" in line]


def beat(app: AppProcess, name: str, *, cookie: str = "") -> socket.socket:
    """Hold a heartbeat open, as a program without a cookie."""
    held = socket.create_connection(("127.0.0.1", port_of(app)), timeout=10)
    more = f"Cookie: aether_visitor={cookie}\r\n" if cookie else ""
    text = f"GET /gradio_api/heartbeat/{name} HTTP/1.1\r\nHost: 127.0.0.1:{port_of(app)}\r\n"
    held.sendall(f"{text}X-Aether-Token: {TOKEN}\r\n{more}\r\n".encode())
    return held


def test_a1_no_crowd_of_programs_refuses_a_probe_or_another_program(link: AppProcess) -> None:
    held = [beat(link, f"s{number}") for number in range(OPEN_OF_PROGRAMS + 20)]
    try:
        for stream in held[-20:]:  # who came last is served: those that came first gave way
            assert b" 200 " in stream.recv(300)
        assert httpx2.get(f"{link.url}/healthz").json() == {"status": "ok"}
        headers = {"X-Aether-Token": TOKEN}
        assert httpx2.get(f"{link.url}/operator", auth=("me", OPERATOR), headers=headers).status_code == 200
        program = Visitor(link, session=secrets.token_hex(16), cookie=False)
        assert program.ask("another program")["status"] == "done"
        assert Visitor(link).ask("a new visitor")["status"] == "done"
    finally:
        for stream in held:
            stream.close()


def test_a1_bodies_that_do_not_come_keep_no_program_out(link: AppProcess) -> None:
    text = f"POST /gradio_api/call/chat HTTP/1.1\r\nHost: 127.0.0.1:{port_of(link)}\r\nX-Aether-Token: {TOKEN}\r\n"
    held = [socket.create_connection(("127.0.0.1", port_of(link)), timeout=10) for _ in range(OPEN_OF_PROGRAMS)]
    try:
        for number, stream in enumerate(held):
            stream.sendall(f"{text}Content-Length: {number + 10}\r\n\r\n{{".encode())
        program = Visitor(link, session=secrets.token_hex(16), cookie=False)
        assert program.call("list_models")["providers"]
        assert httpx2.get(f"{link.url}/healthz").status_code == 200
    finally:
        for stream in held:
            stream.close()


def heads(app: AppProcess) -> tuple[str, str]:
    """Return the headers of a visitor, without and with the one that ends the connection after the answer."""
    known = f"Host: 127.0.0.1:{port_of(app)}\r\nX-Aether-Token: {TOKEN}\r\n"
    known += f"Cookie: aether_visitor={secrets.token_urlsafe(32)}\r\n"
    return known, known + "Connection: close\r\n"


ODD: dict[str, tuple[str, list[int]]] = {
    "HTTP/1.0 without Host": ("GET /healthz HTTP/1.0\r\n\r\n", [421]),
    "absolute form, foreign": ("GET http://evil.example/api/models HTTP/1.1\r\n{last}\r\n", [404]),
    "two hosts": ("GET /api/models HTTP/1.1\r\nHost: evil\r\n{last}\r\n", [400]),
    "no host": ("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", [400]),
    "a length beside chunks": (
        "POST /api/key HTTP/1.1\r\n{more}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        "GET /healthz HTTP/1.1\r\n{last}\r\n",
        [400],
    ),
    "chunks": (
        "POST /api/key HTTP/1.1\r\n{last}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
        [400],
    ),
    "packed body": ("POST /api/key HTTP/1.1\r\n{last}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{{}}", [400]),
    "pipelined": ("GET /healthz HTTP/1.1\r\n{more}\r\nGET /healthz HTTP/1.1\r\n{more}\r\n", [200]),
    "double slash": ("GET //api/models HTTP/1.1\r\n{last}\r\n", [404]),
    "encoded slash": ("GET /gradio_api/file=%2Fetc%2Fpasswd HTTP/1.1\r\n{last}\r\n", [403]),
    "a foreign file": ("GET /gradio_api/file=/etc/passwd HTTP/1.1\r\n{last}\r\n", [403]),
    "a file of the project": ("GET /gradio_api/file={root}/app.py HTTP/1.1\r\n{last}\r\n", [403]),
    "climbing by backslash": ("GET /gradio_api/file={root}/..%5c..%5cdata HTTP/1.1\r\n{last}\r\n", [404]),
    "climbing, encoded": ("GET /static/..%2f..%2froutes.py HTTP/1.1\r\n{last}\r\n", [404]),
    "climbing, all encoded": ("GET /static/%2e%2e/%2e%2e/routes.py HTTP/1.1\r\n{last}\r\n", [404]),
    "an absolute path": ("GET /assets//etc/passwd HTTP/1.1\r\n{last}\r\n", [403, 404]),
    "climbing in ui": ("GET /ui/%2e%2e%2fhandlers.py HTTP/1.1\r\n{last}\r\n", [404]),
    "HEAD of the page": ("HEAD / HTTP/1.1\r\n{last}\r\n", [200, 405]),
    "HEAD of a foreign file": ("HEAD /gradio_api/file=/etc/passwd HTTP/1.1\r\n{last}\r\n", [403]),
    "a range": ("GET /robots.txt HTTP/1.1\r\n{last}Range: bytes=0-0,1-1,2-2\r\n\r\n", [200, 404]),
    "many ranges": ("GET /ui/page.js HTTP/1.1\r\n{last}Range: bytes={ranges}\r\n\r\n", [200, 404]),
    "websocket": (
        "GET /queue/join HTTP/1.1\r\n{more}Upgrade: websocket\r\nConnection: Upgrade, close\r\n"
        "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
        [404],
    ),
    "h2c": ("GET /healthz HTTP/1.1\r\n{more}Upgrade: h2c\r\nConnection: close\r\nHTTP2-Settings: AA\r\n\r\n", [200]),
    "a thousand headers": ("GET /healthz HTTP/1.1\r\n{last}{headers}\r\n", [431]),
    "a large header": ("GET /healthz HTTP/1.1\r\n{last}X: {large}\r\n\r\n", [200]),
    "too large a header": ("GET /healthz HTTP/1.1\r\n{last}X: {large}{large}\r\n\r\n", [431]),
    "many cookies": ("GET /healthz HTTP/1.1\r\n{last}Cookie: {cookies}\r\n\r\n", [200]),
    "a body for GET": ("GET /healthz HTTP/1.1\r\n{last}Content-Length: 2\r\n\r\n{{}}", [200]),
    "a long path": ("GET /{large} HTTP/1.1\r\n{last}\r\n", [404]),
    "an unknown expectation": ("POST /api/key HTTP/1.1\r\n{last}Expect: tea\r\nContent-Length: 2\r\n\r\n{{}}", [417]),
    "to go on": ("POST /api/key HTTP/1.1\r\n{last}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{{}}", [100, 400]),
    "a length of its own": ("POST /api/key HTTP/1.1\r\n{last}Content-Length: 900000000\r\n\r\n", [413]),
}  # fmt: skip
METHODS = ("OPTIONS", "PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "DELETE")
HOSTS = {
    "evil.example": 421, "127.0.0.1.nip.io": 421, "localhost.": 200, "LOCALHOST": 200, "[::1]": 200,
    "[::ffff:127.0.0.1]": 200, "0": 421, "2130706433": 421, "10.0.0.1": 200, "127.0.0.1:99999": 421,
    "a@127.0.0.1": 421, "": 421,
}  # fmt: skip
ORIGINS = {
    "null": 403, "http://127.0.0.1:{port}": 400, "https://127.0.0.1:{port}": 400, "http://127.0.0.1": 403,
    "http://localhost:{port}": 403, "http://127.0.0.1:{port}.evil": 403, "": 403,
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_g2_an_odd_request_gets_one_plain_answer(link: AppProcess, name: str) -> None:
    text, expected = ODD[name]
    more, last = heads(link)
    filled = text.format(
        more=more, last=last, root=ROOT, large="a" * 50_000, headers="".join(f"X-{i}: a\r\n" for i in range(1000)),
        cookies="; ".join(f"a{i}=b" for i in range(6000)), ranges=",".join(f"{i}-{i}" for i in range(5000)),
    )  # fmt: skip
    answer = raw(link, filled.encode())
    got = statuses(answer)
    assert got == expected or (len(got) == 1 and got[0] in expected), answer[:300]
    assert b"root:" not in answer and b"def main" not in answer


@pytest.mark.parametrize("method", METHODS)
def test_g2_no_other_method_is_known(link: AppProcess, method: str) -> None:
    answer = raw(link, f"{method} /api/alive HTTP/1.1\r\n{heads(link)[1]}\r\n".encode())
    assert statuses(answer) in ([404], [405]), answer[:300]


@pytest.mark.parametrize("host", HOSTS)
def test_g2_only_its_own_names_open_it(link: AppProcess, host: str) -> None:
    answer = raw(
        link,
        f"GET /api/alive HTTP/1.1\r\nHost: {host}\r\nX-Aether-Token: {TOKEN}\r\nConnection: close\r\n\r\n".encode(),
    )
    assert statuses(answer) == [HOSTS[host]], answer[:300]


@pytest.mark.parametrize("origin", ORIGINS)
def test_g2_no_other_site_may_ask(link: AppProcess, origin: str) -> None:
    own = origin.format(port=port_of(link))
    text = f"POST /api/key HTTP/1.1\r\n{heads(link)[1]}Origin: {own}\r\nContent-Length: 2\r\n\r\n{{}}"
    assert statuses(raw(link, text.encode())) == [ORIGINS[origin]]


def test_g2_a_forged_visitor_is_nobody(link: AppProcess) -> None:
    text = f"GET /api/allowance HTTP/1.1\r\n{heads(link)[1]}X-Aether-Visitor: {'0' * 32}\r\n\r\n"
    assert statuses(raw(link, text.encode())) == [200]


def read_to_end(lines: Iterator[str]) -> dict[str, Any]:
    """Return the last value of a call's stream."""
    told = [line for line in lines if line.startswith("data: ")]
    return json.loads(told[-1].removeprefix("data: "))[0]


def test_r1_a_stop_ends_while_its_chat_is_read_with_the_same_session(link: AppProcess) -> None:
    visitor = Visitor(link)
    visitor.choose("responses", "stall-3")
    event = visitor.join("chat", "go on")
    with visitor.http.stream("GET", f"/gradio_api/call/chat/{event}") as answer:
        lines = answer.iter_lines()
        assert any("t3" in line for line in lines)
        assert visitor.call("stop") == {"stopped": True}
        assert visitor.call("list_models")["current"]["model"] == "stall-3"
        value = read_to_end(lines)
    assert (value["status"], value["text"].split()[-1]) == ("stopped", "t3")


def test_r1_twenty_calls_of_one_session_each_get_their_own_value(link: AppProcess) -> None:
    visitor = Visitor(link)
    events = [(name, visitor.join(name)) for _ in range(10) for name in ("list_models", "transcript")]
    for name, event in reversed(events):
        value = visitor.heard(name, event)
        assert value.count("event: complete") == 1
        assert ('"providers"' in value) is (name == "list_models")
        assert visitor.http.get(f"/gradio_api/call/{name}/{event}").status_code == 404, "it was fetched"


def test_r1_a_call_is_read_by_nobody_else(link: AppProcess) -> None:
    visitor, other = Visitor(link), Visitor(link)
    event = visitor.join("transcript")
    assert other.http.get(f"/gradio_api/call/transcript/{event}").status_code == 404
    assert "event: complete" in visitor.heard("transcript", event)


def test_s1_who_hears_one_call_listens_to_that_session_alone(link: AppProcess, provider: ScriptedProvider) -> None:
    """A turn that nobody hears never begins, whatever else its visitor listens to."""
    visitor, before = Visitor(link), len(provider.requests)
    visitor.choose("responses", "stall-3")
    heard = visitor.join("chat", "heard")
    with visitor.http.stream("GET", f"/gradio_api/call/chat/{heard}") as answer:
        assert any("t3" in line for line in answer.iter_lines())
        visitor.session = "another"
        unheard = visitor.join("chat", "unheard")
        for number in range(2 * Room.unheard):  # so many that wait for a listener drive it out
            Visitor(link, session=f"s{number}").join("chat", "nor these")
        value = read_to_end(iter(visitor.heard("chat", unheard).splitlines()))
        assert value["status"] == "error"
    assert len([entry for entry in provider.requests[before:] if entry.is_answer]) == 1


def test_s1_one_visitors_many_sessions_leave_all_others_as_they_were(
    link: AppProcess, provider: ScriptedProvider
) -> None:
    honest, flood, program = Visitor(link), Visitor(link), Visitor(link, session=secrets.token_hex(9), cookie=False)
    assert honest.ask("remember the pelican")["status"] == "done"
    honest.choose("responses", "stall-3")
    event = honest.join("chat", "more")
    with honest.http.stream("GET", f"/gradio_api/call/chat/{event}") as answer:
        lines = answer.iter_lines()  # kept: the connection closes with it, and nobody would listen any more
        assert any("t3" in line for line in lines)
        got = list[int]()
        for number in range(3 * OF_VISITOR):
            for visitor in (flood, program):
                body = {"data": [], "session_hash": f"{number}-of-many"}
                got.append(visitor.http.post("/gradio_api/call/transcript", json=body).status_code)
        assert set(got) <= {200, 429}
        assert honest.call("stop") == {"stopped": True}
    assert "remember the pelican" in honest.raw("transcript")
    provider.wait_for(lambda s: not s.open_streams, timeout_s=30)


def test_a_crowd_of_wrong_tokens_is_logged_once_and_keeps_no_right_one_out(link: AppProcess) -> None:
    visitor, before = Visitor(link), len(link.lines)
    with httpx2.Client(base_url=link.url) as guesser, ThreadPoolExecutor(8) as pool:
        guessed = [pool.submit(guesser.get, "/", headers={"X-Aether-Token": f"guess-{n}"}) for n in range(40)]
        wrong = [pool.submit(guesser.get, "/metrics", auth=("me", f"guess-{n}")) for n in range(5)]
        assert visitor.ask("still here")["status"] == "done"
        assert Visitor(link).http.get("/metrics", auth=("me", OPERATOR)).status_code == 200
        assert {answer.result().status_code for answer in guessed + wrong} == {401}
    told = [line for line in link.lines[before:] if "wrong token" in line]
    assert sorted(told) == [
        "WARNING A wrong token was tried for the link",
        "WARNING A wrong token was tried for the operator",
    ]


def test_the_numbers_are_the_operators_alone(link: AppProcess) -> None:
    assert Visitor(link).http.get("/metrics").status_code == 401, "the link shows nobody what is spent"
    assert httpx2.get(f"{link.url}/metrics").status_code == 401
    bearer = httpx2.get(f"{link.url}/metrics", headers={"Authorization": f"Bearer {OPERATOR}"})
    assert bearer.status_code == 200 and "aether_cost_usd" in bearer.text
    assert httpx2.get(f"{link.url}/operator", auth=("me", OPERATOR)).status_code == 401, "the page needs the link too"

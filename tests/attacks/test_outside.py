"""What comes from outside: a service that sends half a character, every route there is, a database that goes away."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import psycopg
import pytest

from aether.gate.link import OPEN
from aether.ui.formula import mathml
from aether.ui.markdown import prose
from tests import postgres
from tests.app_process import ROOT, AppProcess
from tests.faults.sharing import OPERATOR, TOKEN, Visitor, providers, shared, wait_until
from tests.fuzz.markup import is_harmless
from tests.scripted import Reply, ScriptedProvider

PROTOCOLS = ("chat", "responses", "messages")


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="module")
def link(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """A shared link with an operator's page."""
    with shared(provider, tmp_path_factory.mktemp("link"), AETHER_OPERATOR_TOKEN=OPERATOR) as app:
        yield app


def in_pieces(protocol: str, pieces: list[str]) -> Reply:
    """Return an answer whose text comes in these pieces, each escaped by itself."""
    match protocol:
        case "chat":
            told = [{"choices": [{"index": 0, "delta": {"content": p}}]} for p in pieces]
            told.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        case "responses":
            told = [{"type": "response.output_text.delta", "output_index": 0, "delta": p} for p in pieces]
            told.append({"type": "response.completed", "response": {"status": "completed", "output": []}})
        case _:
            told = [{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
            delta = {"type": "content_block_delta", "index": 0}
            told += [delta | {"delta": {"type": "text_delta", "text": p}} for p in pieces]
            told.append({"type": "message_stop"})
    lines = (f"event: {e.get('type', 'x')}\ndata: {json.dumps(e)}\n\n" for e in told)
    return Reply(raw="".join(lines).encode(), headers={"content-type": "text/event-stream"})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_r11_half_a_character_is_no_end_of_a_conversation(
    link: AppProcess, provider: ScriptedProvider, protocol: str
) -> None:
    """A character in two halves is whole, a lone half is replaced, and all that reads the conversation still can."""
    visitor = Visitor(link, session=f"halves-{protocol}")
    visitor.choose(protocol, "echo-small")
    provider.script("echo-small", [in_pieces(protocol, ["Hello ", "\ud83d", "\ude00", " and \ud800", " there"])])
    body = json.dumps({"data": ["x\ud83dy"], "session_hash": visitor.session})  # escaped, as a program may send it
    headers = {"Content-Type": "application/json"}
    event = visitor.http.post("/gradio_api/call/chat", content=body, headers=headers).json()["event_id"]
    answer = json.loads(visitor.heard("chat", event).split("event: complete\ndata: ")[1].split("\n")[0])[0]
    assert (answer["status"], answer["text"]) == ("done", "Hello \U0001f600 and \ufffd there")
    assert visitor.ask("and now?")["status"] == "done"
    assert "\U0001f600" in json.dumps(visitor.call("transcript"), ensure_ascii=False)
    for name in ("settle", "inspect"):
        run = visitor.http.post(f"/gradio_api/run/{name}", json={"data": [None, None], "session_hash": visitor.session})
        assert run.status_code == 200, name
    wait_until(link, lambda: visitor.http.get("/api/conversations").json()["entries"])
    id_ = visitor.http.get("/api/conversations").json()["entries"][0]["id"]
    opened = visitor.http.post("/gradio_api/run/open", json={"data": [id_, None], "session_hash": "another"})
    assert opened.status_code == 200
    assert not any("Something went wrong" in line or "Traceback" in line for line in link.lines)


ROUTES = """
from aether.services import Services
from aether.settings import Settings
from aether.web import build_app
import json
def walk(routes, prefix=""):
    for route in routes:
        path = prefix + getattr(route, "path", "")
        inner = getattr(route, "routes", None) or getattr(getattr(route, "app", None), "routes", None)
        if inner:
            yield from walk(inner, path.rstrip("/"))
        else:
            for method in sorted(getattr(route, "methods", None) or {"GET"}):
                yield method, path
print(json.dumps(list(walk(build_app(Services(Settings.load(dotenv=None))).routes))))
"""


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Every method and path of the application's own table, Gradio's among them, its parameters filled in."""
    folder = tmp_path_factory.mktemp("routes")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "AETHER_LOCAL": "0", "HOME": str(folder)}
    command = [sys.executable, "-c", ROUTES]
    told = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120, check=True).stdout
    table = [(method, re.sub(r"{[^}]*}", "x", path) or "/") for method, path in json.loads(told.splitlines()[-1])]
    assert len(table) >= 40
    return sorted(set(table))


def test_g1_no_route_is_open_without_the_link(link: AppProcess, routes: list[tuple[str, str]]) -> None:
    with httpx2.Client(base_url=link.url, timeout=30) as stranger:
        for method, path in routes:
            status = stranger.request(method, path).status_code
            assert status in (401, 404, 405) or path in OPEN, f"{method} {path}: {status}"


def test_g1_no_route_fails_with_the_link_and_gradios_spares_are_not_there(
    link: AppProcess, routes: list[tuple[str, str]]
) -> None:
    visitor = Visitor(link)
    spares = (
        "deep_link",
        "monitoring",
        "vibe",
        "process_recording",
        "proxy",
        "component_server",
        "login",
        "dev/reload",
    )
    for method, path in routes:
        with visitor.http.stream(method, path, json={} if method == "POST" else None) as answer:
            assert answer.status_code < 500, f"{method} {path}: {answer.status_code}"
            if any(spare in path for spare in spares):
                assert answer.status_code in (404, 405), f"{method} {path}: {answer.status_code}"


DEEP = (
    *(
        "{" * 900 + "}" * 900,
        "\\frac{" * 300 + "1" + "}{2}" * 300,
        "\\sqrt{" * 330 + "}" * 330,
        "x" + "^{x" * 600 + "}" * 600,
    ),
    *(
        "\\left(" * 330,
        "\\left(" * 160 + "\\right)" * 160,
        "\\begin{matrix}" * 140,
        "\\begin{matrix}a\\end{matrix}" * 70,
    ),
    *(
        "\\overbrace{" * 180 + "}" * 180,
        "\\text{" * 330 + "}" * 330,
        "\\hat" * 490,
        "\\not" * 490,
        "\\mathop{" * 240 + "}" * 240,
    ),
)
LONG = (
    *("x_1^2" * 390, "&" * 1_990, "\\\\" * 990, "'" * 1_990, "\\," * 990, "a" * 1_990, "1" * 1_990, "\\alpha" * 330),
    *("\\begin{array}{" + "c" * 1_900 + "}\\end{array}", "\\begin{align}" + "a&b\\\\" * 380 + "\\end{align}"),
    *(
        "\\substack{" + "a\\\\" * 640 + "}",
        "\\binom" * 330,
        "_" * 1_990,
        "^" * 1_990,
        "\\limits" * 280,
        "\\middle|" * 240,
    ),
    *(
        "\\color{red}" * 180,
        "\\hspace{1cm}" * 160,
        "\\unicode{x41}" * 150,
        "<" * 1_990,
        "\\def\\x{\\x\\x}\\x",
        "\\href{javascript:x}{y}",
    ),
)


@pytest.mark.parametrize("source", [*DEEP, *LONG], ids=lambda source: source[:12])
def test_formulas_that_are_made_to_take_long_are_drawn_or_shown_as_they_stand(source: str) -> None:
    began = time.process_time()
    for display in (True, False):
        is_harmless(mathml(source, display=display))
    is_harmless(prose(f"$${source}$$ and ${source}$"))
    assert time.process_time() - began < 4


@pytest.mark.skipif(postgres.binaries() is None, reason=postgres.WHY_NOT)
def test_u2_a_database_that_stops_in_mid_answer_loses_nothing(
    provider: ScriptedProvider, tmp_path: Path, cluster: postgres.Cluster
) -> None:
    """NUL in every text, then an immediate stop of PostgreSQL: the answer is whole, saved, and no entry stays open."""
    url = cluster.database()
    with shared(provider, tmp_path, AETHER_DATABASE_URL=url, providers=providers(provider.url)) as app:
        odd = Visitor(app, session="odd")
        provider.script("echo-small", [Reply(text="x\0y")])
        assert odd.ask("a\0b")["status"] == "done"
        wait_until(app, lambda: _turns(odd) == [1])
        id_ = odd.http.get("/api/conversations").json()["entries"][0]["id"]
        for query in ("\0", "a\0b", "'", "\\", "a:*", "<->", "a & !b", "%", "_"):
            assert odd.http.get("/api/conversations", params={"q": query}).status_code == 200
        assert odd.http.get("/api/conversations", params={"after": "\0:" + "0" * 32}).status_code == 200
        assert odd.http.post(f"/api/conversations/{id_}", json={"title": "t\0t"}).status_code == 200
        assert Visitor(app).http.post("/api/conversations/%00", json={"title": "t"}).status_code in (400, 404)
        run = {"data": ["\0", None], "session_hash": "odd"}
        assert odd.http.post("/gradio_api/run/open", json=run).status_code == 200
        visitor = Visitor(app, session="long")
        visitor.choose("chat", "gate-3")
        with ThreadPoolExecutor(1) as hands:
            answer = hands.submit(visitor.ask, "a long one")
            provider.wait_for(lambda s: s.requests[-1].model == "gate-3" and s.requests[-1].tokens >= 3, 30)
            cluster.stop()
            try:
                assert Visitor(app).http.get("/healthz").status_code == 503
            finally:
                cluster.start()
            provider.release()
            settled = answer.result(60)
        assert (settled["status"], settled["error"]) == ("done", None)
        wait_until(app, lambda: _turns(visitor) == [1], timeout_s=60)
        wait_until(app, lambda: not _open_entries(url), timeout_s=60)
        assert not any("Traceback" in line for line in app.lines)


def _turns(visitor: Visitor) -> list[int]:
    listed = visitor.http.get("/api/conversations")
    return [e["turns"] for e in listed.json()["entries"]] if listed.status_code == 200 else []


def _open_entries(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM ledger_entries WHERE charged IS NULL").fetchone()
        return found[0] if found else 0


def test_what_cannot_be_read_is_refused_without_a_traceback(link: AppProcess) -> None:
    """Arguments of another number or kind, and bodies whose frames are broken: a line of the log for none of them."""
    visitor, port = Visitor(link), int(link.url.rpartition(":")[2])
    for name in ("settle", "open", "inspect", "boot", "take"):
        for data in ([], [None] * 9, [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], [[[]], {}, "x"]):
            call = visitor.http.post(f"/gradio_api/run/{name}", json={"data": data, "session_hash": "odd"})
            assert call.status_code < 500 or call.json()["error"], f"{name} {data}: {call.text}"
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            head = f"GET /api/models HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Aether-Token: {TOKEN}\r\n"
            connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\nno frame\r\n".encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    assert Visitor(link).ask("hello")["status"] == "done"
    assert not any("Traceback" in line for line in link.lines)


def test_u1_a_locked_database_loses_no_message(provider: ScriptedProvider, tmp_path: Path) -> None:
    """Another program holds SQLite's lock until all visitors have been told so; their messages are kept and saved."""
    with shared(provider, tmp_path) as app:
        visitors = [Visitor(app, session=f"locked-{n}") for n in range(4)]
        assert visitors[0].ask("warm")["status"] == "done"
        with ThreadPoolExecutor(len(visitors)) as hands:
            other = sqlite3.connect(tmp_path / "data" / "aether.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            try:
                answers = list(hands.map(lambda v: v.ask("while it is locked"), visitors))
                reads = {visitors[0].http.get(path).status_code for path in ("/api/alive", "/api/models")}
            finally:
                other.execute("ROLLBACK")
                other.close()
        assert reads == {200}
        for answer in answers:
            assert answer["status"] == "done" or "locked" in answer["error"]["message"], answer
        for visitor in visitors:
            assert visitor.ask("and after")["status"] == "done"
            assert "while it is locked" in json.dumps(visitor.call("transcript"))
            wait_until(app, lambda visitor=visitor: _words_saved(visitor), timeout_s=30)
        assert not any("Traceback" in line for line in app.lines)


def _words_saved(visitor: Visitor) -> bool:
    found = visitor.http.get("/api/conversations", params={"q": "locked"})
    return found.status_code == 200 and bool(found.json()["entries"])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_no_json_count_as_no_value(link: AppProcess, number: str) -> None:
    visitor, headers = Visitor(link), {"Content-Type": "application/json"}
    for path in ("cancel", "reset", "queue/join", "run/settle", "call/chat"):
        statuses = [
            visitor.http.post(
                f"/gradio_api/{path}",
                content=f'{{"version": {value}, "data": [{value}], "event_id": {value}}}',
                headers=headers,
            ).status_code
            for value in (number, "null")
        ]
        assert statuses[0] == statuses[1], path
    assert not any("Traceback" in line for line in link.lines)


@pytest.mark.parametrize(
    "value", ['"9"', '"9999999999"', f'"{"9" * 5000}"', '"²"', '"-1"', "[[]]", "1e308", '{"path": "/a/a"}']
)
def test_no_event_of_the_page_fails_with_a_traceback(link: AppProcess, value: str) -> None:
    visitor, headers = Visitor(link), {"Content-Type": "application/json"}
    for event in visitor.http.get("/config").json()["dependencies"]:
        data = ", ".join([value] * len(event["inputs"]))
        body = f'{{"fn_index": {event["id"]}, "session_hash": "tab", "data": [{data}]}}'
        visitor.http.post("/gradio_api/run/predict", content=body, headers=headers)
    assert not any("Traceback" in line for line in link.lines)

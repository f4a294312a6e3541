"""The gate, through the real server: who is let in, from where, to which route, with how much."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from http.cookies import SimpleCookie

import httpx2
import pytest
from gradio_client import Client

from tests.app_process import AppProcess
from tests.faults.sharing import TOKEN
from tests.scripted import ScriptedProvider

CLOSED = (
    *("/", "/config", "/gradio_api/info", "/gradio_api/startup-events", "/theme.css", "/api/models", "/metrics"),
    *("/gradio_api/queue/data?session_hash=s", "/gradio_api/heartbeat/s", "/gradio_api/file=/etc/passwd", "/operator"),
)


@pytest.mark.parametrize("path", CLOSED)
def test_nothing_is_shown_without_the_token(link: AppProcess, path: str) -> None:
    answer = httpx2.get(link.url + path)
    assert answer.status_code in (401, 403, 404)
    assert "echo-small" not in answer.text


@pytest.mark.parametrize("path", ["queue/join", "run/chat", "call/chat", "call/select_model", "cancel", "upload"])
def test_nothing_is_done_without_the_token(link: AppProcess, provider: ScriptedProvider, path: str) -> None:
    before = len(provider.requests)
    body = {"data": ["hello"], "session_hash": "s", "fn_index": 2}
    assert httpx2.post(f"{link.url}/gradio_api/{path}", json=body).status_code == 401
    assert len(provider.requests) == before


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "a", TOKEN.upper(), "é", "%00"])
def test_a_wrong_token_opens_nothing(link: AppProcess, token: str) -> None:
    assert httpx2.get(link.url, params={"token": token}).status_code == 401
    header = {"X-Aether-Token": token.encode()}
    assert httpx2.get(f"{link.url}/api/models", headers=header).status_code == 401
    assert httpx2.get(f"{link.url}/api/models", headers={"Cookie": "aether_link=" + TOKEN}).status_code == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address_bar(link: AppProcess) -> None:
    answer = httpx2.get(f"{link.url}/?__theme=dark&token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?__theme=dark"
    cookie = SimpleCookie(answer.headers["set-cookie"])["aether_link"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert TOKEN not in cookie.value
    assert httpx2.get(link.url, headers={"Cookie": f"aether_link={cookie.value}"}).status_code == 200


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "///evil.example"])
def test_the_redirect_never_leaves_this_server(link: AppProcess, path: str) -> None:
    host, port = link.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"GET {path}?token={TOKEN} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        head = raw.recv(4096).decode().lower()
    assert "location: //" not in head
    assert "location: /\\" not in head


def test_a_program_sends_the_token_as_a_header(link: AppProcess) -> None:
    client = Client(link.url, headers={"X-Aether-Token": TOKEN}, verbose=False)
    assert client.submit("hello", api_name="/chat").result(timeout=30)["text"] == "You said: hello"


def test_healthz_needs_no_token_and_tells_nothing(link: AppProcess) -> None:
    assert httpx2.get(f"{link.url}/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "aether.example.evil.example", "", "a@127.0.0.1", "127.0.0.1/x"]
)
@pytest.mark.parametrize("which", ["local", "link"])
def test_a_foreign_name_for_this_host_is_refused(request: pytest.FixtureRequest, which: str, host: str) -> None:
    app: AppProcess = request.getfixturevalue(which)
    answer = httpx2.get(f"{app.url}/config", headers={"Host": host, "X-Aether-Token": TOKEN})
    assert answer.status_code in (400, 421)


def test_the_public_name_is_ours_and_makes_cookies_secure(link: AppProcess) -> None:
    answer = httpx2.get(f"{link.url}/?token={TOKEN}", headers={"Host": "aether.example"})
    assert "; Secure" in answer.headers["set-cookie"]
    config = httpx2.get(f"{link.url}/config", headers={"Host": "aether.example", "X-Aether-Token": TOKEN}).json()
    assert config["root"] == "https://aether.example"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://", "http://["])
def test_another_site_can_do_nothing(local: AppProcess, provider: ScriptedProvider, origin: str) -> None:
    before = len(provider.requests)
    for path in ("gradio_api/call/chat", "gradio_api/queue/join", "api/key"):
        body = {"data": ["hi"], "session_hash": "x", "fn_index": 2}
        answer = httpx2.post(f"{local.url}/{path}", json=body, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert httpx2.get(f"{local.url}/api/models", headers={"Origin": origin}).status_code == 403
    assert httpx2.get(f"{local.url}/api/models", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert len(provider.requests) == before


def test_our_own_page_may(local: AppProcess) -> None:
    headers = {"Origin": local.url, "Sec-Fetch-Site": "same-origin"}
    assert httpx2.get(f"{local.url}/api/models", headers=headers).status_code == 200


def test_what_a_proxy_is_said_to_say_is_not_believed(local: AppProcess) -> None:
    lies = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "6.6.6.6",
        "Forwarded": "host=evil.example",
    }
    assert httpx2.get(f"{local.url}/config", headers=lies).json()["root"] == local.url
    assert "evil.example" not in httpx2.get(f"{local.url}/gradio_api/info", headers=lies).text


CLOSED_ROUTES = (
    *("gradio_api/deep_link?session_hash=s", "gradio_api/openapi.json", "openapi.json", "docs", "redoc", "monitoring"),
    *("monitoring/summary", "gradio_api/runs", "gradio_api/run-history/records", "gradio_api/run-history/buckets"),
    *("gradio_api/file=http://169.254.169.254/", "gradio_api/file=https://example.com/x", "gradio_api/proxy=http://x/"),
    *("gradio_api/proxy=https://huggingface.co/", "gradio_api/custom_component/a/client/component/x.js", "user"),
    *("gradio_api/file/http://example.com", "gradio_api/dev/reload", "gradio_api/vibe-code", "gradio_api/queue/status"),
    *("gradio_api/stream/s/1/2/playlist.m3u8", "gradio_api/profiling/traces", "gradio_api//deep_link?session_hash=s"),
    *("GRADIO_API/deep_link", "gradio_api/../gradio_api/deep_link", "gradio_api/%64eep_link?session_hash=s", "token"),
)


@pytest.mark.parametrize("path", CLOSED_ROUTES)
def test_routes_that_leak_or_fetch_are_not_there(local: AppProcess, path: str) -> None:
    assert httpx2.get(f"{local.url}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["gradio_api/component_server", "gradio_api/process_recording", "gradio_api/vibe-edit",
                                  "gradio_api/stream/x", "gradio_api/run-history/connect", "login"])  # fmt: skip
def test_routes_that_act_for_others_are_not_there(local: AppProcess, path: str) -> None:
    assert httpx2.post(f"{local.url}/{path}", json={}).status_code == 404


@pytest.mark.parametrize("path", ["etc/passwd", "proc/self/environ", "root/.bashrc"])
def test_files_of_the_machine_are_not_served(local: AppProcess, path: str) -> None:
    assert httpx2.get(f"{local.url}/gradio_api/file=/{path}").status_code in (403, 404)


def test_case_13_a_body_too_large_is_refused_by_what_it_says_and_by_what_comes(local: AppProcess) -> None:
    big = b'{"data": ["' + b"x" * 1_200_000 + b'"]}'

    def pieces() -> Iterator[bytes]:
        yield from (big[i : i + 65_536] for i in range(0, len(big), 65_536))

    headers = {"Content-Type": "application/json"}
    for content in (big, pieces()):
        answer = httpx2.post(f"{local.url}/gradio_api/call/chat", content=content, headers=headers)
        assert answer.status_code == 413
    assert httpx2.post(f"{local.url}/api/key", content=big, headers=headers).status_code == 413
    assert httpx2.get(local.url).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"[" * 100_000, b'{"a":' * 50_000, b'{"session_hash": 7}', b'{"session_hash": ""}', b"\xff"],
)
def test_a_body_that_is_no_request_is_refused_in_words(local: AppProcess, body: bytes) -> None:
    answer = httpx2.post(f"{local.url}/gradio_api/queue/join", content=body)
    assert answer.status_code in (400, 422)
    assert httpx2.get(f"{local.url}/healthz").status_code == 200


def test_case_18_the_hash_of_a_session_alone_gives_nothing(local: AppProcess, provider: ScriptedProvider) -> None:
    victim = httpx2.Client(base_url=local.url, timeout=10)
    victim.get("/")
    session = "victims-session"

    def call(http: httpx2.Client, name: str, data: list[object]) -> str:
        begun = http.post(f"/gradio_api/call/{name}", json={"data": data, "session_hash": session}).json()["event_id"]
        return http.get(f"/gradio_api/call/{name}/{begun}").text

    assert "pelican" in call(victim, "chat", ["pelican"])
    assert "pelican" in call(victim, "transcript", [])
    stranger, program = httpx2.Client(base_url=local.url, timeout=10), httpx2.Client(base_url=local.url, timeout=10)
    stranger.get("/")
    for thief in (stranger, program):
        with suppress(httpx2.RemoteProtocolError):  # Gradio breaks the stream of a session that is not there
            data = thief.get("/gradio_api/queue/data", params={"session_hash": session})
            assert "pelican" not in data.text
        assert "pelican" not in call(thief, "transcript", [])
    assert "pelican" in call(victim, "transcript", [])


def test_case_18_a_stranger_cannot_end_anothers_answer(local: AppProcess, provider: ScriptedProvider) -> None:
    victim, thief = httpx2.Client(base_url=local.url, timeout=10), httpx2.Client(base_url=local.url, timeout=10)
    victim.get("/")
    thief.get("/")
    session = "another-victim"
    begun = victim.post(
        "/gradio_api/call/select_model", json={"data": ["chat", "gate-3"], "session_hash": session}
    ).json()["event_id"]
    victim.get(f"/gradio_api/call/select_model/{begun}")
    begun = victim.post("/gradio_api/call/chat", json={"data": ["x"], "session_hash": session}).json()["event_id"]
    provider.wait_for(lambda s: s.log.held_streams, timeout_s=30)
    for fn_index in range(12):
        thief.post("/gradio_api/cancel", json={"session_hash": session, "fn_index": fn_index, "event_id": "x"})
    thief.post("/gradio_api/call/stop", json={"data": [], "session_hash": session})
    with thief.stream("GET", f"/gradio_api/heartbeat/{session}") as heartbeat:
        next(heartbeat.iter_lines())
    provider.release()
    settled = victim.get(f"/gradio_api/call/chat/{begun}").text
    assert '"status": "done"' in settled.split("event: complete")[1]


def test_a_session_named_twice_is_one_session(local: AppProcess) -> None:
    """Two readers of one body could each take another of two equal keys; the gate writes it anew."""
    victim, thief = httpx2.Client(base_url=local.url, timeout=10), httpx2.Client(base_url=local.url, timeout=10)
    victim.get("/")
    thief.get("/")
    begun = victim.post("/gradio_api/call/chat", json={"data": ["ibis"], "session_hash": "v"}).json()["event_id"]
    victim.get(f"/gradio_api/call/chat/{begun}")
    with suppress(httpx2.RemoteProtocolError):
        assert "ibis" not in thief.get("/gradio_api/queue/data?session_hash=other&session_hash=v").text
    body = json.dumps({"data": [], "session_hash": "mine"})[:-1] + ', "session_hash": "v"}'
    begun = thief.post(
        "/gradio_api/call/transcript", content=body.encode(), headers={"Content-Type": "application/json"}
    ).json()["event_id"]
    assert "ibis" not in thief.get(f"/gradio_api/call/transcript/{begun}").text


def test_the_page_and_its_answers_carry_the_headers(local: AppProcess) -> None:
    for path in ("/", "/config", "/api/models", "/ui/page.js"):
        headers = httpx2.get(local.url + path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert "server" not in headers
    policy = httpx2.get(local.url).headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert "'unsafe-eval'" not in policy


def test_a_browser_keeps_the_scripts_of_the_page(local: AppProcess) -> None:
    script = re.search(r"/?assets/index-[\w-]+\.js", httpx2.get(local.url).text)
    assert script is not None
    kept = httpx2.get(f"{local.url}/{script[0].lstrip('/')}")
    assert kept.status_code == 200
    assert kept.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
    gone = httpx2.get(f"{local.url}/assets/index-none.js")
    assert gone.status_code == 404
    assert "immutable" not in gone.headers.get("cache-control", "")


def test_a_visitor_is_a_cookie_out_of_reach_of_scripts(local: AppProcess) -> None:
    first, second = (SimpleCookie(httpx2.get(local.url).headers["set-cookie"])["aether_visitor"] for _ in range(2))
    assert first.value != second.value
    assert len(first.value) == 43
    assert first["httponly"]
    again = httpx2.get(local.url, headers={"Cookie": f"aether_visitor={first.value}"})
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize(("language", "words"), [("de-DE,en;q=0.5", "Token"), ("fr", "jeton"), ("sv", "its token")])
def test_the_page_before_the_door_speaks_the_readers_language(link: AppProcess, language: str, words: str) -> None:
    answer = httpx2.get(link.url, headers={"Accept": "text/html", "Accept-Language": language})
    spoken = language[:2] if language != "sv" else "en"
    assert answer.status_code == 401
    assert f'<html lang="{spoken}">' in answer.text
    assert words in answer.text
    assert "<script" not in answer.text

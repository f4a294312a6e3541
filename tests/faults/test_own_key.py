"""A visitor's own key, through the real server: where it goes, and where it is never seen (cases 1 to 7, 21)."""

from __future__ import annotations

import json
from base64 import b64encode

import httpx2
import pytest

from tests.app_process import AppProcess
from tests.faults.sharing import CANARIES, KEY, OPERATOR, OWN_KEY, TOKEN, Visitor
from tests.scripted import ScriptedProvider


def hand_over(visitor: Visitor, provider: str, key: object = OWN_KEY) -> int:
    return visitor.http.post("/api/key", json={"provider": provider, "key": key}).status_code


def keys_sent(provider: ScriptedProvider, start: int) -> set[str]:
    sent = [e.headers for e in provider.requests[start:]]
    return {h.get("x-api-key") or h.get("authorization", "").removeprefix("Bearer ") for h in sent}


def test_case_05_an_own_key_goes_to_its_provider_and_to_no_other(link: AppProcess, provider: ScriptedProvider) -> None:
    visitor, start = Visitor(link), len(provider.requests)
    assert visitor.call("select_model", "keyless", "echo-small")["event_type"] == "model_update_failed"
    assert hand_over(visitor, "keyless") == 204
    assert visitor.call("select_model", "keyless", "echo-small")["event_type"] == "model_updated"
    assert visitor.ask("hello")["status"] == "done"
    assert keys_sent(provider, start) == {OWN_KEY}
    middle = len(provider.requests)
    for name in ("chat", "messages"):
        visitor.call("select_model", name, "echo-small")
        visitor.ask("hello")
    assert OWN_KEY not in keys_sent(provider, middle)
    assert not any("x-elsewhere" in e.headers for e in provider.requests)


def test_an_own_key_is_its_visitors_alone_and_ends_with_a_word(link: AppProcess) -> None:
    visitor, other = Visitor(link), Visitor(link)
    hand_over(visitor, "keyless")
    assert other.call("select_model", "keyless", "echo-small")["event_type"] == "model_update_failed"
    visitor.call("select_model", "keyless", "echo-small")
    assert visitor.http.delete("/api/key/keyless").status_code == 204
    assert visitor.ask("hello")["status"] == "error"


def test_an_own_key_is_paid_by_its_owner(link: AppProcess) -> None:
    visitor = Visitor(link)
    assert [visitor.ask("x")["status"] for _ in range(4)] == [*["done"] * 3, "error"]
    assert visitor.http.get("/api/allowance").json()["turns"] == 0
    hand_over(visitor, "chat")
    assert [visitor.ask("x")["status"] for _ in range(3)] == ["done"] * 3


@pytest.mark.parametrize(
    "key", ["", "   ", None, 7, "short", "a b c d e f g h", "k" * 501, "kéy-kéy-kéy", "x\r\nHost: y"]
)
def test_case_05_what_is_no_key_is_not_taken(link: AppProcess, key: object) -> None:
    assert hand_over(Visitor(link), "keyless", key) == 400


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"provider": "chat"}', b'{"provider": ["chat"], "key": "12345678"}']
)
def test_a_bad_request_for_a_key_is_answered_without_what_was_sent(link: AppProcess, body: bytes) -> None:
    answer = Visitor(link).http.post("/api/key", content=body)
    assert answer.status_code == 400
    assert "12345678" not in answer.text


@pytest.mark.parametrize("name", ["http://127.0.0.1:9", "169.254.169.254", "nobody", "local", "chat/../x"])
def test_case_21_a_visitor_can_name_no_address(link: AppProcess, name: str) -> None:
    """There is no entry path for an address: a provider is one of the operator's names, or nothing."""
    visitor = Visitor(link)
    assert hand_over(visitor, name) == 400
    assert visitor.call("select_model", name, "echo-small")["event_type"] == "model_update_failed"
    body = {"provider": "chat", "key": OWN_KEY, "base_url": "http://169.254.169.254/"}
    assert visitor.http.post("/api/key", json=body).status_code == 204
    config = json.dumps(visitor.http.get("/config").json())
    assert "base_url" not in config


READ = ("/", "/config", "/gradio_api/info", "/theme.css", "/api/models", "/api/allowance", "/metrics", "/operator")


def forms(secret: str) -> tuple[str, ...]:
    """Return a secret as it could be hidden: backwards, in base64 at each of its three places, its first half."""
    encoded = (b64encode(b"-" * lead + secret.encode()).decode()[4:-4] for lead in range(3))
    return secret, secret[::-1], *encoded, secret[:16]


def test_case_01_no_secret_is_in_what_a_visitor_can_read(link: AppProcess) -> None:
    visitor = Visitor(link)
    hand_over(visitor, "messages")
    visitor.ask("hello")
    read = [visitor.http.get(path).text for path in READ] + [visitor.raw("transcript"), visitor.raw("list_models")]
    assert "echo-small" in read[-1]
    for secret in CANARIES:
        for form in forms(secret):
            assert not any(form in text for text in read), form


@pytest.mark.parametrize("name", ["chat", "responses", "messages"])
def test_case_02_a_key_that_a_service_repeats_is_shown_to_nobody(link: AppProcess, name: str) -> None:
    for own in (False, True):
        visitor, secret = Visitor(link), OWN_KEY if own else KEY
        if own:
            hand_over(visitor, name)
        visitor.choose(name, "echo-key-401")
        told = visitor.ask("hello")
        shown = json.dumps([told, visitor.call("transcript")])
        assert told["error"]["kind"] == "auth"
        assert not any(form in shown for form in forms(secret))


def test_case_03_no_route_gives_back_what_was_typed(link: AppProcess) -> None:
    visitor = Visitor(link)
    hand_over(visitor, "messages")
    visitor.choose("messages", "echo-small")
    assert visitor.ask("pelican")["status"] == "done"
    for path in ("/gradio_api/deep_link", "/gradio_api/runs", "/gradio_api/run-history/records"):
        assert visitor.http.get(path, params={"session_hash": visitor.session}).status_code == 404
    config = visitor.http.get("/config", params={"deep_link": visitor.session}).text
    assert OWN_KEY not in config and "pelican" not in config


def test_case_06_loud_logs_hold_no_key(link: AppProcess) -> None:
    """The application runs with the SDKs' own logs at debug, too, and ours hold each body."""
    visitor, before = Visitor(link), len(link.lines)
    hand_over(visitor, "chat")
    assert visitor.ask("loud pelican")["status"] == "done"
    said = "\n".join(link.lines[before:])
    assert "LLM REQUEST BODY" in said and "loud pelican" in said
    assert not any(form in said for secret in CANARIES for form in forms(secret))


def test_case_07_an_export_holds_no_key_and_no_address(link: AppProcess, provider: ScriptedProvider) -> None:
    visitor = Visitor(link)
    hand_over(visitor, "chat")
    visitor.ask("pelican")
    for format in ("json", "md", "ipynb"):
        where = visitor.call("export", format)
        document = visitor.http.get(f"/gradio_api/file={where['path']}").text
        assert "pelican" in document
        assert not any(form in document for secret in CANARIES for form in forms(secret))


def test_case_07_user_and_password_of_an_address_are_not_exported(link: AppProcess) -> None:
    visitor = Visitor(link)
    assert visitor.ask("pelican")["status"] == "done"
    held = visitor.call("transcript")
    held["turns"][0]["answers"][0]["steps"][0]["origin"]["base_url"] = "https://user:pelican-pass@evil.example/v1"
    given = {"files": ("talk.json", json.dumps(held).encode())}
    path = visitor.http.post("/gradio_api/upload", files=given).json()[0]
    assert visitor.call("import", {"path": path, "meta": {"_type": "gradio.FileData"}})["turns"] == 1
    where = visitor.call("export", "json")
    document = visitor.http.get(f"/gradio_api/file={where['path']}").text
    assert "evil.example" in document and "pelican-pass" not in document


def test_the_numbers_have_no_names_in_them(link: AppProcess) -> None:
    Visitor(link).ask("pelican")
    told = httpx2.get(f"{link.url}/metrics", auth=("me", OPERATOR)).text
    for name in ("aether_turns_total", "aether_tokens_total", "aether_cost_usd_total", "aether_open_streams",
                 "aether_first_text_seconds_bucket", "aether_sessions", "aether_errors_total"):  # fmt: skip
        assert name in told
    assert "pelican" not in told
    assert httpx2.get(f"{link.url}/metrics").status_code == 401
    assert Visitor(link).http.get("/metrics").status_code == 401, "what is spent is the operator's to know"


def test_the_operators_page_needs_the_operators_token_and_shows_no_content(link: AppProcess) -> None:
    visitor = Visitor(link)
    visitor.ask("pelican")
    assert visitor.http.get("/operator").status_code == 401
    for wrong in (TOKEN, "", OPERATOR + "x"):
        assert visitor.http.get("/operator", auth=("me", wrong)).status_code == 401
    page = visitor.http.get("/operator", auth=("me", OPERATOR))
    assert "Spent or set aside" in page.text
    assert "pelican" not in page.text
    assert "<script" not in page.text
    german = {"Accept-Language": "de", "Accept": "text/html"}
    said = visitor.http.get("/operator", auth=("me", OPERATOR), headers=german).text
    assert '<html lang="de">' in said and "Ausgegeben oder zurückgelegt" in said and "Spent" not in said
    asked = visitor.http.get("/operator", headers=german)
    assert asked.headers["www-authenticate"].startswith("Basic ") and "Seite ist für den Betreiber" in asked.text
    assert visitor.http.post("/operator/pause").status_code == 401
    assert visitor.http.post("/operator/pause", auth=("me", OPERATOR)).status_code == 303
    assert Visitor(link).ask("x")["error"]["kind"] == "paused"
    assert 'action="/operator/resume"' in visitor.http.get("/operator", auth=("me", OPERATOR)).text
    assert visitor.http.post("/operator/resume", auth=("me", OPERATOR)).status_code == 303
    assert Visitor(link).ask("x")["status"] == "done"

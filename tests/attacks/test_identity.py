"""Redaction, keys, and who is who: what a stranger hands over, through the running application."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from aether.store.conversations import Store
from aether.store.writing import Moment, Place
from aether.transcript import Transcript
from aether.visitors import identify
from tests.app_process import AppProcess
from tests.faults.sharing import KEY, TOKEN, Visitor, providers, shared
from tests.scripted import ScriptedProvider
from tests.store.samples import turn

PLAIN = (
    '[[provider]]\nname = "inside"\nlabel = "Inside"\nprotocol = "openai-chat"\nbase_url = "{url}/v1"\n'
    'api_key_env = "INSIDE_KEY"\nmodels = ["echo-small"]\n'
)


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="module")
def link(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    marked = PLAIN.replace('"Inside"', '"Marked"').replace('"inside"', '"marked"') + "own_keys = true\n"
    text = "\n".join([providers(provider.url), *(p.replace("{url}", provider.url) for p in (PLAIN, marked))])
    settings = {"AETHER_VISITOR_RATE": "1000", "AETHER_BUDGET_USD": "100"}
    with shared(provider, tmp_path_factory.mktemp("link"), providers=text, **settings) as app:
        yield app


def put(visitor: Visitor, provider: str, key: object) -> httpx2.Response:
    return visitor.http.post("/api/key", json={"provider": provider, "key": key})


def sent_with(provider: ScriptedProvider) -> str:
    headers = provider.requests[-1].headers
    return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")


def new_key() -> str:
    return f"sk-{secrets.token_hex(20)}"


HEADERS = (
    'How do I call it? curl -H "x-api-key: $KEY" https://x',
    'fetch(u, {headers: {Authorization: "Bearer " + key}})',
    '-H "Authorization: abc"',
    f'-H "Authorization: Bearer {"a1b2" * 8}" \\',
    'sk-0123456789abcdef0123"}],"messages":[{"x":"\\',
    "https://user:pa\"ss\\@host/ {Authorization: 'Basic dXNlcjpwYXNzd29yZA=='}",
)


def strings(value: Any) -> list[str]:
    """Return every string of a JSON value."""
    match value:
        case str():
            return [value]
        case dict() | list():
            inner: list[Any] = [*value.values()] if isinstance(value, dict) else value  # pyright: ignore
            return [text for item in inner for text in strings(item)]
        case _:
            return []


@pytest.mark.parametrize("name", ["chat", "responses", "messages"])
def test_r2_no_words_of_a_person_break_a_turn(link: AppProcess, provider: ScriptedProvider, name: str) -> None:
    visitor = Visitor(link)
    visitor.choose(name, "echo-small")
    for text in HEADERS:  # the scripted model repeats them: each is in an answer as well, and in the next request
        said = visitor.ask(text)
        assert said["status"] == "done", said
        assert text in strings(provider.requests[-1].body)
    bodies = [body for line in link.lines if (body := line.partition("LLM REQUEST BODY ")[2])]
    assert bodies and all(isinstance(json.loads(body), dict) for body in bodies)
    shown = json.dumps(visitor.call("transcript"), ensure_ascii=False)
    assert "x-api-key: $KEY" in shown


@pytest.mark.parametrize("text", HEADERS)
def test_r2_no_file_import_or_title_breaks_a_turn(link: AppProcess, text: str) -> None:
    visitor = Visitor(link)
    assert visitor.ask("hello")["status"] == "done"
    talk = visitor.call("transcript")
    talk["system"] = text
    talk["turns"][0]["prompt"] = [{"kind": "text", "text": text}]
    talk["turns"][0]["answers"][0]["steps"][0]["parts"] = [{"kind": "text", "text": text}]
    path = visitor.http.post("/gradio_api/upload", files={"files": ("t.json", json.dumps(talk).encode())}).json()[0]
    assert visitor.call("import", {"path": path, "meta": {"_type": "gradio.FileData"}})["turns"] == 1
    assert visitor.ask("and now?")["status"] == "done"
    entry = visitor.http.get("/api/conversations").json()["entries"][0]
    assert visitor.http.post(f"/api/conversations/{entry['id']}", json={"title": text}).status_code == 200
    assert visitor.ask("still?")["status"] == "done"


@pytest.mark.parametrize("key", ['"content":', "messages", "assistant", '"role":"user"', '"}],"s', "completion_tokens"])
def test_k2_what_is_no_key_is_taken_from_nobody(link: AppProcess, key: str) -> None:
    refused = put(Visitor(link), "groq", key)
    assert refused.status_code == 400
    assert "does not look like a key" in refused.json()["error"] and key not in refused.text


def test_k3_one_visitors_key_stops_no_one(link: AppProcess) -> None:
    stranger, visitor = Visitor(link), Visitor(link)
    own = new_key()
    assert put(stranger, "chat", own).status_code == 204
    said = visitor.ask(f"what is {own}?")
    assert said["status"] == "done" and own in said["text"]  # another one's words are as they are
    mine = stranger.ask(f"what is {own}?")
    assert mine["status"] == "done" and own in mine["text"]
    logged = [line for line in link.lines if own in line]
    assert all("LLM REQUEST BODY" in line or "what is" in line for line in logged)


def test_k1_a_self_made_cookie_is_no_visitor(link: AppProcess, provider: ScriptedProvider) -> None:
    visitor, own = Visitor(link), new_key()
    assert put(visitor, "chat", own).status_code == 204
    with httpx2.Client(base_url=link.url, headers={"X-Aether-Token": TOKEN}, timeout=60) as stranger:
        for _ in range(40):
            made_up = {"Cookie": f"aether_visitor={secrets.token_urlsafe(32)}"}
            answer = stranger.post("/api/key", json={"provider": "chat", "key": new_key()}, headers=made_up)
            assert answer.status_code in (204, 429)
            assert answer.status_code == 429 or "aether_visitor=" in answer.headers["set-cookie"]
            stranger.cookies.clear()
        listed = stranger.get("/api/conversations", headers={"Cookie": f"aether_visitor={secrets.token_urlsafe(32)}"})
        assert listed.json()["entries"] == []
    assert visitor.ask("hello")["status"] == "done"
    assert sent_with(provider) == own


def test_k1_a_key_that_is_gone_is_replaced_by_no_other(
    provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, own = tmp_path_factory.mktemp("restart"), new_key()
    with shared(provider, folder) as app:
        visitor = Visitor(app)
        assert put(visitor, "chat", own).status_code == 204
        assert visitor.ask("hello")["status"] == "done" and sent_with(provider) == own
        cookies = dict(visitor.http.cookies)
        app.stop()
        folder_now = folder
    before = len(provider.requests)
    with shared(provider, folder_now) as app:
        again = Visitor(app, cookie=False)
        again.http.cookies.update(cookies)
        assert len(again.http.get("/api/conversations").json()["entries"]) == 1  # the same visitor as before
        said = again.ask("and its second part")
        assert said["status"] == "error" and said["error"]["kind"] == "key_gone"
        assert "Your own key for Scripted chat is gone" in said["error"]["message"]
        assert again.call("select_model", "chat", "length")["event_type"] == "model_update_failed"
        assert len([e for e in provider.requests[before:] if e.is_answer]) == 0
        assert again.http.get("/api/allowance").json()["gone_keys"] == ["chat"]
        assert again.http.delete("/api/key/chat").status_code == 204  # the visitor's word
        assert again.ask("go on")["status"] == "done" and sent_with(provider) == KEY


@pytest.mark.parametrize("name", ["inside", "marked", "litellm"])
def test_k6_no_own_key_opens_a_server_of_the_operators_network(link: AppProcess, name: str) -> None:
    visitor = Visitor(link)
    assert put(visitor, name, new_key()).status_code == 400
    assert name not in [p["name"] for p in visitor.http.get("/api/allowance").json()["providers"]]
    assert visitor.call("select_model", name, "echo-small")["event_type"] == "model_update_failed"


def test_k6_a_public_provider_takes_a_key_and_its_requests_have_the_same_bounds(
    link: AppProcess, provider: ScriptedProvider
) -> None:
    visitor, before = Visitor(link), len(provider.requests)
    assert put(visitor, "groq", new_key()).status_code == 204
    assert put(visitor, "chat", new_key()).status_code == 204
    assert visitor.ask("x" * 300_000)["error"]["kind"] in ("too_long", "guard", "too_large")
    assert len(provider.requests) == before


def test_r11_half_a_character_breaks_nothing(link: AppProcess) -> None:
    visitor = Visitor(link)
    body = json.dumps({"data": ["a \ud83d b \ude00 c \ud83d\ude00"], "session_hash": visitor.session})  # escaped
    begun = visitor.http.post("/gradio_api/call/chat", content=body, headers={"Content-Type": "application/json"})
    told = visitor.heard("chat", begun.json()["event_id"])
    said: Any = json.loads(told.split("event: complete\ndata: ")[1].split("\n")[0])[0]
    assert said["status"] == "done" and "a \ufffd b \ufffd c 😀" in said["text"]
    entry = visitor.http.get("/api/conversations").json()["entries"][0]
    assert entry["turns"] == 1
    assert visitor.ask("next")["status"] == "done"
    json.dumps(visitor.call("transcript"), ensure_ascii=False).encode()


def test_r11_a_conversation_that_an_earlier_version_broke_opens_again(
    provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It was written with half a character in it, by a visitor whose cookie has no signature."""
    folder, cookie = tmp_path_factory.mktemp("earlier"), secrets.token_urlsafe(32)
    (folder / "data").mkdir()
    store = Store(f"sqlite:///{folder / 'data' / 'aether.db'}")
    store.open()
    talk, id_ = Transcript("", (turn("an \ud83d emoji", 'x-api-key: "\ud800'),)), "e" * 32
    store.save(Place(identify(cookie), id_), Moment(talk, "chat/echo-small"))
    store.close()
    with shared(provider, folder) as app:
        visitor = Visitor(app, cookie=False)
        visitor.http.cookies.set("aether_visitor", cookie)
        assert [e["id"] for e in visitor.http.get("/api/conversations").json()["entries"]] == [id_]
        opened = visitor.http.post("/gradio_api/run/open", json={"data": [id_, None], "session_hash": visitor.session})
        assert opened.status_code == 200 and "emoji" in opened.text
        assert visitor.ask("go on")["status"] == "done"
        assert "set-cookie" not in visitor.http.get("/api/models").headers

"""The named endpoints, driven by `gradio_client` and by plain HTTP, as a program would."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
from gradio_client import Client, handle_file

from aether.transcript import Transcript
from tests.app_process import AppProcess
from tests.scripted import ScriptedProvider

ENDPOINTS = {
    "/list_models",
    "/select_model",
    "/chat",
    "/stop",
    "/rerun",
    "/transcript",
    "/export",
    "/import",
    "/new_conversation",
}


@pytest.fixture
def client(app: AppProcess) -> Client:
    return Client(app.url, verbose=False)


def ask(client: Client, message: str) -> dict[str, Any]:
    """Return the settled value of a turn."""
    return client.submit(message, api_name="/chat").result(timeout=30)


def test_nothing_but_the_contract_is_public(app: AppProcess) -> None:
    info = httpx2.get(f"{app.url}/gradio_api/info").json()
    assert set(info["named_endpoints"]) == ENDPOINTS
    assert info["unnamed_endpoints"] == {}


def test_a_chat_streams_and_its_last_value_is_settled(client: Client) -> None:
    job = client.submit("hello there", api_name="/chat")
    settled = job.result(timeout=30)
    assert settled["status"] == "done"
    assert settled["turn"] == 0
    assert settled["text"] == "You said: hello there"
    assert settled["error"] is None
    (step,) = settled["steps"]
    assert (step["provider"], step["model"], step["reported_model"]) == ("chat", "echo-small", "echo-small")
    assert step["stop_reason"] == "done"
    assert set(step["usage"]) == {"input", "output", "cache_read", "cache_write", "reasoning"}
    assert step["usage"]["output"] > 0
    assert 0 < step["ttft_ms"] <= step["total_ms"]
    assert step["tool_calls"] == []


def test_select_model_changes_the_next_request(client: Client, provider: ScriptedProvider) -> None:
    ask(client, "one")
    event = client.predict("messages", "echo-large", api_name="/select_model")
    assert event == {
        "event_type": "model_updated",
        "payload": {
            "provider": "messages",
            "model": "echo-large",
            "previous": {"provider": "chat", "model": "echo-small"},
            "pending": False,
            "omissions": [],
        },
    }
    assert ask(client, "two")["steps"][0]["provider"] == "messages"
    assert provider.requests[-1].model == "echo-large"
    assert "one" in json.dumps(provider.requests[-1].body)


@pytest.mark.parametrize(
    ("provider_name", "model"),
    [("nobody", "x"), ("nvidia", "qwen/qwen3-next-80b-a3b-instruct"), (None, None), ("chat", None), ("", "")],
)
def test_a_bad_choice_is_an_event_and_the_old_model_answers(
    client: Client, provider_name: str | None, model: str | None
) -> None:
    event = client.predict(provider_name, model, api_name="/select_model")
    assert event["event_type"] == "model_update_failed"
    assert event["payload"]["current"] == {"provider": "chat", "model": "echo-small"}
    assert event["payload"]["error"].endswith(".")
    assert ask(client, "still there?")["steps"][0]["model"] == "echo-small"


def test_the_list_of_models_has_the_form_of_the_contract(client: Client, app: AppProcess) -> None:
    listed = client.predict(api_name="/list_models")
    assert listed["current"] == {"provider": "chat", "model": "echo-small"}
    by_name = {p["name"]: p for p in listed["providers"]}
    assert by_name["chat"]["ready"] is True
    assert by_name["nvidia"]["ready"] is False
    assert "NVIDIA_API_KEY" in by_name["nvidia"]["reason"]
    assert set(by_name["chat"]) == {"name", "label", "protocol", "ready", "reason", "models"}
    assert set(by_name["chat"]["models"][0]) == {"id", "label", "context_window", "vision", "tools", "price"}
    assert httpx2.get(f"{app.url}/api/models").json()["providers"] == listed["providers"]
    assert httpx2.get(f"{app.url}/healthz").status_code == 200


def test_each_client_has_a_session_of_its_own(app: AppProcess) -> None:
    one, other = Client(app.url, verbose=False), Client(app.url, verbose=False)
    one.predict("messages", "think", api_name="/select_model")
    assert ask(other, "who?")["steps"][0]["model"] == "echo-small"
    assert ask(one, "who?")["steps"][0]["model"] == "think"
    assert "who?" in json.dumps(one.predict(api_name="/transcript"))
    assert len(other.predict(api_name="/transcript")["turns"]) == 1


def test_stop_ends_the_answer_and_keeps_it(client: Client, provider: ScriptedProvider) -> None:
    client.predict("responses", "stall-3", api_name="/select_model")
    job = client.submit("never ends", api_name="/chat")
    provider.wait_for(lambda s: s.requests[-1].model == "stall-3" and s.requests[-1].tokens == 3)
    assert client.predict(api_name="/stop") == {"stopped": True}
    settled = job.result(timeout=10)
    assert settled["status"] == "stopped"
    assert settled["text"].endswith("t3")
    assert client.predict(api_name="/stop") == {"stopped": False}
    provider.wait_for(lambda s: s.requests[-1].ended == "client closed", timeout_s=1.0)


def test_rerun_gives_a_second_answer_beside_the_first(client: Client, provider: ScriptedProvider) -> None:
    ask(client, "the question")
    again = client.submit(0, "messages", "think", api_name="/rerun").result(timeout=30)
    assert (again["status"], again["turn"], again["steps"][0]["model"]) == ("done", 0, "think")
    assert "You said" not in json.dumps(provider.requests[-1].body)
    transcript = Transcript.from_dict(client.predict(api_name="/transcript"))
    assert [a.steps[0].model for a in transcript.turns[0].answers] == ["echo-small", "think"]
    assert client.predict(api_name="/list_models")["current"]["model"] == "echo-small"


@pytest.mark.parametrize("turn", [7, -1, 0.5, None])
def test_a_rerun_of_nothing_is_said_in_words(client: Client, turn: float | None) -> None:
    value = client.submit(turn, "chat", "echo-small", api_name="/rerun").result(timeout=10)
    assert value["status"] == "error"
    assert value["error"]["message"].endswith(".")


@pytest.mark.parametrize("message", ["", "   ", None])
def test_an_empty_message_is_said_in_words(client: Client, message: str | None) -> None:
    value = client.submit(message, api_name="/chat").result(timeout=10)
    assert value["status"] == "error"
    assert value["error"]["kind"] == "empty"


@pytest.mark.parametrize("kind", ["json", "ipynb"])
def test_an_export_comes_back_to_another_session_as_it_was(
    client: Client, app: AppProcess, provider: ScriptedProvider, kind: str, tmp_path: Path
) -> None:
    ask(client, "remember the pelican")
    before = client.predict(api_name="/transcript")
    exported = Path(client.predict(kind, api_name="/export"))
    other = Client(app.url, verbose=False, download_files=tmp_path)
    told = other.predict(handle_file(exported), api_name="/import")
    assert (told["turns"], told["notes"]) == (1, [])
    assert told["conversation"]
    assert other.predict(api_name="/transcript") == before
    ask(other, "and now?")
    assert "pelican" in json.dumps(provider.requests[-1].body)


def test_what_cannot_be_exported_or_imported_is_said_and_changes_nothing(client: Client, tmp_path: Path) -> None:
    ask(client, "stay")
    before = client.predict(api_name="/transcript")
    assert client.predict("exe", api_name="/export") is None
    bad = tmp_path / "<script>alert(1)</script>.json".replace("/", "_")
    bad.write_text("{}")
    for file in (handle_file(bad), None):
        told = client.predict(file, api_name="/import")
        assert (told["conversation"], told["turns"]) == (None, 0)
        assert told["notes"][0].endswith("Nothing was changed.")
    assert client.predict(api_name="/transcript") == before


def test_a_new_conversation_is_empty(client: Client, provider: ScriptedProvider) -> None:
    ask(client, "pelican")
    first = client.predict(api_name="/new_conversation")["conversation"]
    assert first != client.predict(api_name="/new_conversation")["conversation"]
    assert client.predict(api_name="/transcript")["turns"] == []
    ask(client, "hello")
    assert "pelican" not in json.dumps(provider.requests[-1].body)


def test_an_error_of_the_provider_is_a_value_without_the_key(client: Client, canary: str) -> None:
    client.predict("chat", "echo-key-401", api_name="/select_model")
    value = ask(client, "hello")
    assert value["status"] == "error"
    assert value["error"]["kind"] == "auth"
    assert canary not in json.dumps([value, client.predict(api_name="/transcript")])


def test_a_client_that_leaves_ends_the_request(app: AppProcess, provider: ScriptedProvider) -> None:
    """Begin a chat by plain HTTP, listen for the first value, and go."""
    session = "a-session-that-leaves-in-mid-answer"
    base = f"{app.url}/gradio_api/call"
    with httpx2.Client(timeout=10) as http:
        for name, data in (("select_model", ["messages", "stall-3"]), ("chat", ["anyone?"])):
            begun = http.post(f"{base}/{name}", json={"data": data, "session_hash": session}).json()["event_id"]
            with http.stream("GET", f"{base}/{name}/{begun}") as answer:
                next(answer.iter_lines())
    provider.wait_for(lambda s: s.requests[-1].model == "stall-3" and s.requests[-1].ended == "client closed", 3.0)


def test_many_clients_at_once_never_mix(app: AppProcess, provider: ScriptedProvider) -> None:
    failures: list[str] = []

    def visit(number: int) -> None:
        name, model = ("chat", "responses", "messages")[number % 3], f"echo-{number}"
        client = Client(app.url, verbose=False)
        client.predict(name, model, api_name="/select_model")
        for question in range(3):
            value = ask(client, f"v{number}q{question}.")
            if value["text"] != f"You said: v{number}q{question}." or value["steps"][0]["model"] != model:
                failures.append(f"{number}: {value}")

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    mine = [r for r in provider.requests if r.body and '."' in json.dumps(r.body) and r.model[5:].isdigit()]
    for request in mine:
        text = json.dumps(request.body)
        others = [n for n in range(8) if n != int(request.model[5:]) and re.search(rf"v{n}q\d\.", text)]
        assert not others

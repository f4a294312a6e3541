"""Swaps and the life of a session through the running application (cases 39 and 40)."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest

from tests.app_process import AppProcess
from tests.faults.http import press
from tests.faults.sharing import OPERATOR, PROTOCOLS, Visitor
from tests.scripted import ScriptedProvider
from tests.scripted.reply import Call, Reply


def open_files(visitor: Visitor) -> int:
    """Return how many files the process has open, as it tells its operator."""
    told = visitor.http.get("/metrics", auth=("me", OPERATOR)).text
    (number,) = re.findall(r"^aether_open_files ([\d.e+]+)$", told, re.MULTILINE)
    return int(float(number))


def models_of(told: dict[str, Any]) -> list[str]:
    return [f"{step['provider']}/{step['model']}" for step in told["steps"]]


def test_case_39_of_a_storm_of_swaps_the_last_one_stays_and_nothing_is_left_open(
    link: AppProcess, provider: ScriptedProvider
) -> None:
    visitor = Visitor(link)
    visitor.ask("warm")
    handles = open_files(visitor)
    names = list(PROTOCOLS)
    for number in range(60):
        visitor.choose(names[number % 3], "echo-small")
    last = names[2]
    assert visitor.call("list_models")["current"]["provider"] == last
    assert models_of(visitor.ask("who")) == [f"{last}/echo-small"]
    assert open_files(visitor) <= handles + 5


@pytest.mark.parametrize(
    ("name", "model"),
    [("nobody", "x"), ("keyless", "echo-small"), ("", ""), (None, None), ("keyless", "no-such"), ("chat", ""),
     (["chat"], {"a": 1}), ("../chat", "echo-small"), ("local", "smollm2-135m")],
)  # fmt: skip
def test_case_39_a_swap_that_cannot_be_leaves_the_old_model(
    link: AppProcess, provider: ScriptedProvider, name: object, model: object
) -> None:
    visitor = Visitor(link)
    before = visitor.call("list_models")["current"]
    told = visitor.raw("select_model", name, model)
    assert "model_updated" not in told
    assert visitor.call("list_models")["current"] == before
    assert models_of(visitor.ask("still there?")) == ["chat/echo-small"]


def test_case_39_a_forged_choice_through_the_pages_own_events_is_refused(
    link: AppProcess, provider: ScriptedProvider
) -> None:
    """All events of the page take what a dropdown does not offer: none of them swaps."""
    visitor = Visitor(link)
    visitor.ask("one")
    for fn_index in range(60):
        for value in ("nobody/evil", "http://evil.example/x"):
            body = {"data": [value] * 4, "fn_index": fn_index, "session_hash": visitor.session, "event_data": None}
            visitor.http.post("/gradio_api/queue/join", json=body, headers={"Connection": "close"})
    assert visitor.call("list_models")["current"] == {"provider": "chat", "model": "echo-small"}


def test_case_39_a_late_word_on_the_provider_changes_no_list(link: AppProcess) -> None:
    """A page that opens a conversation may still tell what its pickers showed before that."""
    visitor = Visitor(link)
    visitor.choose("messages", "echo-small")
    press(visitor, "", kind="load")
    late = json.loads(press(visitor, "provider", "chat", "chat/echo-small", kind="change"))["data"]
    assert not any("choices" in update for update in late)
    _, filled, *_ = json.loads(press(visitor, "provider", "chat", "messages/echo-small", kind="change"))["data"]
    assert filled["value"] == "chat/echo-small" and len(filled["choices"]) > 1


def test_case_39_there_and_back_with_tools_is_taken_by_each_service(
    link: AppProcess, provider: ScriptedProvider
) -> None:
    """The scripted provider refuses what the real services refuse."""
    visitor, start = Visitor(link), len(provider.requests)
    calls = (Call(name="calculate", arguments='{"expression": "6*7"}'), Call(name="current_time"))
    for name in ("chat", "messages", "chat"):
        provider.script("echo-small", [Reply(reasoning="So.", calls=calls), Reply(text="done")])
        visitor.choose(name, "echo-small")
        assert visitor.ask(f"count with {name}")["status"] == "done"
    sent = provider.requests[start:]
    assert len(sent) == 6 and [e.refused for e in sent] == [""] * 6
    assert json.dumps(sent[-1].body).count("42") >= 2


def test_case_39_a_dead_service_is_said_and_the_old_one_answers_again(
    provider: ScriptedProvider, link: AppProcess
) -> None:
    visitor = Visitor(link)
    visitor.choose("messages", "error-529")
    assert visitor.ask("x")["error"]["kind"] == "overloaded"
    visitor.choose("chat", "echo-small")
    assert visitor.ask("again")["text"].endswith("again")


LEFT_AT = {"before the first word": "silent", "in the middle": "stall-3", "in silent thought": "think-stall-3"}


@pytest.mark.parametrize("model", LEFT_AT.values(), ids=LEFT_AT.keys())
@pytest.mark.parametrize("name", PROTOCOLS)
def test_case_40_who_leaves_ends_the_request(
    local: AppProcess, provider: ScriptedProvider, name: str, model: str
) -> None:
    program = httpx2.Client(base_url=local.url, timeout=20)
    session = f"leaves-{name}-{model}"

    def begin(endpoint: str, *data: object) -> str:
        body = {"data": list(data), "session_hash": session}
        return (
            f"/gradio_api/call/{endpoint}/" + program.post(f"/gradio_api/call/{endpoint}", json=body).json()["event_id"]
        )

    program.get(begin("select_model", name, model))
    with program.stream("GET", begin("chat", "hello")):
        provider.wait_for(lambda s: s.open_streams, timeout_s=30)
    provider.wait_for(lambda s: not s.open_streams, timeout_s=30)

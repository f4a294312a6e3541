"""A crowd at a shared link: nobody can hold it up for others (case 12), not even by asking and never listening."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2

from aether.gate.places import OPEN_AT_ONCE
from tests.app_process import AppProcess
from tests.faults.sharing import OPERATOR, TOKEN, Visitor, wait_until
from tests.scripted import ScriptedProvider

FLOOD = 300


def new_cookie(link: AppProcess) -> str:
    """Return the cookie of one more visitor, as the server signs it."""
    answer = httpx2.get(f"{link.url}/api/allowance", headers={"X-Aether-Token": TOKEN})
    return answer.cookies["aether_visitor"]


def test_case_12_asking_without_listening_takes_nobodys_place(link: AppProcess, provider: ScriptedProvider) -> None:
    """Each of the flood is a visitor of its own, so that no limit for one visitor can be what helps."""
    operator, before = Visitor(link), len(provider.requests)
    cookies = [new_cookie(link) for _ in range(FLOOD)]

    def ask(number: int) -> int:
        body = {"data": [f"flood {number}"], "session_hash": f"s{number}"}
        headers = {"Cookie": f"aether_visitor={cookies[number]}", "X-Aether-Token": TOKEN}
        return operator.http.post("/gradio_api/call/chat", json=body, headers=headers).status_code

    with ThreadPoolExecutor(16) as pool:
        asked = pool.map(ask, range(FLOOD))
        visitor = Visitor(link)
        assert visitor.ask("I am here")["status"] == "done"
        assert set(asked) <= {200, 429, 503}
        assert visitor.ask("and still")["status"] == "done"
    sent = [e for e in provider.requests[before:] if e.is_answer]
    assert len(sent) == 2, "nobody listened to the others, so no model was asked"
    idle = ("Answers under way</dt><dd>0</dd>", "Answers that wait for a place</dt><dd>0</dd>")

    def is_idle() -> bool:
        told = operator.http.get("/operator", auth=("me", OPERATOR)).text
        return all(fact in told for fact in idle)

    wait_until(link, is_idle)


def test_case_12_who_leaves_frees_the_place_and_the_service(link: AppProcess, provider: ScriptedProvider) -> None:
    """A listener that goes away is noticed, also while the model is silent."""
    visitor = Visitor(link)
    visitor.choose("messages", "silent")
    event = visitor.join("chat", "x")
    with visitor.http.stream("GET", f"/gradio_api/call/chat/{event}"):
        provider.wait_for(lambda s: s.open_streams, timeout_s=30)
    provider.wait_for(lambda s: not s.open_streams, timeout_s=30)


def test_case_12_one_visitor_holds_open_only_so_many_requests(link: AppProcess) -> None:
    visitor, other = Visitor(link), Visitor(link)
    with ExitStack() as held:
        for number in range(OPEN_AT_ONCE):
            beat = held.enter_context(visitor.http.stream("GET", f"/gradio_api/heartbeat/s{number}"))
            assert beat.status_code == 200
        assert visitor.http.get("/api/models").status_code == 429
        assert other.http.get("/api/models").status_code == 200
    wait_until(link, lambda: visitor.http.get("/api/models").status_code == 200)


def test_the_operator_ends_all_answers_and_loses_no_conversation(link: AppProcess, provider: ScriptedProvider) -> None:
    visitor, operator = Visitor(link), Visitor(link)
    visitor.choose("responses", "stall-3")
    event = visitor.join("chat", "remember the pelican")
    with visitor.http.stream("GET", f"/gradio_api/call/chat/{event}") as answer:
        told = answer.iter_lines()
        assert any("t3" in line for line in told)
        assert operator.http.post("/operator/pause", auth=("me", OPERATOR)).status_code == 303
        assert any('"status": "stopped"' in line and "t3" in line for line in told)
    provider.wait_for(lambda s: not s.open_streams, timeout_s=30)
    assert visitor.ask("more")["error"]["kind"] == "paused"
    assert operator.http.post("/operator/resume", auth=("me", OPERATOR)).status_code == 303
    visitor.choose("chat", "echo-small")
    assert visitor.ask("and now")["status"] == "done"
    assert "remember the pelican" in visitor.raw("transcript")

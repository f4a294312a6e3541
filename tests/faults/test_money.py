"""Spending on a shared link, through the real server: nobody can spend more than allowed (cases 8 to 15)."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from tests.app_process import AppProcess
from tests.faults.conftest import ANSWER_TOKENS
from tests.faults.sharing import PROTOCOLS, TOKEN, Visitor, shared
from tests.scripted import ScriptedProvider
from tests.scripted.reply import Counts, Reply

PRICE_IN, PRICE_OUT = 10.0, 30.0


def upstream_usd(provider: ScriptedProvider) -> float:
    """Return what the provider would bill: each request that it answered with tokens, at the price under test."""
    return sum(e.tokens * PRICE_OUT for e in provider.requests) / 1_000_000


def ledger_usd(folder: Path, scope: str = "link") -> float:
    with sqlite3.connect(folder / "data" / "aether.db") as db:
        row = db.execute("SELECT nano_usd FROM ledger_totals WHERE scope = ?", (scope,)).fetchone()
    return row[0] / 1_000_000_000 if row else 0.0


def entries(folder: Path) -> list[tuple[int, int | None]]:
    with sqlite3.connect(folder / "data" / "aether.db") as db:
        return db.execute("SELECT reserved, charged FROM ledger_entries ORDER BY at").fetchall()


def test_cases_08_and_10_fifty_visitors_of_ten_turns_never_pass_the_cap(
    scripted: ScriptedProvider, tmp_path: Path
) -> None:
    cap = 0.25
    scripted.script("echo-small", [Reply(text="ok", usage=Counts(input=120, output=40)) for _ in range(600)])
    settings = {"AETHER_BUDGET_USD": str(cap), "AETHER_ANSWER_TOKENS": ANSWER_TOKENS, "AETHER_LOG_LEVEL": "INFO"}
    settings["AETHER_LOG_FORMAT"] = "json"
    refused: list[dict[str, object]] = []
    answered = 0

    def visit(number: int) -> tuple[int, list[dict[str, object]]]:
        visitor, done, no = Visitor(app, session=f"tab-{number}"), 0, list[dict[str, object]]()
        for turn in range(10):
            value = visitor.ask(f"v{number} t{turn}")
            if value["status"] == "done":
                done += 1
            else:
                no.append(value["error"])
        return done, no

    with shared(scripted, tmp_path, **settings) as app, ThreadPoolExecutor(50) as pool:
        for done, no in pool.map(visit, range(50)):
            answered += done
            refused += no
        # Case 10: a fresh cookie brings no fresh money. The last cents may still do for one turn that is alone.
        minted = [Visitor(app, session=f"fresh-{n}").ask("x")["status"] for n in range(10)]
        assert minted[-5:] == ["error"] * 5
        answered += minted.count("done")
    logged = [json.loads(line)["message"] for line in app.lines if "Aether is ready" not in line]
    assert sum(message.startswith("LLM REQUEST PAYLOAD {") for message in logged) == answered
    spent, billed = ledger_usd(tmp_path), len(scripted.requests) * (120 * PRICE_IN + 40 * PRICE_OUT) / 1_000_000
    print(f"\n50 visitors x 10 turns against ${cap}: {answered} answered, {len(refused)} refused, ${spent:.6f} spent")
    assert spent <= cap
    assert billed <= cap
    assert billed == pytest.approx(spent, abs=1e-6)
    assert len(scripted.requests) == answered
    assert answered + len(refused) == 500 + minted.count("done")
    assert answered >= 0.8 * cap / ((120 * PRICE_IN + 40 * PRICE_OUT) / 1_000_000), "the cap is not used up"
    kinds = {str(error["kind"]) for error in refused}
    assert kinds <= {"allowance", "crowded"}
    assert any("used up" in str(error["message"]) for error in refused)


def test_cases_09_and_40_a_kill_costs_what_was_set_aside_and_no_conversation(
    scripted: ScriptedProvider, tmp_path: Path
) -> None:
    settings = {"AETHER_BUDGET_USD": "0.05", "AETHER_ANSWER_TOKENS": ANSWER_TOKENS}
    with shared(scripted, tmp_path, **settings) as app:
        visitors = [Visitor(app, session=f"tab-{n}") for n in range(3)]
        for visitor in visitors:
            visitor.call("select_model", "chat", "stall-3")

        def ask(visitor: Visitor) -> None:
            with suppress(httpx2.HTTPError):
                visitor.ask("hello")

        with ThreadPoolExecutor(3) as pool:
            for visitor in visitors:
                pool.submit(ask, visitor)
            scripted.wait_for(lambda s: s.open_streams == 3 and all(e.tokens == 3 for e in s.requests), timeout_s=30)
            os.kill(app.pid, signal.SIGKILL)
    spent = ledger_usd(tmp_path)
    assert spent >= upstream_usd(scripted) > 0
    assert all(charged is None for _, charged in entries(tmp_path))
    assert spent == pytest.approx(sum(reserved for reserved, _ in entries(tmp_path)) / 1e9)
    with shared(scripted, tmp_path, **settings) as app:
        value = Visitor(app).ask("again")
        assert value["status"] == "done"
        for visitor in visitors:  # a tab that stayed open over it all
            again = httpx2.Client(base_url=app.url, cookies=visitor.http.cookies, headers={"X-Aether-Token": TOKEN})
            assert [e["title"] for e in again.get("/api/conversations").json()["entries"]] == ["hello"]
    assert spent < ledger_usd(tmp_path) <= 0.05


def test_case_11_a_forged_address_changes_nothing(link: AppProcess) -> None:
    visitor = Visitor(link)
    outcomes: list[str] = []
    for number in range(5):
        visitor.http.headers["X-Forwarded-For"] = f"6.6.6.{number}"
        visitor.http.headers["X-Real-IP"] = f"6.6.6.{number}"
        visitor.session = f"tab-{number}"
        outcomes.append(visitor.ask("x")["status"])
    assert outcomes == ["done"] * 3 + ["error"] * 2


def test_programs_without_a_cookie_are_one_visitor(link: AppProcess) -> None:
    outcomes = [Visitor(link, session=f"s{n}", cookie=False).ask("x")["status"] for n in range(4)]
    assert outcomes == ["done"] * 3 + ["error"]


def test_case_14_each_step_of_a_loop_is_paid_for(link: AppProcess, provider: ScriptedProvider, folder: Path) -> None:
    visitor = Visitor(link)
    visitor.call("select_model", "chat", "forever-calculate")
    requests, paid = len(provider.requests), len(entries(folder))
    value = visitor.ask("go")
    assert value["error"]["kind"] in ("allowance", "limit_steps")
    assert 2 <= len(provider.requests) - requests <= 24
    assert len(entries(folder)) - paid == len(provider.requests) - requests


@pytest.mark.parametrize("extra", ["1000000000", '"x"', "NaN"])
def test_case_15_the_bound_of_an_answer_is_ours(link: AppProcess, provider: ScriptedProvider, extra: str) -> None:
    visitor = Visitor(link)
    before = len(provider.requests)
    body = f'{{"data": ["hello"], "session_hash": "tab", "max_tokens": {extra}, "temperature": {extra}}}'
    begun = visitor.http.post("/gradio_api/call/chat", content=body, headers={"Content-Type": "application/json"})
    visitor.http.get(f"/gradio_api/call/chat/{begun.json()['event_id']}")
    for name in ("responses", "messages"):
        visitor.call("select_model", name, "echo-small")
        visitor.ask("hello")
    keys = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    sent = [e.body or {} for e in provider.requests[before:]]
    assert [[body[k] for k in keys if k in body] for body in sent] == [[int(ANSWER_TOKENS)]] * 3


def test_a_model_without_a_price_is_not_asked(link: AppProcess, provider: ScriptedProvider) -> None:
    visitor, before = Visitor(link), len(provider.requests)
    visitor.call("select_model", "chat", "nobody-knows-its-price")
    assert visitor.ask("hello")["error"]["kind"] == "unpriced"
    assert len(provider.requests) == before


def test_a_request_that_was_not_taken_costs_nothing(link: AppProcess, folder: Path) -> None:
    visitor, before = Visitor(link), ledger_usd(folder)
    for model in ("error-401", "error-401", "error-401", "error-529"):  # more than this visitor has messages
        visitor.call("select_model", "messages", model)
        assert visitor.ask("x")["error"]["kind"] in ("auth", "overloaded")
    assert ledger_usd(folder) == before
    visitor.call("select_model", "messages", "cut-3")
    assert visitor.ask("x")["status"] == "error"
    assert ledger_usd(folder) - before >= 3 * PRICE_OUT / 1_000_000  # what it said is billed, and more was set aside


def test_the_operator_can_stop_the_link(link: AppProcess, provider: ScriptedProvider, folder: Path) -> None:
    visitor, before = Visitor(link), len(provider.requests)
    assert visitor.ask("one")["status"] == "done"
    (folder / "data" / "paused").touch()
    assert visitor.ask("two")["error"]["kind"] == "paused"
    (folder / "data" / "paused").unlink()
    assert visitor.ask("three")["status"] == "done"
    assert len(provider.requests) - before == 2


def test_case_13_a_message_of_a_megabyte_is_refused_in_words(link: AppProcess, provider: ScriptedProvider) -> None:
    before = len(provider.requests)
    assert Visitor(link).ask("x" * 900_000)["error"]["kind"] == "too_long"
    assert len(provider.requests) == before


@pytest.mark.parametrize("model", ["inband-error-0", "inband-error-3"])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_answer_that_began_is_charged_whatever_error_follows_in_it(
    link: AppProcess, folder: Path, name: str, model: str
) -> None:
    visitor, before = Visitor(link), ledger_usd(folder)
    visitor.call("select_model", name, model)
    assert visitor.ask("x")["status"] == "error"
    assert ledger_usd(folder) > before

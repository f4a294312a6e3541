"""The seam to a model, over real HTTP: retries, time-outs, redirects, the environment, errors in words."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from aether.errors import (
    AuthError,
    ModelNotFoundError,
    MovedError,
    NetworkError,
    OverloadedError,
    ProviderError,
    QuotaError,
    RateError,
    ServerError,
    SilenceError,
)
from aether.events import Retried, StreamEvent, TextDelta
from aether.llm import LLM, Budgets
from aether.lowering import lower
from aether.transcript import Text, Transcript, Turn
from tests.scripted import ScriptedProvider
from tests.swap.rig import KEY, PROTOCOLS, Rig

every_protocol = pytest.mark.parametrize("name", PROTOCOLS)
PATIENT = Budgets(connect_s=10.0, first_event_s=30.0, gap_s=30.0, whole_s=60.0, retries=2, longest_wait_s=2.0)
IMPATIENT = Budgets(connect_s=10.0, first_event_s=1.0, gap_s=1.0, whole_s=3.0, retries=0)


@pytest.fixture
async def rig(scripted: ScriptedProvider, tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(scripted, tmp_path, budgets=PATIENT)
    yield made
    await made.aclose()


@pytest.fixture
async def impatient(scripted: ScriptedProvider, tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(scripted, tmp_path, budgets=IMPATIENT)
    yield made
    await made.aclose()


def body_for(llm: LLM) -> dict[str, object]:
    transcript = Transcript("Be brief.").with_turn(Turn((Text("hello"),)))
    return llm.wire.lower(lower(transcript, llm.target()), llm.settings())


async def hear(rig: Rig, reference: str) -> list[StreamEvent]:
    llm = rig.router.resolve(reference)
    return [event async for event in llm.ask(body_for(llm)).events()]


def text_of(events: list[StreamEvent]) -> str:
    return "".join(e.text for e in events if isinstance(e, TextDelta))


@every_protocol
async def test_a_failure_before_the_first_token_is_tried_again(rig: Rig, name: str) -> None:
    events = await hear(rig, f"{name}/flaky-2-echo")
    assert [type(e) for e in events[:2]] == [Retried, Retried]
    assert text_of(events) == "You said: hello"
    assert len(rig.scripted.requests) == 3


@every_protocol
async def test_nothing_is_tried_again_after_the_first_token(rig: Rig, name: str) -> None:
    heard: list[StreamEvent] = []
    llm = rig.router.resolve(f"{name}/cut-3")
    exchange = llm.ask(body_for(llm))
    with pytest.raises(NetworkError):
        async for event in exchange.events():
            heard.append(event)
    assert text_of(heard).split() == ["t1", "t2", "t3"]
    assert exchange.reply().parts == (Text(" t1 t2 t3"),)
    assert len(rig.scripted.requests) == 1


@every_protocol
async def test_a_wait_that_is_too_long_is_left_to_the_user(rig: Rig, name: str) -> None:
    with pytest.raises(RateError) as caught:
        await hear(rig, f"{name}/error-429-retry-30")
    assert caught.value.retry_after_s == 30
    assert len(rig.scripted.requests) == 1


@every_protocol
@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("error-401", AuthError),
        ("echo-key-401", AuthError),
        ("quota", QuotaError),
        ("error-404", ModelNotFoundError),
        ("error-503", ProviderError),
        ("error-529", OverloadedError),
        ("html-502", ServerError),
        ("inband-error", ProviderError),
        ("garbled", ProviderError),
    ],
)
async def test_each_failure_is_one_plain_sentence_without_a_key(
    rig: Rig, name: str, model: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        await hear(rig, f"{name}/{model}")
    fault = caught.value
    assert isinstance(fault, ProviderError)
    assert fault.sentence.count("\n") == 0
    assert "<" not in fault.sentence
    assert "Traceback" not in fault.sentence
    assert KEY not in f"{fault.sentence} {fault.detail} {fault!r}"


@every_protocol
@pytest.mark.parametrize("model", ["silent", "silent-headers", "stall-2", "paced-20x500"])
async def test_silence_and_an_answer_without_end_are_ended(impatient: Rig, name: str, model: str) -> None:
    with pytest.raises(SilenceError) as caught:
        await hear(impatient, f"{name}/{model}")
    assert "no sign of life" in caught.value.sentence
    await impatient.scripted.until(lambda s: s.open_streams == 0)


@every_protocol
async def test_nobody_at_the_address_is_said_in_words(tmp_path: Path, name: str) -> None:
    with ScriptedProvider() as gone:
        rig = Rig(gone, tmp_path, budgets=PATIENT)
    with pytest.raises(NetworkError) as caught:
        await hear(rig, f"{name}/echo")
    assert "could not be reached" in caught.value.sentence
    await rig.aclose()


class Redirecting(BaseHTTPRequestHandler):
    """Send every request on to another address."""

    target = ""
    seen: list[str]

    def do_POST(self) -> None:
        self.seen.append(self.path)
        self.send_response(307)
        self.send_header("Location", self.target + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@every_protocol
async def test_no_redirect_is_followed(scripted: ScriptedProvider, tmp_path: Path, name: str) -> None:
    seen: list[str] = []
    handler = type("Handler", (Redirecting,), {"target": scripted.url, "seen": seen})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}" + ("" if name == "messages" else "/v1")
    extra = (
        f'[[provider]]\nname = "away"\nlabel = "Away"\nprotocol = "{PROTOCOLS[name]}"\nbase_url = "{root}"\n'
        'api_key_env = "SCRIPTED_KEY"\nmodels = ["echo"]\n'
    )
    rig = Rig(scripted, tmp_path, budgets=PATIENT, extra=extra)
    try:
        with pytest.raises(MovedError):
            await hear(rig, "away/echo")
    finally:
        server.shutdown()
        server.server_close()
        await rig.aclose()
    assert len(seen) == 1
    assert scripted.requests == []


@every_protocol
async def test_the_environment_of_the_sdks_changes_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-CANARY-environment-key")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "sk-CANARY-environment-key")
    assert text_of(await hear(rig, f"{name}/echo")) == "You said: hello"
    sent = json.dumps([rig.scripted.requests[-1].headers, rig.scripted.requests[-1].body], default=str)
    assert KEY in sent
    assert "CANARY-environment" not in sent


@every_protocol
async def test_a_stop_closes_the_connection(rig: Rig, name: str) -> None:
    task = asyncio.create_task(hear(rig, f"{name}/stall-2"))
    await rig.scripted.until(lambda s: s.requests and s.requests[-1].tokens >= 2)
    task.cancel()
    await asyncio.wait({task})
    await rig.scripted.until(lambda s: s.requests[-1].ended == "client closed")


@every_protocol
async def test_a_model_that_never_pauses_lets_others_in_between(rig: Rig, name: str) -> None:
    taken, seen = 0, [0]

    async def others() -> None:
        while True:
            await asyncio.sleep(0)
            seen.append(taken)

    beside = asyncio.create_task(others())
    llm = rig.router.resolve(f"{name}/fast-1500")
    async for event in llm.ask(body_for(llm)).events():
        taken += isinstance(event, TextDelta)
    beside.cancel()
    assert taken == 1500
    assert max(later - before for before, later in pairwise(seen)) < 100

"""The real local model under its three protocols: a swap across protocols with no key and no network."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, expect

from aether.transcript import Transcript
from tests.app_process import ROOT, AppProcess
from tests.e2e.drive import ask, pick

pytestmark = [pytest.mark.e2e, pytest.mark.local, pytest.mark.timeout(600)]
PROTOCOLS = {
    "local": "Local model",
    "local-anthropic": "Local, Anthropic",
    "local-responses": "Local, Responses",
}
MODEL = "smollm2-135m"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """The application as a first start finds it: no key, the local model on; only its answers are kept short."""
    shipped, keyed, _ = (ROOT / "aether" / "providers.toml").read_text().partition("# --- with a key")
    assert keyed
    short = shipped.replace("usual_output = 1024", "usual_output = 48")
    assert short.count("usual_output = 48") == len(PROTOCOLS)
    folder = tmp_path_factory.mktemp("app")
    with AppProcess(folder, providers=short, AETHER_LOCAL="1", AETHER_LOG_LEVEL="DEBUG") as process:
        process.wait_for_line(f"Local model {MODEL}: ready", timeout_s=60)
        yield process


def test_badge_stamp_divider_payload_and_body_agree_across_the_protocols(app: AppProcess, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(app.url)
    for number, (name, label) in enumerate(PROTOCOLS.items()):
        if number:
            pick(page, "#provider", label)
        expect(page.locator("#active-model")).to_have_text(f"{name}/{MODEL}")
        stamp = ask(page, f"Say a word that begins with {'abc'[number]}.", timeout_s=180)
        expect(stamp).to_contain_text(f"{name}/{MODEL}")
        expect(page.locator(".divider")).to_have_count(number)
        expect(page.locator(".notice.error")).to_have_text([])
        payload = [line for line in app.lines if "LLM REQUEST PAYLOAD" in line][-1]
        told = json.loads(payload.split("PAYLOAD ")[1])
        assert (told["provider"], told["model"], told["messages"]) == (name, MODEL, 2 * number + 1)
        body = json.loads([line for line in app.lines if "LLM REQUEST BODY" in line][-1].split("BODY ")[1])
        assert body["model"] == MODEL
        assert body.get("max_tokens", body.get("max_output_tokens")) == 48
    context.close()


def test_every_ordered_pair_of_protocols_answers(app: AppProcess) -> None:
    client = Client(app.url, verbose=False)
    route = ["local", "local-anthropic", "local", "local-responses", "local-anthropic", "local-responses", "local"]
    for name in route:
        event = client.predict(name, MODEL, api_name="/select_model")
        assert event["event_type"] == "model_updated"
        value = client.submit("Name a colour.", api_name="/chat").result(timeout=180)
        assert value["status"] == "done", value
        (step,) = value["steps"]
        assert (step["provider"], step["reported_model"]) == (name, MODEL)
        assert step["text"] if "text" in step else value["text"]
        assert step["usage"]["input"] > 0
        assert step["usage"]["output"] > 0
        assert step["cost_usd"] == 0
    transcript = Transcript.from_dict(client.predict(api_name="/transcript"))
    assert [t.answers[0].steps[0].provider for t in transcript.turns] == route

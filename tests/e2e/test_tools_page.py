"""Tools on the page: the scene that this project began with, consent, switches, limits, models without tools."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.app_process import ROOT, AppProcess, scripted_providers
from tests.e2e.conftest import KEY
from tests.e2e.drive import ask, choose, pick, send
from tests.scripted import ScriptedProvider
from tests.scripted.reply import Call, Reply

pytestmark = pytest.mark.e2e
BUILT_IN = ("calculate", "current_time", "list_files", "read_file", "search_text")


def more_providers(url: str) -> str:
    """Return guides over two protocols, and a provider whose model takes no tools."""
    entry = (
        '[[provider]]\nname = "{0}"\nlabel = "Scripted {0}"\nprotocol = "{1}"\nbase_url = "{2}"\n'
        'api_key_env = "SCRIPTED_KEY"\nmodels = ["guide", "forever-current_time"]\nprofile = {{ tools = {3} }}\n'
    )
    return "\n".join(
        (
            entry.format("guides", "openai-chat", f"{url}/v1", "true"),
            entry.format("others", "anthropic-messages", url, "true"),
            entry.format("plain", "openai-responses", f"{url}/v1", "false"),
        )
    )


@pytest.fixture(scope="module")
def app(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """The application with the sample workspace and an MCP server, all tools allowed."""
    folder = tmp_path_factory.mktemp("tools")
    said, servers = folder / "said.txt", folder / "mcp.json"
    said.write_text("Write a note.")
    own = {"command": sys.executable, "args": ["-m", "tests.mcp_server", str(said)], "env": {"PYTHONPATH": str(ROOT)}}
    servers.write_text(json.dumps({"mcpServers": {"own": own}}))
    with AppProcess(
        folder,
        providers=scripted_providers(provider.url) + more_providers(provider.url),
        AETHER_DEFAULT="chat/echo-small",
        AETHER_TOOLS="all",
        AETHER_WORKSPACE=str(ROOT / "workspace"),
        AETHER_MCP=str(servers),
        SCRIPTED_KEY=KEY,
    ) as process:
        yield process


def card(page: Page) -> Locator:
    return page.locator(".consent-card")


def notes(provider: ScriptedProvider, *texts: str) -> None:
    """Let the next answer of echo-small ask for a note for each text; the one after that repeats the user's words."""
    calls = tuple(Call(name="own__note", arguments=json.dumps({"text": t})) for t in texts)
    provider.script("echo-small", [Reply(text="I take a note.", calls=calls)])


def answers(provider: ScriptedProvider) -> str:
    """Return the last body, which holds the results of the calls."""
    assert not provider.requests[-1].refused
    return json.dumps(provider.requests[-1].body)


def test_the_scene_that_this_project_began_with(page: Page, provider: ScriptedProvider) -> None:
    """One model lists the tools; another, over another protocol, uses them on the same history."""
    choose(page, "guides/guide")
    expect(ask(page, "What tools are available?")).to_contain_text("guides/guide")
    for name in (*BUILT_IN, "own__note"):
        expect(page.locator(".cell[data-turn='0']")).to_contain_text(name)
    choose(page, "others/guide")
    expect(ask(page, "Analyze the codebase structure.")).to_contain_text("others/guide")
    cell = page.locator(".cell[data-turn='1']")
    expect(cell).to_contain_text("beds.py reads the table")
    expect(cell.locator("details.tools > summary")).to_contain_text("2 calls")
    expect(cell.locator("details.tool")).to_have_count(3)
    assert cell.locator("details[open]").count() == 0
    cell.locator("details.tools > summary").click()
    cell.locator("details.tool > summary").first.click()
    expect(cell.locator("details.tool").first).to_contain_text("beds.csv")
    first, *rest = [r for r in provider.requests if r.model == "guide"]
    assert first.protocol == "openai-chat" and {r.protocol for r in rest} == {"anthropic-messages"}
    assert len(rest) == 3 and not any(r.refused for r in (first, *rest))
    last = json.dumps(rest[-1].body)
    assert all(words in last for words in ("What tools are available?", "I can use: calculate", "def load_beds"))
    expect(page.locator(".divider")).to_have_count(1)


def test_a_call_that_does_more_than_read_waits_for_the_person(page: Page, provider: ScriptedProvider) -> None:
    notes(provider, "exactly this")
    send(page, "note it")
    expect(card(page)).to_contain_text("own__note")
    expect(card(page).locator("code")).to_contain_text('"text": "exactly this"')
    expect(page.locator("#live .tool.asking")).to_contain_text("waits for you")
    page.locator(".consent-choice.once").click()
    expect(page.locator(".stamp")).to_have_count(1)
    expect(card(page)).to_have_count(0)
    assert "noted: exactly this" in answers(provider)
    notes(provider, "once more")
    send(page, "and again")
    expect(card(page)).to_contain_text("once more")  # once was once
    page.locator(".consent-choice.refused").click()
    expect(page.locator(".stamp")).to_have_count(2)
    assert "did not allow this call" in answers(provider) and "noted: once more" not in answers(provider)
    expect(page.locator(".cell[data-turn='1'] .tool.error > summary")).to_contain_text("failed")


def test_what_is_allowed_for_the_session_is_taken_back_by_the_switch(page: Page, provider: ScriptedProvider) -> None:
    notes(provider, "one", "two")
    send(page, "two notes")
    page.locator(".consent-choice.session").click()
    expect(page.locator(".stamp")).to_have_count(1)
    assert "noted: one" in answers(provider) and "noted: two" in answers(provider)
    page.locator("#tools-open").click()
    row = page.locator(".tool-row").filter(has_text="own__note")
    expect(row.locator(".chip")).to_have_text("allowed in this session")
    row.locator(".tool-switch").click()
    expect(row.locator(".tool-switch")).to_have_attribute("aria-checked", "false")
    expect(row.locator(".chip")).to_have_text("asks first")
    ask(page, "hello")
    assert '"own__note"' not in json.dumps([t.get("name") for t in offered(provider)])
    row.locator(".tool-switch").click()
    expect(row.locator(".tool-switch")).to_have_attribute("aria-checked", "true")
    page.locator("#tab-usage").click()
    expect(page.locator("#place-panel-usage .usage")).to_be_visible()


def offered(provider: ScriptedProvider) -> list[dict[str, object]]:
    """Return the tools of the last body, as far as their descriptions do not only explain the history."""
    body = provider.requests[-1].body or {}
    tools = [t.get("function", t) for t in body.get("tools", [])]
    return [t for t in tools if t.get("description") != "No longer available."]


def test_two_visitors_have_their_own_questions(browser: Browser, app: AppProcess, provider: ScriptedProvider) -> None:
    pages: list[Page] = []
    for _ in range(2):
        page = browser.new_context().new_page()
        page.goto(app.url)
        expect(page.locator("#active-model")).to_have_text("chat/echo-small")
        pages.append(page)
    mine, other = pages
    notes(provider, "a secret")
    send(mine, "note it")
    expect(card(mine)).to_contain_text("a secret")
    question = mine.locator(".consent-choice.once").get_attribute("data-question")
    other.locator("#consent-said textarea, #consent-said input").evaluate(
        "(field, said) => { field.value = said; field.dispatchEvent(new Event('input', {bubbles: true})); }",
        f"{question} session",
    )
    other.locator("#consent-answer").dispatch_event("click")
    ask(other, "hello")
    expect(card(other)).to_have_count(0)
    expect(card(mine)).to_have_count(1)
    mine.locator("#stop").click()
    expect(mine.locator(".stamp")).to_contain_text("stopped")
    expect(card(mine)).to_have_count(0)
    for page in pages:
        page.context.close()


def test_a_swap_while_a_call_waits_takes_effect_with_its_result(page: Page, provider: ScriptedProvider) -> None:
    notes(provider, "between two models")
    send(page, "note it")
    expect(card(page)).to_have_count(1)
    pick(page, "#provider", "Scripted messages")
    pick(page, "#model", "echo-large")
    page.locator(".consent-choice.once").click()
    expect(page.locator(".stamp")).to_contain_text("chat/echo-small → messages/echo-large")
    assert provider.requests[-1].protocol == "anthropic-messages"
    assert "noted: between two models" in answers(provider)


def test_a_model_that_asks_for_ever_stops_and_the_person_goes_on(page: Page, provider: ScriptedProvider) -> None:
    choose(page, "guides/forever-current_time")
    ask(page, "what time is it?")
    expect(page.locator(".notice.limit")).to_contain_text("24 times")
    expect(page.locator(".stamp")).to_contain_text("at a limit")
    choose(page, "others/guide")
    page.locator(".go-on").click()
    expect(page.locator(".stamp")).to_have_count(2)
    expect(page.locator("[data-prompt='1'] .said")).to_have_text("continue")
    assert not provider.requests[-1].refused
    expect(page.locator(".go-on:visible")).to_have_count(0)


def test_a_model_without_tools_is_said_to_have_none_and_sees_the_calls_as_text(
    page: Page, provider: ScriptedProvider
) -> None:
    choose(page, "guides/guide")
    ask(page, "Analyze the codebase structure.")
    choose(page, "plain/guide")
    expect(page.locator("#tools-open")).to_have_attribute("data-state", "unable")
    page.locator("#tools-open").click()
    expect(page.locator(".tool-word")).to_contain_text("cannot use tools")
    ask(page, "And now?")
    body = provider.requests[-1].body or {}
    assert "tools" not in body
    assert "[called list_files(" in json.dumps(body) and "def load_beds" in json.dumps(body)
    choose(page, "guides/guide")
    expect(page.locator("#tools-open")).to_have_attribute("data-state", "ready")


def test_calls_are_readable_on_a_phone(browser: Browser, app: AppProcess, out: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(app.url)
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    send(page, "hello")
    expect(page.locator(".stamp")).to_have_count(1)
    choose(page, "guides/guide")
    ask(page, "Analyze the codebase structure.")
    page.locator("details.tools > summary").click()
    for summary in page.locator("details.tool > summary").all():
        summary.click()
    page.screenshot(path=out / "tools-phone.png")
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390
    for fold in page.locator("details.tool").all():
        box = fold.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    context.close()

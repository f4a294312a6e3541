"""The page: ask, swap, stop, go on. Every place that names the model agrees."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.app_process import AppProcess
from tests.e2e.drive import ask, choose, pick, send
from tests.scripted import ScriptedProvider

pytestmark = pytest.mark.e2e


def test_badge_stamp_divider_payload_and_body_agree_after_each_swap(
    page: Page, app: AppProcess, provider: ScriptedProvider
) -> None:
    for number, reference in enumerate(
        ["chat/echo-small", "messages/echo-large", "responses/think", "chat/echo-large"]
    ):
        choose(page, reference)
        stamp = ask(page, f"question {number}")
        expect(stamp).to_contain_text(reference)
        expect(page.locator("#active-model")).to_have_attribute("data-state", "ready")
        expect(page.locator(".divider")).to_have_count(number)
        name, _, model = reference.partition("/")
        sent = provider.requests[-1]
        assert sent.model == model
        assert not sent.refused
        assert all(f"question {n}" in json.dumps(sent.body) for n in range(number + 1))
        payload = [line for line in app.lines if "LLM REQUEST PAYLOAD" in line][-1]
        told = json.loads(payload.split("PAYLOAD ")[1])
        assert (told["provider"], told["model"]) == (name, model)
    expect(page.locator("#chat [data-turn]")).to_have_count(4)


def test_a_swap_leaves_the_history_in_the_page_untouched(page: Page) -> None:
    ask(page, "one")
    ask(page, "two")
    page.evaluate(
        """() => {
            const chat = document.querySelector('#chat');
            window.before = [chat, ...chat.querySelectorAll('.cell')];
            window.changes = 0;
            new MutationObserver(list => { window.changes += list.length; })
                .observe(chat, {subtree: true, childList: true, characterData: true});
        }"""
    )
    choose(page, "messages/echo-large")
    choose(page, "responses/echo-small")
    same = page.evaluate(
        """() => {
            const chat = document.querySelector('#chat');
            const now = [chat, ...chat.querySelectorAll('.cell')];
            return now.length === window.before.length && now.every((n, i) => n === window.before[i]);
        }"""
    )
    assert same
    assert page.evaluate("() => window.changes") == 0


def test_a_swap_in_mid_answer_is_pending_until_the_next_request(page: Page, provider: ScriptedProvider) -> None:
    choose(page, "messages/gate-3")
    send(page, "go on")
    expect(page.locator("#live")).to_contain_text("[[r")
    pick(page, "#provider", "Scripted chat")
    pick(page, "#model", "echo-large")
    badge = page.locator("#active-model")
    expect(badge).to_have_text("chat/echo-large")
    expect(badge).to_have_attribute("data-state", "pending")
    expect(page.locator("#switch-now")).to_be_visible()
    provider.release()
    expect(page.locator(".stamp")).to_have_count(1)
    expect(page.locator(".stamp")).to_contain_text("messages/gate-3")
    expect(badge).to_have_attribute("data-state", "ready")
    expect(ask(page, "and now?")).to_contain_text("chat/echo-large")


def test_stop_and_switch_now(page: Page, provider: ScriptedProvider) -> None:
    choose(page, "responses/stall-3")
    send(page, "never ends")
    expect(page.locator("#live")).to_contain_text("t3")
    pick(page, "#provider", "Scripted messages")
    pick(page, "#model", "echo-small")
    page.locator("#switch-now").click()
    expect(page.locator(".stamp")).to_contain_text("stopped")
    provider.wait_for(lambda s: s.requests[-1].ended == "client closed", timeout_s=1.0)
    expect(page.locator("#chat")).to_contain_text("t3")
    expect(ask(page, "hello")).to_contain_text("messages/echo-small")


def test_answer_again_with_the_new_model(page: Page, provider: ScriptedProvider) -> None:
    choose(page, "chat/stall-3")
    send(page, "the question")
    expect(page.locator("#live")).to_contain_text("t3")
    choose(page, "messages/echo-small")
    page.locator("#answer-again").click()
    expect(page.locator(".stamp").filter(has_text="messages/echo-small")).to_have_count(1)
    expect(page.locator("#chat")).to_contain_text("You said: the question")
    assert " t1" not in json.dumps(provider.requests[-1].body)


def test_stop_ends_the_request_and_keeps_the_text(page: Page, provider: ScriptedProvider) -> None:
    choose(page, "chat/stall-3")
    send(page, "tell me")
    expect(page.locator("#live")).to_contain_text("t3")
    page.locator("#stop").click()
    provider.wait_for(lambda s: s.requests[-1].ended == "client closed", timeout_s=1.0)
    expect(page.locator(".stamp")).to_contain_text("stopped")
    expect(page.locator("#chat")).to_contain_text("t1 t2 t3")


def test_a_message_that_overtakes_its_swap_goes_to_the_new_model(page: Page, provider: ScriptedProvider) -> None:
    choose(page, "chat/echo-small")

    def late(route: Route) -> None:
        time.sleep(0.3)
        route.continue_()

    page.route("**/gradio_api/run/**", late)
    page.locator("#model input").click()
    page.get_by_role("option", name="echo-large", exact=True).click()
    send(page, "at once")
    expect(page.locator(".stamp")).to_contain_text("chat/echo-large")
    assert provider.requests[-1].model == "echo-large"


def test_a_message_right_after_new_is_the_first_of_a_new_conversation(page: Page, provider: ScriptedProvider) -> None:
    choose(page, "chat/echo-small")
    ask(page, "before")
    page.locator("#new").click()
    send(page, "at once")
    expect(page.locator("#chat .prompt .said")).to_have_text(["at once"])
    assert "before" not in str(provider.requests[-1].body)


@pytest.mark.parametrize("model", ["stall-3", "silent-headers"])
def test_a_closed_tab_ends_the_request(
    browser: Browser, app: AppProcess, provider: ScriptedProvider, model: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(app.url)
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    choose(page, f"messages/{model}")
    send(page, "anyone?")
    provider.wait_for(lambda s: s.requests[-1].model == model and s.requests[-1].is_open)
    context.close()
    provider.wait_for(lambda s: s.requests[-1].ended == "client closed", timeout_s=2.0)


def test_a_provider_without_its_key_is_refused_in_words(page: Page) -> None:
    ask(page, "before")
    page.locator("#provider input").click()
    page.get_by_role("option", name="NVIDIA").click()
    expect(page.locator("#receipt")).to_contain_text("NVIDIA_API_KEY")
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    expect(page.locator("#provider input")).to_have_value("Scripted chat")
    expect(ask(page, "after")).to_contain_text("chat/echo-small")


def test_an_error_keeps_the_message_and_the_next_model_answers(page: Page, canary: str) -> None:
    choose(page, "messages/echo-key-401")
    ask(page, "remember the word lighthouse")
    expect(page.locator(".notice.error")).to_contain_text("refused the key")
    assert canary not in page.content()
    choose(page, "chat/echo-large")
    ask(page, "what was the word?")
    expect(page.locator("#chat")).to_contain_text("lighthouse")


def test_two_visitors_never_mix(browser: Browser, app: AppProcess, provider: ScriptedProvider) -> None:
    pages: list[Page] = []
    for model in ("chat/echo-large", "messages/think"):
        page = browser.new_context().new_page()
        page.goto(app.url)
        expect(page.locator("#active-model")).to_have_text("chat/echo-small")
        choose(page, model)
        pages.append(page)
    for number in range(3):
        for page, word, model in zip(pages, ("apple", "banana"), ("chat/echo-large", "messages/think"), strict=True):
            expect(ask(page, f"{word} {number}")).to_contain_text(model)
            body = json.dumps(provider.requests[-1].body)
            assert ("apple" in body, "banana" in body) == (word == "apple", word == "banana")
    for page in pages:
        page.context.close()


def test_a_new_conversation_forgets_the_old_one_and_keeps_the_model(page: Page, provider: ScriptedProvider) -> None:
    choose(page, "responses/echo-large")
    ask(page, "the secret word is pelican")
    page.locator("#new").click()
    expect(page.locator(".stamp")).to_have_count(0)
    expect(ask(page, "hello")).to_contain_text("responses/echo-large")
    assert "pelican" not in json.dumps(provider.requests[-1].body)


def test_what_a_model_writes_cannot_act(page: Page) -> None:
    ask(
        page,
        '<img src="http://127.0.0.1:9/x" onerror="window.hit=1">'
        '<svg><a href="javascript:window.hit=1"><text>C</text></a></svg>',
    )
    assert page.locator("#chat svg a, #chat img").count() == 0
    expect(page.locator("#chat")).to_contain_text("<svg>")
    assert page.evaluate("() => window.hit") is None

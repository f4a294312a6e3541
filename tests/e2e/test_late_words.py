"""Words that come late: each names the turn that it means, and leaves the one that has begun since alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.app_process import AppProcess
from tests.e2e.drive import ask, choose, send, until
from tests.scripted import Reply, ScriptedProvider

pytestmark = pytest.mark.e2e

RUNS = "**/gradio_api/run/**"
PRESSED = """(name) => {
    const { components, dependencies } = window.gradio_config;
    const id = components.find((one) => one.props.elem_id === name).id;
    return dependencies.filter((one) => one.targets.some(([target]) => target === id)).map((one) => one.id);
}"""
TELLING = """(name) => {
    const { components, dependencies } = window.gradio_config;
    const id = components.find((one) => one.props.elem_id === name).id;
    return dependencies.filter((one) => one.outputs.join() === String(id)).map((one) => one.id);
}"""


@contextmanager
def held(page: Page, events: list[int]) -> Iterator[Callable[[], Route]]:
    """Keep the next request of one of these events from the server; yield what waits for it and returns it."""
    kept: list[Route] = []

    def keep(route: Route) -> None:
        if not kept and (route.request.post_data_json or {}).get("fn_index") in events:
            kept.append(route)
        else:
            route.continue_()

    def caught() -> Route:
        until(lambda: page.evaluate("() => true") and bool(kept))
        return kept[0]

    page.route(RUNS, keep)
    yield caught
    page.unroute(RUNS)


def second(page: Page, provider: ScriptedProvider) -> None:
    """Send a message; wait until a part of its answer, which is held, is read."""
    provider.script("echo-small", [Reply(tokens=("so far ", "and to the end"), hold_after=1)])
    expect(page.locator("body.busy")).to_have_count(0)
    send(page, "the second")
    expect(page.locator("#live .answer")).to_contain_text("so far")


def is_whole(page: Page, provider: ScriptedProvider) -> None:
    """Let the held answer go on, and see that it comes to its end by itself."""
    provider.release()
    answer = page.locator("#chat .answer").last
    expect(answer.locator(".stamp")).to_have_count(1)
    expect(answer).to_contain_text("so far and to the end")
    expect(answer.locator(".stamp")).not_to_contain_text("stopped")
    expect(page.locator("body.busy")).to_have_count(0)


def test_a_stop_that_comes_late_leaves_the_next_answer_alone(page: Page, provider: ScriptedProvider) -> None:
    with held(page, page.evaluate(PRESSED, "stop")) as caught:
        provider.script("echo-small", [Reply(tokens=("one ", "two"), hold_after=1)])
        send(page, "the first")
        expect(page.locator("#live .answer")).to_contain_text("one")
        page.locator("#stop").click()
        provider.release()
        expect(page.locator("#chat .stamp")).to_have_count(1)
        second(page, provider)
        with page.expect_response(lambda answer: answer.request == caught().request):
            caught().continue_()
    is_whole(page, provider)


def test_the_word_of_an_answer_that_is_over_leaves_the_next_one_alone(page: Page, provider: ScriptedProvider) -> None:
    ask(page, "the first")
    with held(page, page.evaluate(TELLING, "begun")) as caught:
        page.locator("#chat .again").first.click()
        expect(page.locator("#chat .answers .stamp")).to_have_count(2)
        said = caught().fetch()
        second(page, provider)
        caught().fulfill(response=said)
        expect(page.locator("#begun i")).to_have_count(1)
    is_whole(page, provider)


def test_a_message_at_once_after_a_stop_is_answered(page: Page, provider: ScriptedProvider) -> None:
    choose(page, "chat/stall-3")
    send(page, "the first")
    expect(page.locator("#live .answer")).to_contain_text("t3")
    choose(page, "chat/echo-small")
    page.evaluate(
        """() => {
            new MutationObserver((_, observer) => {
                if (document.body.classList.contains("busy")) return;
                observer.disconnect();
                window.aether.write(document.querySelector("#composer textarea"), "at once");
                document.querySelector("#send").click();
            }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
            document.querySelector("#stop").click();
        }"""
    )
    expect(page.locator("#chat .stamp")).to_have_count(2)
    expect(page.locator("#chat .stamp").last).not_to_contain_text("stopped")
    expect(page.locator("#chat .answer").last).to_contain_text("You said: at once")


def test_what_is_settled_is_asked_for_until_it_is_heard(page: Page) -> None:
    events, refused = page.evaluate(PRESSED, "settle"), list[str]()

    def refuse(route: Route) -> None:
        if not refused and (route.request.post_data_json or {}).get("fn_index") in events:
            refused.append(route.request.url)
            route.fulfill(status=503, json={"error": "not now"})
        else:
            route.continue_()

    page.route(RUNS, refuse)
    ask(page, "the first")
    expect(page.locator("body.busy")).to_have_count(0)
    assert len(refused) == 1


def test_a_message_sent_before_the_script_has_come_is_answered(browser: Browser, app: AppProcess) -> None:
    context = browser.new_context()
    page, waiting = context.new_page(), list[Route]()
    page.route("**/ui/page.js*", lambda route: waiting.append(route))
    page.goto(app.url)
    box = page.locator("#composer textarea")
    box.fill("early bird")
    page.locator("#send").click()
    expect(box).to_have_value("")
    waiting[0].continue_()
    expect(page.locator(".stamp")).to_have_count(1)
    expect(page.locator("body.busy")).to_have_count(0)
    context.close()


def test_a_message_sent_before_the_page_has_opened_waits_for_it(browser: Browser, app: AppProcess) -> None:
    context = browser.new_context()
    page, opening = context.new_page(), list[Route]()
    page.route(RUNS, lambda route: route.continue_() if opening else opening.append(route))
    page.goto(app.url)
    box = page.locator("#composer textarea")
    box.fill("early bird")
    page.locator("#send").click()
    until(lambda: page.evaluate("() => true") and bool(opening))
    expect(box).to_have_value("early bird")
    opening[0].continue_()
    expect(page.locator(".stamp")).to_have_count(1)
    expect(page.locator("body.busy")).to_have_count(0)
    expect(box).to_have_value("")
    context.close()

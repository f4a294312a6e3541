"""Conversations on the page: they come back, they are one's own, two tabs never mix."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.app_process import AppProcess
from tests.e2e.drive import ask, choose, send, until
from tests.scripted import ScriptedProvider

pytestmark = pytest.mark.e2e
KEPT = re.compile(r"\?c=[0-9a-f]{32}$")


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


def opened(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#active-model")).to_be_visible()
    expect(page.locator("body[data-ready=true]")).to_be_attached()
    return page


def test_a_reload_returns_to_the_same_conversation_model_and_place(page: Page) -> None:
    for number in range(4):
        ask(page, f"question {number} " + "with many words " * 60)
    choose(page, "messages/echo-large")
    expect(page).to_have_url(KEPT)
    page.evaluate("document.querySelector('[data-prompt=\"1\"]').scrollIntoView()")
    kept = "() => Object.entries(sessionStorage).some(([k, v]) => k.includes('scroll') && v.startsWith('1:'))"
    until(lambda: page.evaluate(kept))
    before, at = page.url, page.evaluate("scrollY")
    page.reload()
    expect(page.locator(".stamp")).to_have_count(4)
    expect(page.locator("#active-model")).to_have_text("messages/echo-large")
    expect(page.locator("#model input")).to_have_value("echo-large")
    until(lambda: abs(page.evaluate("() => scrollY") - at) < 40)
    assert page.url == before
    expect(ask(page, "and on")).to_contain_text("messages/echo-large")
    expect(page.locator("#list .conversation")).to_have_count(1)


def test_the_list_renames_pins_deletes_finds_and_takes_back(visitor: BrowserContext, app: AppProcess) -> None:
    page = opened(visitor, app.url)
    for words in ("How does a rainbow form?", "Compare tea and coffee"):
        ask(page, words)
        expect(page.locator("#list .title").first).to_have_text(words)
        page.locator("#new").click()
        expect(page.locator(".stamp")).to_have_count(0)
    titles = page.locator("#list .title")
    page.get_by_label("More for How does a rainbow form?").click()
    page.get_by_role("menuitem", name="Pin").click()
    expect(titles.first).to_have_text("How does a rainbow form?")
    expect(page.locator("#list h3")).to_have_text(["Pinned", "Today"])
    page.get_by_label("More for Compare tea and coffee").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("New title").fill("<img src=x onerror=alert(1)> drinks")
    page.keyboard.press("Enter")
    expect(titles.nth(1)).to_have_text("<img src=x onerror=alert(1)> drinks")
    page.locator("#find").fill("coff")
    expect(titles).to_have_text(["<img src=x onerror=alert(1)> drinks"])
    page.locator("#find").fill("")
    expect(titles).to_have_count(2)
    page.get_by_label("More for How does").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(titles).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(titles).to_have_count(2)
    titles.first.click()
    expect(page.locator("#chat")).to_contain_text("You said: How does a rainbow form?")


def test_case_19_another_visitors_conversation_is_as_little_there_as_none(
    visitor: BrowserContext, page: Page, app: AppProcess
) -> None:
    """Nothing but the cookie opens a conversation, and its id is no secret that tells."""
    ask(page, "my SECRETWORD")
    expect(page).to_have_url(KEPT)
    mine = page.url.rpartition("=")[2]
    seen: list[tuple[str, str]] = []
    for id_ in (mine, "'; DROP TABLE conversations; --"):
        other = opened(visitor, f"{app.url}/?c={id_}")
        expect(other.locator("#receipt")).to_contain_text("There is no such conversation.")
        expect(other).to_have_url(re.compile(r"/$"))
        expect(other.locator(".stamp")).to_have_count(0)
        assert "SECRETWORD" not in other.content()
        other.close()
    for id_ in (mine, "0" * 32):
        for path in (f"/api/conversations/{id_}", f"/api/conversations/{id_}/share"):
            answer = visitor.request.post(app.url + path, data={"title": "stolen", "deleted": True})
            seen.append((str(answer.status), answer.text()))
    assert set(seen) == {("404", '{"detail":"Not Found"}')}
    assert visitor.request.get(f"{app.url}/api/conversations").json() == {"entries": [], "after": ""}
    visitor.add_cookies([{"name": "aether_visitor", "value": "forged' OR 1=1", "url": app.url}])
    assert visitor.request.get(f"{app.url}/api/conversations").json()["entries"] == []
    page.reload()
    expect(page.locator("#chat")).to_contain_text("SECRETWORD")


def test_the_cookie_is_long_and_out_of_reach_of_scripts(visitor: BrowserContext, app: AppProcess) -> None:
    page = opened(visitor, app.url)
    (cookie,) = [c for c in visitor.cookies() if c.get("name") == "aether_visitor"]
    assert cookie.get("httpOnly")
    assert cookie.get("sameSite") == "Lax"
    assert len(cookie.get("value", "")) >= 32
    assert "aether_visitor" not in page.evaluate("document.cookie")


def test_of_two_tabs_the_second_to_speak_goes_on_in_a_copy(visitor: BrowserContext, app: AppProcess) -> None:
    first = opened(visitor, app.url)
    ask(first, "begin")
    expect(first).to_have_url(KEPT)
    second = opened(visitor, first.url)
    expect(second.locator(".stamp")).to_have_count(1)
    ask(first, "from the first")
    ask(second, "from the second")
    expect(second.locator("#conversation")).to_contain_text("went on in another tab")
    expect(second.locator("#chat")).not_to_contain_text("from the first")
    expect(first.locator("#chat")).not_to_contain_text("from the second")
    expect(second).not_to_have_url(first.url)
    second.reload()
    expect(second.locator("#chat .prompt .said")).to_have_text(["begin", "from the second"])
    first.reload()
    expect(first.locator("#chat .prompt .said")).to_have_text(["begin", "from the first"])


def test_a_second_tab_follows_an_answer_that_is_being_written(
    visitor: BrowserContext, app: AppProcess, provider: ScriptedProvider
) -> None:
    first = opened(visitor, app.url)
    choose(first, "chat/gate-3")
    send(first, "write")
    expect(first.locator("#live")).to_contain_text("w3")
    expect(first).to_have_url(KEPT)
    second = opened(visitor, first.url)
    expect(second.locator("#conversation")).to_contain_text("This one follows it")
    expect(second.locator("#writing-desk")).to_be_hidden()
    provider.release()
    expect(second.locator("#chat")).to_contain_text("[[end")
    expect(second.locator("#writing-desk")).to_be_visible()
    expect(first.locator(".stamp")).to_have_count(1)


def test_a_server_that_does_not_know_the_page_is_not_asked_without_its_conversation(
    page: Page, provider: ScriptedProvider
) -> None:
    """As behind a proxy, after the replica died that knew it: the page goes on there, with the message."""
    ask(page, "the first")
    expect(page).to_have_url(KEPT)
    kept, asked = page.url, len(provider.requests)
    elsewhere = [True]

    def move(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        if elsewhere and "session_hash" in body:
            route.continue_(post_data=json.dumps(body | {"session_hash": "another-process"}))
        else:
            route.continue_()

    def unknown(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        route.continue_(post_data=json.dumps(body | {"key": "of another process"}) if elsewhere else None)

    page.route("**/gradio_api/**", move)
    page.route("**/api/live", unknown)
    page.once("domcontentloaded", lambda _: elsewhere.clear())
    with page.expect_navigation():
        send(page, "the second")
    expect(page.locator("#toast")).to_contain_text("it was not sent")
    expect(page.locator("#composer textarea")).to_have_value("the second")
    expect(page.locator("#chat .prompt .said")).to_have_text(["the first"])
    assert page.url == kept
    assert len(provider.requests) == asked
    page.locator("#composer textarea").press("Enter")
    expect(page.locator("#chat .prompt .said")).to_have_text(["the first", "the second"])
    assert "the first" in str(provider.requests[-1].body)


def test_a_shared_snapshot_is_read_only_copied_and_revoked(
    visitor: BrowserContext, page: Page, app: AppProcess
) -> None:
    ask(page, "worth sharing")
    page.get_by_label("More for worth sharing").click()
    page.get_by_role("menuitem", name="Share a snapshot").click()
    link = page.locator("#toast span").inner_text()
    assert page.url.rpartition("=")[2] not in link
    ask(page, "said later")
    other = opened(visitor, link)
    expect(other.locator("#chat")).to_contain_text("worth sharing")
    expect(other.locator("#chat")).not_to_contain_text("said later")
    expect(other.locator("#writing-desk")).to_be_hidden()
    other.locator(".copy-shared").click()
    expect(other).to_have_url(KEPT)
    ask(other, "my own word")
    expect(other.locator("#list .title")).to_have_text(["worth sharing"])
    expect(page.locator("#list .title")).to_have_text(["worth sharing"])
    page.get_by_label("More for worth sharing").click()
    page.get_by_role("menuitem", name="Stop sharing").click()
    expect(page.get_by_role("menuitem")).to_have_count(0)
    again = opened(visitor, link)
    expect(again.locator("#receipt")).to_contain_text("There is no such conversation.")
    page.reload()
    expect(page.locator("#chat")).not_to_contain_text("my own word")


def test_a_phone_opens_the_list_over_the_page_and_closes_it_with_a_choice(browser: Browser, app: AppProcess) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = opened(context, app.url)
    ask(page, "on the phone")
    page.locator("#menu").click()
    expect(page.locator("#list .title")).to_have_text(["on the phone"])
    page.locator("#list .open").click()
    expect(page.locator("body.sidebar-open")).to_have_count(0)
    expect(page.locator("#composer textarea")).to_be_in_viewport()
    context.close()

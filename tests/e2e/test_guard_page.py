"""A shared link in a browser: what is left, its end, and a key of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.app_process import AppProcess
from tests.e2e.drive import ask
from tests.faults.sharing import OPERATOR, OWN_KEY, TOKEN, shared
from tests.scripted import ScriptedProvider

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def link(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """A link that gives each visitor two messages."""
    with shared(
        provider, tmp_path_factory.mktemp("link"), AETHER_VISITOR_TURNS="2", AETHER_OPERATOR_TOKEN=OPERATOR
    ) as process:
        yield process


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce", locale="en-GB")
    yield made
    made.close()


def enter(context: BrowserContext, link: AppProcess) -> Page:
    """Follow the link."""
    page = context.new_page()
    page.goto(f"{link.url}/?token={TOKEN}")
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    assert TOKEN not in page.url
    return page


def test_a_visitor_sees_what_is_left_and_how_to_go_on(context: BrowserContext, link: AppProcess) -> None:
    page = enter(context, link)
    left, end = page.locator("#allowance span"), page.locator("#spent")
    expect(left).to_have_text("2 messages left in this demo")
    ask(page, "one")
    expect(left).to_have_text("One message left in this demo")
    expect(end).to_be_hidden()
    ask(page, "two")
    expect(end).to_contain_text("This demo has no more messages for you.")
    expect(left).to_be_hidden()
    composer = page.locator("#composer textarea")
    composer.fill("three")  # a message that is refused is saved nowhere: it stays where it was written
    composer.press("Enter")
    expect(page.locator("#receipt")).to_contain_text(
        "You have used up the messages that this demo gives to one visitor."
    )
    expect(composer).to_have_value("three")
    expect(page.locator("#chat .said").last).to_have_text("two")
    expect(end.get_by_role("button", name="Use your own key")).to_be_visible()


def test_a_key_of_ones_own_is_entered_where_it_is_missed(
    context: BrowserContext, link: AppProcess, provider: ScriptedProvider
) -> None:
    page = enter(context, link)
    page.locator("#provider input").click()
    page.get_by_role("option", name="Keyless").click()
    expect(page.locator("#receipt")).to_contain_text("Keyless answers here with a key of your own")
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    page.locator("#receipt").get_by_role("button", name="Enter a key").click()
    dialog, key = page.locator("#own-key"), page.locator("#own-key input")
    expect(dialog.get_by_label("Provider")).to_have_value("keyless")
    expect(key).to_be_focused()
    box = dialog.bounding_box()
    assert box and round(box["width"]) == 390 and round(box["y"] + box["height"]) == 844  # on a phone, a sheet
    key.fill("short")
    key.press("Enter")
    expect(dialog.locator(".result")).to_contain_text("That does not look like a key")
    key.fill(OWN_KEY)
    key.press("Enter")
    expect(dialog.locator(".result")).to_have_text("Done. The key is in place.")
    expect(key).to_have_value("")
    dialog.get_by_role("button", name="Go on with").click()
    expect(page.locator("#active-model")).to_have_text("keyless/echo-small")
    ask(page, "with my key")
    assert provider.requests[-1].headers["authorization"] == f"Bearer {OWN_KEY}"
    kept = page.evaluate(
        "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.documentElement.outerHTML])"
    )
    assert OWN_KEY not in kept
    page.locator("#allowance").get_by_role("button", name="Use your own key").click()
    dialog.get_by_label("Provider").select_option("keyless")
    dialog.get_by_role("button", name="Forget it").click()
    expect(dialog.locator(".result")).to_have_text("The key is forgotten.")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_operator_stops_the_link_and_opens_it_again(browser: Browser, link: AppProcess) -> None:
    """In a browser, because it says by itself where a form comes from."""
    context = browser.new_context(http_credentials={"username": "me", "password": OPERATOR}, locale="en-GB")
    page = context.new_page()
    page.goto(f"{link.url}/operator?token={TOKEN}")
    for pressed, state in (("Pause the link", "The link is paused"), ("Open the link again", "The link is open")):
        page.get_by_role("button", name=pressed).click()
        expect(page.get_by_role("status")).to_have_text(state)
    context.close()

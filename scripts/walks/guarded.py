"""A shared link: the gate, what is left, a key of one's own, the end of it, the operator's page."""

from __future__ import annotations

from playwright.sync_api import expect

from scripts.walks.way import QUESTION, Way


def walk(way: Way) -> None:
    page = way.page
    page.goto(way.url)
    way.keep("gate")
    way.enter("/?token=link-of-the-pictures")
    way.keep("left")
    page.locator("#allowance .own-key").click()
    page.locator("#own-key input").wait_for()
    way.keep("own-key")
    page.keyboard.press("Escape")
    way.ask(QUESTION)
    way.ask("And now?")
    expect(page.locator("#spent")).to_be_visible()
    way.keep("spent")
    page.locator("#composer textarea").fill("And now?")
    page.keyboard.press("Enter")  # it is refused, and stays in the composer
    expect(page.locator("#receipt")).to_contain_text("used up")
    way.keep("spent-refused")
    page.goto(f"{way.url}/operator")
    way.keep("operator")
    page.get_by_role("button").click()
    way.keep("operator-paused")
    page.goto(way.url)
    expect(page.locator("#spent")).to_be_visible()
    way.keep("paused")
    page.goto(f"{way.url}/operator")
    page.get_by_role("button").click()

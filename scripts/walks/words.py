"""The views with the most words, for the languages."""

from __future__ import annotations

from playwright.sync_api import expect

from scripts.walks.way import QUESTION, Way
from tests.e2e.drive import ask, send
from tests.scripted import Call, Reply


def walk(way: Way) -> None:
    page = way.enter()
    way.keep("welcome")
    page.locator("#model input").click()
    page.locator("#model [role=option] .facts").first.wait_for()
    way.keep("models")
    page.keyboard.press("Escape")
    way.answers(Reply(text="One", calls=(Call(name="own__note", arguments='{"text": "Milk and bread"}'),)))
    send(page, QUESTION)
    expect(page.locator(".consent-card")).to_have_count(1)
    way.keep("consent")
    page.locator(".consent-choice.once").click()
    way.rest()
    way.answers(Reply(text="Sunlight holds **all colours**, and", end="error", end_after=4))
    ask(page, QUESTION)
    way.rest()
    way.keep("failed")
    page.locator("#tools-open").click()
    for tab in ("tools", "usage", "export"):
        page.locator(f"#tab-{tab}").click()
        expect(page.locator(f"#place-panel-{tab} .prose > *").first).to_be_attached()
        way.keep(tab)
    page.locator(".close-drawer").click()
    _list(way)
    _unfit(way)


def _list(way: Way) -> None:
    if way.is_phone:
        way.page.locator("#menu").click()
    way.page.locator("#list .more").click()
    way.keep("menu")
    way.page.keyboard.press("Escape")
    if way.is_phone and way.page.locator("body.sidebar-open").count():
        way.page.locator("#menu").click()


def _unfit(way: Way) -> None:
    page = way.page
    for _ in range(5):
        way.answers(Reply(text="Well."))
        ask(page, "word " * 800)
    way.rest()
    page.locator("#provider input").click()
    page.get_by_role("option", name="Tiny").click()
    expect(page.locator("#fit-leave-out")).to_be_visible()
    way.keep("unfit")
    page.locator("#composer textarea").fill(QUESTION)
    page.locator("#compare").click()
    page.locator("#chooser .model-row").first.wait_for()
    way.keep("chooser")

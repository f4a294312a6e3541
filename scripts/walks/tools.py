"""Tools: the question, several calls folded and open, the panel, a model without tools, a limit, long names."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from scripts.walks.way import Way
from tests.e2e.drive import pick, send
from tests.scripted import Call, Reply

NOTES = ("Milk, bread, and a letter to the landlord about the window that does not close", "One more")


def walk(way: Way) -> None:
    page = way.enter()
    calls = tuple(Call(name="own__note", arguments=json.dumps({"text": note})) for note in NOTES)
    way.answers(Reply(text="I take a note or two.", calls=calls), Reply(text="Noted."))
    send(page, "Take two notes for me.")
    expect(page.locator(".consent-card")).to_have_count(1)
    way.keep("consent")
    page.locator(".consent-choice.refused").click()
    expect(page.locator(".consent-card")).to_contain_text(NOTES[1])
    page.locator(".consent-choice.session").click()
    way.rest()
    way.keep("called")
    page.locator("details.tools > summary").click()
    page.locator("details.tools .tool > summary").first.click()
    way.keep("called-open")
    page.locator("#tools-open").click()
    expect(page.locator(".tool-row").first).to_be_visible()
    way.keep("panel")
    page.locator("#place-panel-tools").evaluate("(panel) => panel.scrollTo(0, 9999)")
    way.keep("panel-end")
    page.locator("#place-panel-tools").evaluate("(panel) => panel.scrollTo(0, 0)")
    page.locator(".close-drawer").click()
    _unable(way)


def _unable(way: Way) -> None:
    page = way.page
    pick(page, "#provider", "Long-Winded Language Laboratories of Lower Saxony")
    expect(page.locator("#receipt .receipt")).to_be_visible()
    way.keep("long-names")
    page.locator("#tools-open").click()
    way.keep("panel-unable")
    page.locator(".close-drawer").click()
    way.ask("Hello?")
    way.keep("long-stamp")
    pick(page, "#provider", "Tiny")
    pick(page, "#model", "forever-current_time")
    way.ask("What time is it?")
    way.keep("limit")

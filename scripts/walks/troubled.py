"""Loading, answers that failed, a missing key, offline; and a system that forces its own colours."""

from __future__ import annotations

from playwright.sync_api import expect

from scripts.walks.way import QUESTION, Way
from tests.e2e.drive import pick
from tests.scripted import Reply

REFUSED = {"type": "error", "error": {"type": "authentication_error", "message": "This key is not known."}}


def walk(way: Way) -> None:
    page = way.page
    page.route("**/gradio_api/**", lambda route: None)  # the session never answers
    page.goto(way.url)
    expect(page.locator("#composer textarea")).to_be_visible()
    way.keep("loading")
    page.unroute_all(behavior="ignoreErrors")
    way.enter()
    way.answers(Reply(text="Sunlight holds **all colours**, and", end="error", end_after=4))
    way.ask(QUESTION)
    way.keep("broken")
    way.answers(Reply(status=401, body=REFUSED))
    way.ask("And now?")
    page.locator(".notice summary").last.click()
    way.keep("refused")
    page.locator("#provider input").click()
    page.get_by_role("option", name="Cirrus").click()
    expect(page.locator("#receipt")).to_contain_text("CIRRUS_API_KEY")
    way.keep("key")
    page.context.set_offline(True)
    expect(page.locator(".offline-note")).to_be_visible()
    way.keep("offline")
    page.context.set_offline(False)
    expect(page.locator(".offline-note")).to_be_hidden()


def forced(way: Way) -> None:
    page = way.page
    page.emulate_media(forced_colors="active")
    way.enter()
    way.keep("welcome")
    page.locator("#model input").click()
    page.get_by_role("option", name="Aurora Mini", exact=True).wait_for()
    way.keep("models")
    page.keyboard.press("Escape")
    way.ask(QUESTION)
    pick(page, "#provider", "Boreal")
    way.keep("talk")
    page.locator("#tools-open").click()
    way.keep("tools")

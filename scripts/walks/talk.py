"""The empty page, the pickers, a rich answer, a swap in the middle of one, the drawer."""

from __future__ import annotations

from playwright.sync_api import expect

from scripts.walks.way import QUESTION, RICH, Way
from tests.e2e.drive import pick, send
from tests.scripted import Reply


def walk(way: Way) -> None:
    page = way.enter()
    way.keep("welcome")
    page.locator("#provider input").click()
    page.get_by_role("option", name="Boreal", exact=True).wait_for()
    way.keep("providers")
    page.keyboard.press("Escape")
    page.locator("#model input").click()
    page.get_by_role("option", name="Aurora Mini", exact=True).wait_for()
    way.keep("models")
    page.keyboard.press("Escape")
    page.locator("#composer textarea").fill(QUESTION + "\n\nIn three lines,\nplease.")
    way.keep("writing")
    _answered(way)
    _swapped(way)
    _drawer(way)


def _answered(way: Way) -> None:
    way.answers(Reply(text=RICH, reasoning="The sky … let me think about **scattering** first, then about age."))
    way.ask(QUESTION)
    way.page.locator(".reasoning > summary").click()
    for name, place in (("top", "0"), ("middle", "document.querySelector('.table').offsetTop"), ("end", "99999")):
        way.page.evaluate(f"() => scrollTo(0, {place})")
        way.keep(f"rich-{name}")


def _swapped(way: Way) -> None:
    page = way.page
    way.answers(Reply(text="word by word by word " * 12, hold_after=14))
    send(page, "And slowly?")
    expect(page.locator("#live .answer")).to_contain_text("by word")
    way.keep("streaming")
    pick(page, "#provider", "Boreal")
    expect(page.locator("#active-model")).to_have_attribute("data-state", "pending")
    way.keep("pending")
    way.provider.release()
    way.rest()
    way.answers(Reply(text="Shortly: **scattering**."), model="boreal-7")
    way.ask("Once more, in a word.")
    way.keep("swapped")


def _drawer(way: Way) -> None:
    way.page.locator("#inspect").click()
    expect(way.page.locator(".record").first).to_be_visible()
    way.keep("requests")
    way.page.locator(".record > summary").first.click()
    way.keep("requests-folded")
    for tab in ("usage", "tools", "export"):
        way.page.locator(f"#tab-{tab}").click()
        way.keep(f"tab-{tab}")

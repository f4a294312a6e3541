"""The sidebar with sixty conversations, the menu of one, renaming, the toast; a snapshot; on paper."""

from __future__ import annotations

import time

from playwright.sync_api import Route, expect

from scripts.walks.way import QUESTION, RICH, Way
from tests.scripted import Reply

TITLES = ("Why is the sky blue, and what has the age of sunlight to do with it?", "Tea", "Palindromes in Python")
MODELS = ("aurora/aurora-large", "boreal/boreal-7", "long/mixtral-8x22b-instruct-v0.3-abliterated")


def walk(way: Way) -> None:
    page = way.enter()
    way.answers(Reply(text=RICH))
    way.ask(QUESTION)
    expect(page.locator("#list .conversation")).to_have_count(1)
    _open_list(way)
    page.locator("#list .more").click()
    way.keep("menu")
    page.get_by_role("menuitem", name="Share").click()
    page.locator("#toast").wait_for()
    way.keep("toast")
    link = page.locator("#toast span").inner_text()
    page.route("**/api/conversations?*", _sixty)
    page.reload()
    expect(page.locator("#list .conversation")).to_have_count(60)
    _open_list(way)
    way.keep("sixty")
    page.locator("#list .more").nth(1).click()
    page.get_by_role("menuitem", name="Rename").click()
    way.keep("rename")
    page.keyboard.press("Escape")
    page.unroute_all(behavior="ignoreErrors")
    page.goto(link)
    expect(page.locator(".copy-shared")).to_be_visible()
    for name, place in (("snapshot", 0), ("snapshot-end", 99999)):
        page.evaluate(f"() => scrollTo(0, {place})")
        way.keep(name)
    page.emulate_media(media="print")
    page.evaluate("() => scrollTo(0, 0)")
    way.keep("print")


def _open_list(way: Way) -> None:
    if not way.page.locator("body.sidebar-open").count():
        way.page.locator("#menu").click()


def _sixty(route: Route) -> None:
    rows = [
        {
            "id": f"{n:032x}",
            "title": TITLES[n % 3] if n % 7 else "",
            "model": MODELS[n % 3],
            "updated_at": time.time() - n * n * 900,
            "pinned": n < 2,
            "share": "",
        }
        for n in range(60)
    ]
    route.fulfill(json={"entries": rows, "after": ""})

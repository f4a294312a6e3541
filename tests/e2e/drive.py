"""What a person does on the page, in words."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.app_process import AppProcess


def newcomer(window: BrowserContext, app: AppProcess) -> Page:
    """Open the application as one who was never here: no cookie and nothing remembered."""
    window.clear_cookies()
    opened = window.new_page()
    opened.goto(f"{app.url}/healthz")
    opened.evaluate("localStorage.clear(); sessionStorage.clear()")
    opened.goto(app.url)
    return opened


def ask(page: Page, message: str, *, timeout_s: float = 30.0) -> Locator:
    """Send a message; return its settled answer's stamp."""
    stamps = page.locator(".stamp")
    before = stamps.count()
    send(page, message)
    try:
        expect(stamps).to_have_count(before + 1, timeout=timeout_s * 1000)
    except AssertionError as error:
        error.add_note(f"The page shows:\n{page.locator('body').inner_text()}")
        raise
    return stamps.nth(before)


def send(page: Page, message: str) -> None:
    """Send a message and do not wait."""
    box = page.locator("#composer textarea")
    box.fill(message)
    box.press("Enter")


def choose(page: Page, reference: str, *, label: str | None = None) -> None:
    """Choose a model by the pickers, as a person does."""
    provider, _, model = reference.partition("/")
    if page.locator("#active-model").inner_text().partition("/")[0] != provider:
        pick(page, "#provider", f"Scripted {provider}")
    if page.locator("#active-model").inner_text() != reference:
        pick(page, "#model", label or model)
    expect(page.locator("#active-model")).to_have_text(reference)


def pick(page: Page, picker: str, label: str) -> None:
    """Open a dropdown and take an option by its label."""
    page.locator(f"{picker} input").click()
    page.get_by_role("option", name=label, exact=True).click()
    expect(page.locator(f"{picker} input")).to_have_value(label)


FORGET = "(field) => { field.value = ''; field.dispatchEvent(new Event('input', { bubbles: true })); }"
"""Takes back what was wished last: a late press of the hidden button then does nothing."""


def afresh(page: Page, reference: str) -> Page:
    """Begin anew on a page that other tests have used: nothing open, an empty conversation, the model `reference`."""
    page.evaluate("() => document.querySelectorAll('dialog[open]').forEach((open) => open.close())")
    page.locator("#wish textarea, #wish input").first.evaluate(FORGET)
    if page.locator("body.inspecting").count():
        page.locator(".close-drawer").click()
    if page.locator("body.busy").count():
        page.locator("#stop").click()
        expect(page.locator("body.busy")).to_have_count(0)
    page.locator("#composer textarea").fill("")
    if page.locator("#chat .prompt").count():
        page.locator("#new").click()
        expect(page.locator("#chat .prompt")).to_have_count(0)
    choose(page, reference)
    return page


def until(fact: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
    """Wait until something that the page tells is so; raise AssertionError if it is not in time."""
    end = time.monotonic() + timeout_s
    while not fact():
        assert time.monotonic() < end, "not so in time"
        time.sleep(0.02)

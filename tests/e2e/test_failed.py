"""An answer that fails: what a person reads in its cell, and the ways on, on a desktop and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_process import AppProcess
from tests.e2e.drive import ask, send
from tests.scripted import ScriptedProvider

pytestmark = pytest.mark.e2e
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def visitor(browser: Browser, app: AppProcess, size: str) -> Iterator[Page]:
    """A visitor with a screen of either size, and a clock that can be put forward."""
    context = browser.new_context(viewport=SIZES[size], has_touch=size == "phone", reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.clock.install()
    page.goto(app.url)
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    yield page
    context.close()


def take(page: Page, reference: str) -> None:
    """Choose a model that is on no list."""
    send(page, f"/model {reference}")
    expect(page.locator("#active-model")).to_have_text(reference)


def test_a_failed_answer_shows_its_ways_on(visitor: Page, provider: ScriptedProvider, size: str) -> None:
    page, cell, notice = visitor, visitor.locator("#chat .cell"), visitor.locator("#chat .notice.error")

    # A rate limit counts down to the moment at which the model may be asked again.
    take(page, "chat/error-429-retry-20")
    ask(page, "precious words")
    expect(notice).to_contain_text("gets too many requests just now. Your message is kept.")
    retry, countdown = notice.get_by_role("button", name="Try again"), notice.locator(".countdown")
    expect(countdown).to_contain_text("You can try again in ")
    expect(retry).to_be_disabled()
    page.clock.fast_forward(25_000)
    expect(countdown).to_have_text("You can try again now.")
    expect(page.locator("#said-aloud")).to_have_text("You can try again now.")
    expect(retry).to_be_enabled()
    expect(page.locator("#chat .said")).to_have_text("precious words")

    # One click, and another model answers; the attempt that said nothing is folded away.
    notice.get_by_role("button", name="Answer with another model").click()
    expect(page.locator("#chooser .model-row[data-reference='chat/error-429-retry-20']")).to_have_count(0)
    page.locator("#chooser .model-row[data-reference='chat/echo-large']").click()
    expect(cell.locator(".prose")).to_have_text("You said: precious words")
    expect(cell.locator(".spent summary")).to_have_text("One attempt failed")
    expect(notice).to_have_count(0)

    # A service that is too busy: the same model is asked again.
    flaky = f"chat/flaky-3-echo-{size}"
    take(page, flaky)
    ask(page, "once more")
    expect(notice).to_contain_text("is too busy just now. Your message is kept.")
    notice.get_by_role("button", name="Try again").click()
    expect(cell.nth(1).locator(".prose")).to_have_text("You said: once more")
    expect(cell.nth(1).locator(".stamp .model").first).to_have_text(flaky)

    # It broke in mid-stream: what it had said stays, and is not asked for again by itself.
    def asked() -> int:
        return sum(one.model == "inband-error-3" for one in provider.requests)

    before = asked()
    take(page, "messages/inband-error-3")
    ask(page, "tell me")
    expect(cell.nth(2).locator(".prose")).to_have_text("t1 t2 t3")
    expect(notice).to_contain_text("Your message is kept.")
    assert asked() == before + 1
    take(page, "chat/echo-small")
    notice.get_by_role("button", name="Try again").click()  # the one that failed, although another is chosen now
    expect(cell.nth(2).locator(".answers .answer")).to_have_count(2)
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    assert asked() == before + 2

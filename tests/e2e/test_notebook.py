"""The cells on the page: run again, compare, choose, edit, branch, delete; with a mouse and with keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_process import AppProcess
from tests.e2e.drive import afresh, ask, choose, send
from tests.scripted import ScriptedProvider

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def opened(browser: Browser, app: AppProcess) -> Iterator[Page]:
    """One visitor for all tests of this file: most of what a page costs is opening it."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(app.url)
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    yield page
    context.close()


@pytest.fixture
def page(opened: Page) -> Page:
    """A new conversation on the shared page."""
    return afresh(opened, "chat/echo-small")


def pick(page: Page, *references: str) -> None:
    """Choose models in the dialog."""
    for reference in references:
        page.locator(f'#chooser [data-reference="{reference}"]').click()


def give(page: Page, path: Path) -> None:
    """Open a file by the button, as a person does."""
    with page.expect_file_chooser() as asked:
        page.locator("#import").click()
    asked.value.set_files(path)


def idle(page: Page) -> None:
    expect(page.locator("body.busy")).to_have_count(0)


def test_a_second_model_answers_beside_the_first_and_the_reader_chooses(page: Page, provider: ScriptedProvider) -> None:
    ask(page, "the question")
    page.locator('.cell [data-pick="rerun"]').click()
    pick(page, "messages/echo-large")
    expect(page.locator("#chat .answers .answer")).to_have_count(2)
    assert "You said" not in json.dumps(provider.requests[-1].body)
    expect(page.locator("#chat .answer.chosen")).to_have_attribute("data-reference", "messages/echo-large")
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    page.locator('[data-verb="choose"]').click()
    expect(page.locator("#chat .answer.chosen")).to_have_attribute("data-reference", "chat/echo-small")
    expect(page.locator("#chat .stamp")).to_have_count(2)


def test_models_are_compared_side_by_side_while_they_write(page: Page, provider: ScriptedProvider) -> None:
    page.locator("#composer textarea").fill("which is it?")
    page.locator("#compare").click()
    pick(page, "chat/gate-3", "messages/gate-3", "chat/echo-key-401")
    page.locator("#chooser .go").click()
    growing = page.locator("#live .answer")
    expect(growing).to_have_count(4)
    expect(growing.filter(has_text="[[r")).to_have_count(2)
    expect(growing.filter(has_text="refused the key")).to_have_count(1)
    expect(growing.filter(has_text="You said: which is it?").locator(".stamp")).to_have_count(1)
    expect(page.locator("#active-model")).to_have_attribute("data-state", "ready")
    provider.release()
    provider.release()
    expect(page.locator("#chat .stamp")).to_have_count(4)
    expect(page.locator("#chat .answers .answer")).to_have_count(3)
    expect(page.locator("#chat .spent")).to_contain_text("chat/echo-key-401")
    expect(page.locator("#chat .spent")).to_contain_text("refused the key")
    expect(page.locator("#composer textarea")).to_have_value("")
    page.locator(".answer.other .differ").first.click()
    expect(page.locator("#differences ins").first).to_be_visible()
    page.keyboard.press("Escape")
    stamp = ask(page, "and then?")
    expect(stamp).to_contain_text("chat/echo-small")
    assert "[[r" not in json.dumps(provider.requests[-1].body)


def test_stop_ends_all_that_are_compared(page: Page, provider: ScriptedProvider) -> None:
    page.locator("#composer textarea").fill("never ends")
    page.locator("#compare").click()
    pick(page, "chat/echo-small", "chat/stall-3", "messages/stall-3")
    page.locator("#chooser .go").click()
    expect(page.locator("#live .answer").filter(has_text="t3")).to_have_count(2)
    page.locator("#stop").click()
    expect(page.locator("#chat .stamp.stopped")).to_have_count(2)
    provider.wait_for(lambda s: all(r.ended == "client closed" for r in s.requests[-2:]), timeout_s=2.0)


def test_an_edited_message_begins_a_branch_and_the_old_way_is_walked(page: Page, provider: ScriptedProvider) -> None:
    ask(page, "wun")
    ask(page, "two")
    page.locator('[data-prompt="0"] .edit').click()
    page.locator(".editor textarea").fill("one")
    page.locator(".editor textarea").press("Enter")
    expect(page.locator("#chat .ways")).to_contain_text("2/2")
    idle(page)
    expect(page.locator("#chat .said")).to_have_text(["one"])
    assert "wun" not in json.dumps(provider.requests[-1].body)
    page.get_by_role("button", name="The way before").click()
    expect(page.locator("#chat .said")).to_have_text(["wun", "two"])
    expect(page.locator("#chat .ways")).to_contain_text("1/2")
    idle(page)
    page.locator('[data-verb="branch"]').click()
    expect(page.locator("#chat .said")).to_have_text(["wun"])
    idle(page)
    page.locator('.ahead [data-verb="walk"]').click()
    expect(page.locator("#chat .said")).to_have_text(["wun", "two"])


def test_a_deleted_cell_comes_back(page: Page) -> None:
    ask(page, "one")
    ask(page, "two")
    page.locator('[data-prompt="0"] [data-verb="delete"]').click()
    expect(page.locator("#chat .said")).to_have_text(["two"])
    idle(page)
    page.locator("#receipt .undo").click()
    expect(page.locator("#chat .said")).to_have_text(["one", "two"])


def test_with_keys_alone(page: Page) -> None:
    ask(page, "wun")
    page.locator("#composer textarea").press("ArrowUp")
    page.keyboard.press("Control+a")
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    expect(page.locator("#chat .said")).to_have_text(["one"])
    idle(page)
    page.locator('.cell [data-pick="rerun"]').focus()
    page.keyboard.press("Enter")
    page.keyboard.type("messages echo-large")
    expect(page.locator("#chooser .model-row")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#chat .answers .answer")).to_have_count(2)


def test_nothing_that_is_pressed_while_an_answer_is_written_harms_it(page: Page, provider: ScriptedProvider) -> None:
    ask(page, "one")
    choose(page, "chat/gate-3")
    send(page, "two")
    expect(page.locator("#live")).to_contain_text("[[r")
    page.evaluate(
        """() => {
            for (const button of document.querySelectorAll("#chat .bar button")) button.click();
            document.querySelector("#act").click();
        }"""
    )
    provider.release()
    expect(page.locator("#chat .said")).to_have_text(["one", "two"])
    expect(page.locator("#chat .stamp")).to_have_count(2)


def test_exports_are_downloaded_and_come_back(page: Page, tmp_path: Path) -> None:
    ask(page, "the pelican")
    page.locator("#inspect").click()
    page.locator("#tab-export").click()
    for kind in ("json", "ipynb", "md"):
        with page.expect_download() as coming:
            page.locator(f"#export-{kind}").click()
        path = tmp_path / coming.value.suggested_filename
        coming.value.save_as(path)
        assert path.name == f"the-pelican.{kind}"
        assert "the pelican" in path.read_text()
    page.locator("#new").click()
    expect(page.locator("#chat .said")).to_have_count(0)
    give(page, tmp_path / "the-pelican.ipynb")
    expect(page.locator("#chat .said")).to_have_text(["the pelican"])
    expect(page.locator("#imported")).to_contain_text("Opened. Cells: 1.")
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    give(page, bad)
    expect(page.locator("#imported")).to_contain_text("Nothing was changed.")
    expect(page.locator("#chat .said")).to_have_text(["the pelican"])


def test_a_model_is_chosen_by_its_name_and_the_keys_are_told(page: Page) -> None:
    box = page.locator("#composer textarea")
    box.press_sequentially("/model resp large")
    expect(page.locator("#completion [aria-selected=true]")).to_contain_text("responses/echo-large")
    box.press("Enter")
    expect(page.locator("#active-model")).to_have_text("responses/echo-large")
    expect(page.locator("#model input")).to_have_value("echo-large")
    expect(page.locator("#provider input")).to_have_value("Scripted responses")
    expect(ask(page, "hello")).to_contain_text("responses/echo-large")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("stop the answer")

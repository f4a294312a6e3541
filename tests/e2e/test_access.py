"""For everyone: screen readers, keyboards, small screens, light and dark, a line that breaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.app_process import AppProcess
from tests.e2e.drive import ask, choose, pick
from tests.scripted import ScriptedProvider

pytestmark = pytest.mark.e2e
TALK = "Compare *tea* and `coffee`:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nprint('a long line ' * 20)\n```"


@pytest.fixture
def reader(browser: Browser, app: AppProcess) -> Iterator[Page]:
    """A visitor whose system asks for no motion."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme="light", reduced_motion="reduce", locale="en-GB"
    )
    page = context.new_page()
    page.goto(app.url)
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    yield page
    context.close()


def findings(page: Page, *, dark: bool = True) -> list[str]:
    """Return what axe finds serious or critical on the page as it stands; of the dark one, about its colours."""
    told: list[str] = []
    for scheme, only in (("light", {}), ("dark", {"runOnly": ["color-contrast"]}))[: 1 + dark]:
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("body.dark")).to_have_count(int(scheme == "dark"))
        told += [
            f"{scheme} {rule['id']}: {node['target']} {node['any'][0]['message'] if node['any'] else ''}"
            for rule in Axe().run(page, options=only).response["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]
    return told


def overflow(page: Page) -> dict[str, object]:
    """Return how far the page is wider than the screen, and what sticks out of it at the right."""
    return page.evaluate(
        """() => {
            const wide = document.documentElement.scrollWidth - innerWidth;
            const boxes = ['#top', '#inspect', '#new', '#notebook', '#dock', '#writing-desk', '#send'].filter(s => {
                const box = document.querySelector(s)?.getBoundingClientRect();
                return box && box.width && (box.right > innerWidth + 1 || box.left < -1);
            });
            return {wide: Math.max(0, wide), boxes};
        }"""
    )


def test_axe_finds_nothing_serious_on_any_view(reader: Page) -> None:
    assert findings(reader) == [], "empty"
    ask(reader, TALK)
    choose(reader, "messages/error-529")
    ask(reader, "again")
    choose(reader, "responses/think")
    ask(reader, "and again")
    assert findings(reader) == [], "conversation"
    reader.locator("#inspect").click()
    expect(reader.locator(".record").first).to_be_visible()
    assert findings(reader) == [], "details"
    for tab in ("usage", "tools", "export"):
        reader.locator(f"#tab-{tab}").click()
        assert findings(reader, dark=False) == [], tab
    reader.locator("#model input").click()
    expect(reader.locator("#model [role=option]").first).to_be_visible()
    assert findings(reader, dark=False) == [], "models"
    reader.keyboard.press("Escape")
    reader.locator("#provider input").click()
    reader.get_by_role("option", name="NVIDIA").click()
    expect(reader.locator("#receipt")).to_contain_text("NVIDIA_API_KEY")
    assert findings(reader) == [], "refused"
    reader.locator("#receipt .own-key").click()
    expect(reader.locator("#own-key select")).to_have_value("nvidia")
    assert findings(reader) == [], "own key"
    reader.keyboard.press("Escape")
    reader.locator("#chat .notice .pick").click()
    expect(reader.locator("#chooser .model-row").first).to_be_visible()
    assert findings(reader, dark=False) == [], "chooser"


def test_nothing_is_wider_than_the_screen(page: Page) -> None:
    ask(page, TALK + "\n\n" + "unbreakable" * 40)
    choose(page, "chat/error-529")
    ask(page, "again")
    page.evaluate("() => document.body.classList.remove('sidebar-open')")
    page.locator("#active-model").evaluate("(badge) => (badge.textContent = `chat/${'long-'.repeat(30)}`)")
    for width in (320, 390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 844})
        assert overflow(page) == {"wide": 0, "boxes": []}, width
        for button in ("#inspect", "#menu"):
            page.locator(button).click()
            assert overflow(page) == {"wide": 0, "boxes": []}, (width, button)
            send = page.locator("#send").bounding_box()
            assert send
            seen = page.evaluate("([x, y]) => document.elementFromPoint(x, y)?.closest('#send') !== null", middle(send))
            assert seen, f"{button} covers the composer at {width}"
            page.keyboard.press("Escape")
    page.locator("#new").click()
    for width in (1440, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert overflow(page) == {"wide": 0, "boxes": []}, f"empty at {width}"


def test_icons_are_seen_where_the_system_forces_its_colours(reader: Page) -> None:
    reader.emulate_media(forced_colors="active")
    unseen = reader.evaluate(
        """() => ['#menu', '#new', '#inspect', '#compare', '#attach', '#send'].filter(icon => {
            const button = document.querySelector(icon);
            const [drawn, ground] = [getComputedStyle(button, '::before'), getComputedStyle(button)];
            return drawn.backgroundColor === ground.backgroundColor;
        })"""
    )
    assert unseen == []


def middle(box: object) -> list[float]:
    at = {name: float(value) for name, value in dict(box).items()}  # type: ignore[call-overload]
    return [at["x"] + at["width"] / 2, at["y"] + at["height"] / 2]


def test_everything_by_keyboard_and_the_swap_is_said_aloud(page: Page) -> None:
    page.evaluate("() => document.activeElement?.blur()")
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#composer textarea")).to_be_focused()
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    expect(page.locator(".stamp")).to_have_count(1)
    expect(page.locator("#said-aloud")).to_have_text("The answer is complete.")
    page.locator("#model input").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#active-model")).to_have_text("chat/echo-large")
    expect(page.locator("#said-aloud")).to_have_text("The next request goes to chat/echo-large.")
    ring = page.evaluate(
        """() => {
            const button = document.querySelector('#inspect');
            button.focus({focusVisible: true});
            const style = getComputedStyle(button);
            return [style.outlineStyle, parseFloat(style.outlineWidth) >= 2];
        }"""
    )
    assert ring == ["solid", True]
    page.keyboard.press("Enter")
    expect(page.locator("#inspect")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#inspect")).to_have_attribute("aria-expanded", "false")


def test_an_option_says_what_is_known_of_it(page: Page) -> None:
    page.locator("#model input").click()
    option = page.get_by_role("option", name="echo-large", exact=True)
    expect(option).to_contain_text("uses tools")
    expect(option).to_have_attribute("aria-description", "price unknown, uses tools")
    page.keyboard.press("Escape")
    expect(option).to_have_count(0)
    page.locator("#model input").click()
    expect(option).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#provider input").click()
    expect(page.get_by_role("option", name="NVIDIA")).to_contain_text("needs NVIDIA_API_KEY")


def test_a_german_reader_hears_no_english_name(browser: Browser, app: AppProcess) -> None:
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(app.url)
    for role, name in (("combobox", "Anbieter"), ("combobox", "Modell"), ("textbox", "Nachricht")):
        expect(page.get_by_role(role, name=name, exact=True)).to_have_count(1)  # type: ignore[arg-type]
    labels = page.locator(":is(#provider, #model, #composer) [data-testid=block-info]")
    expect(labels).to_have_text(["Anbieter", "Modell", "Nachricht"])
    expect(page.locator("#chat [role=log]")).to_have_attribute("aria-label", "Gespräch")
    context.close()


def test_the_colours_are_the_systems_until_a_person_chooses(reader: Page) -> None:
    dark = reader.locator("body.dark")
    expect(dark).to_have_count(0)
    reader.emulate_media(color_scheme="dark")
    expect(dark).to_have_count(1)
    reader.get_by_role("radio", name="Light").check(force=True)
    expect(dark).to_have_count(0)
    reader.reload()
    expect(reader.locator("#active-model")).to_have_text("chat/echo-small")
    expect(dark).to_have_count(0)


def test_a_draft_outlives_a_reload_and_a_broken_line(page: Page, provider: ScriptedProvider) -> None:
    box = page.locator("#composer textarea")
    box.fill("not sent yet")
    page.reload()
    expect(box).to_have_value("not sent yet")
    before = len(provider.requests)
    page.context.set_offline(True)
    expect(page.locator(".offline-note")).to_be_visible()
    box.press("Enter")
    expect(box).to_have_value("not sent yet")
    page.context.set_offline(False)
    expect(page.locator(".offline-note")).to_be_hidden()
    page.reload()  # as Gradio does by itself, where it has noticed the break
    expect(page.locator("body[data-ready=true]")).to_be_attached()
    expect(box).to_have_value("not sent yet")
    assert len(provider.requests) == before
    box.press("Enter")
    expect(page.locator(".stamp")).to_have_count(1)
    page.reload()
    expect(box).to_have_value("")


def test_a_phone_chooses_from_a_sheet(browser: Browser, app: AppProcess) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(app.url)
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    page.locator("#model input").tap()
    sheet = page.locator("#model .options")
    expect(sheet).to_be_visible()
    box = sheet.bounding_box()
    assert box
    assert (round(box["x"]), round(box["width"]), round(box["y"] + box["height"])) == (0, 390, 844)
    expect(sheet).to_have_attribute("data-title", "Choose a model")
    page.get_by_role("option", name="echo-large", exact=True).tap()
    expect(page.locator("#active-model")).to_have_text("chat/echo-large")
    pick(page, "#provider", "Scripted messages")
    expect(page.locator("#active-model")).to_have_text("messages/echo-small")
    context.close()

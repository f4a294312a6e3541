"""What a cell shows and what the drawer tells, on a desktop and on a phone: one page for each size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from aether import exports
from aether.transcript import Answer, Origin, Step, Text, Transcript, Turn
from tests.app_process import AppProcess
from tests.e2e.drive import afresh, ask, choose, send
from tests.scripted import Reply, ScriptedProvider

pytestmark = pytest.mark.e2e

SIZES = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
RICH = (
    "Energy is $E = mc^2$; it costs $5 and $10.\n\n\\[\n\\frac{a}{b}\n\\]\n\n"
    "```python\nprint('hello')\n```\n\n| Tea | Coffee |\n|---|---|\n| leaf | bean |\n\n" + "A long answer.\n\n" * 40
)


@pytest.fixture(scope="module", params=SIZES)
def opened(request: pytest.FixtureRequest, browser: Browser, app: AppProcess) -> Iterator[Page]:
    """One visitor of each size for all tests of this file."""
    context = browser.new_context(**SIZES[request.param])  # type: ignore[arg-type]
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.url)
    page = context.new_page()
    complaints: list[str] = []  # of the browser: a policy that is broken, a script that fails
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(app.url)
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    yield page
    assert complaints == []
    context.close()


@pytest.fixture
def page(opened: Page) -> Page:
    """A new conversation on the shared page."""
    return afresh(opened, "chat/echo-small")


def press(page: Page, what: Locator) -> None:
    """Press with the mouse, or with a finger where there is one."""
    if page.evaluate("() => matchMedia('(pointer: coarse)').matches"):
        what.tap()
    else:
        what.click()


def drawer(page: Page, tab: str) -> None:
    """Open the drawer at a tab."""
    if not page.locator("body.inspecting").count():
        press(page, page.locator("#inspect"))
    press(page, page.locator(f"#tab-{tab}"))
    expect(page.locator(f"#place-panel-{tab}")).to_be_visible()


def clipboard(page: Page) -> str:
    return str(page.evaluate("() => navigator.clipboard.readText()"))


@pytest.mark.parametrize("opened", ["phone"], indirect=True)
def test_the_line_at_first_use_is_said_once(page: Page) -> None:
    press(page, page.locator(".tour [data-keys]"))
    expect(page.locator("#keys")).to_contain_text("change the model")
    press(page, page.locator("#keys footer button"))
    press(page, page.locator(".tour button").last)
    page.reload()
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    expect(page.locator("body[data-ready=true] #writing-desk")).to_be_visible()
    expect(page.locator(".tour")).to_have_count(0)


def test_formulas_code_and_tables_are_drawn_while_they_come_and_when_they_are_settled(
    page: Page, provider: ScriptedProvider
) -> None:
    expect(page).to_have_title("Aether")
    first, rest = RICH.split("```python")
    provider.script("echo-small", [Reply(tokens=(first, "```python" + rest), hold_after=1)])
    send(page, "show me everything")
    expect(page.locator("#live math")).to_have_count(2)
    assert page.title().startswith("… ")
    drawn = "e => e.namespaceURI.endsWith('MathML') && e.getBoundingClientRect().height > 8"
    assert page.locator("#live math").first.evaluate(drawn)
    provider.release()
    answer = page.locator("#chat .answer")
    expect(answer.locator(".stamp")).to_have_count(1)
    expect(answer.locator("math")).to_have_count(2)
    assert answer.locator("mfrac").evaluate(drawn)
    expect(answer).to_contain_text("it costs $5 and $10")
    expect(answer.locator(".table th")).to_have_text(["Tea", "Coffee"])
    expect(page).to_have_title("show me everything · Aether")
    press(page, answer.locator("figure.code .copy"))
    expect(answer.locator("figure.code .copy")).to_have_text("Copied")
    assert clipboard(page) == "print('hello')\n"
    press(page, page.locator("#chat .bar .copy[data-source]"))
    page.wait_for_function("() => navigator.clipboard.readText().then((text) => text.includes('E = mc^2'))")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_what_is_written_stands_as_it_will_stand_and_is_followed(page: Page, provider: ScriptedProvider) -> None:
    places = """(root) => [...document.querySelectorAll(`${root} .answer :is(h2, p, pre)`)].map(part =>
        [part.tagName, Math.round(part.getBoundingClientRect().top + scrollY), getComputedStyle(part).fontSize])"""
    tall = "## Head\n\nfirst\n\n```\ncode\n```\n\n" + "a paragraph\n\n" * 60
    provider.script("echo-small", [Reply(text=tall + "the end of it", hold_after=50)])
    send(page, "a tall one")
    expect(page.locator("#live .answer p")).not_to_have_count(0)
    expect(page.locator("#live .answer")).to_contain_text("a paragraph")
    written = page.evaluate(places, "#live")
    provider.release()
    expect(page.locator("#chat .stamp")).to_be_in_viewport()
    settled = page.evaluate(places, "#chat")
    assert written[:3] == settled[:3]
    expect(page.locator("#jump:visible")).to_have_count(0)


def test_the_newest_is_one_press_away(page: Page, provider: ScriptedProvider) -> None:
    provider.script("echo-small", [Reply(text=RICH)])
    ask(page, "a long one")
    page.evaluate("() => scrollTo(0, 0)")
    press(page, page.locator("#jump"))
    expect(page.locator("#jump")).to_be_hidden()
    expect(page.locator("#chat .stamp").last).to_be_in_viewport()


def test_two_answers_are_compared_chosen_and_exported(page: Page, provider: ScriptedProvider, tmp_path: Path) -> None:
    page.locator("#composer textarea").fill("which is it?")
    press(page, page.locator("#compare"))
    for reference in ("messages/think", "chat/echo-key-401"):
        press(page, page.locator(f'#chooser [data-reference="{reference}"]'))
    press(page, page.locator("#chooser .go"))
    expect(page.locator("#chat .stamp")).to_have_count(3)
    expect(page.locator("body.busy")).to_have_count(0)
    answers = page.locator("#chat .answers .answer")
    expect(page.locator("#chat .spent")).to_contain_text("chat/echo-key-401")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    if page.viewport_size and page.viewport_size["width"] < 500:  # they are swiped
        assert page.locator("#chat .answers").evaluate("e => e.scrollWidth > e.clientWidth")
    answers.nth(1).scroll_into_view_if_needed()
    press(page, answers.nth(1).locator(".differ"))
    expect(page.locator("#differences .legend")).to_contain_text("messages/think")
    press(page, page.locator("#differences footer button"))
    press(page, answers.nth(1).locator('[data-verb="choose"]'))
    expect(page.locator("#chat .answer.chosen")).to_have_attribute("data-reference", "messages/think")
    expect(page.locator("body.busy")).to_have_count(0)
    drawer(page, "export")
    with page.expect_download() as coming:
        press(page, page.locator("#export-ipynb"))
    coming.value.save_as(tmp_path / "talk.ipynb")
    (talk,) = exports.read("talk.ipynb", (tmp_path / "talk.ipynb").read_bytes()).conversations
    assert [a.status for a in talk.turns[0].answers] == ["done", "done", "error"]
    assert talk.turns[0].chosen == 1
    give(page, tmp_path / "talk.ipynb")
    expect(page.locator("#imported")).to_contain_text("Cells: 1.")
    press(page, page.locator(".close-drawer"))


DROP = """() => {
    const carried = new DataTransfer();
    carried.items.add(new File(["the plum is ripe"], "notes.txt", { type: "text/plain" }));
    document.querySelector("#chat, #welcome").dispatchEvent(
        new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""


def test_a_file_that_is_dropped_goes_to_all_that_are_compared(page: Page, provider: ScriptedProvider) -> None:
    page.evaluate(DROP)
    expect(page.locator("#attached .chip")).to_have_count(1)
    page.locator("#composer textarea").fill("what is ripe?")
    press(page, page.locator("#compare"))
    press(page, page.locator('#chooser [data-reference="messages/echo-large"]'))
    press(page, page.locator("#chooser .go"))
    expect(page.locator("#chat .answers .stamp")).to_have_count(2)
    expect(page.locator("#attached .chip")).to_have_count(0)
    expect(page.locator("#composer textarea")).to_have_value("")
    expect(page.locator("body.busy")).to_have_count(0)
    assert all("the plum is ripe" in json.dumps(r.body) for r in provider.requests[-2:])


def give(page: Page, path: Path) -> None:
    """Open a file by the button."""
    drawer(page, "export")
    with page.expect_file_chooser() as asked:
        press(page, page.locator("#import"))
    asked.value.set_files(path)


def test_requests_and_usage_are_told(page: Page, canary: str) -> None:
    ask(page, "look inside")
    if page.viewport_size and page.viewport_size["width"] > 1100:
        expect(page.locator("#usage .totals")).to_contain_text(re.compile(r"\d+ tokens"))
    drawer(page, "requests")
    record = page.locator("#inspector .record").first
    expect(record).to_contain_text("The whole conversation is in this request")
    expect(record.locator(".tree").first).to_contain_text("look inside")
    press(page, record.locator(".curl"))
    expect(record.locator(".curl")).to_have_text("Copied")
    assert clipboard(page).startswith("curl -sS http://127.0.0.1:")
    assert "$SCRIPTED_KEY" in clipboard(page)
    assert canary not in page.content()
    drawer(page, "usage")
    expect(page.locator("#usage-panel section")).to_contain_text("chat/echo-small")
    expect(page.locator("#usage-panel .meter")).to_have_count(3)
    expect(page.locator("#usage-panel tr")).to_have_count(2)
    press(page, page.locator(".close-drawer"))
    page.emulate_media(media="print")
    for hidden in ("#top", "#dock", "#chat .bar"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator("#chat .answer")).to_be_visible()
    page.emulate_media(media="screen")


def odd(answers: int) -> Transcript:
    """Return a conversation whose one turn has very many answers, and words that would like to be markup."""
    evil = "</div><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
    origin = Origin("openai-chat", "http://x.test", "", evil)
    made = tuple(Answer((Step(evil, f"m{n}", origin, (Text(f"{evil} {n}"),)),)) for n in range(answers))
    return Transcript(evil, (Turn((Text(evil),), made, 3),))


def test_a_hostile_file_does_no_harm_and_a_running_answer_is_not_lost_to_it(
    page: Page, provider: ScriptedProvider, tmp_path: Path
) -> None:
    path = tmp_path / "hostile.json"
    path.write_bytes(exports.document(odd(100), "json").data)
    choose(page, "chat/gate-3")
    send(page, "still running")
    expect(page.locator("#live")).to_contain_text("[[r")
    give(page, path)
    expect(page.locator("#imported")).to_contain_text("An answer is still being written.")
    provider.release()
    expect(page.locator("#chat .said")).to_have_text(["still running"])
    expect(page.locator("body.busy")).to_have_count(0)
    give(page, path)
    expect(page.locator("#imported")).to_contain_text("brings instructions for the models along: “</div><script>")
    expect(page.locator("#chat .answers .answer")).to_have_count(100)
    assert page.locator("#chat script, #chat img[src=x], #imported script").count() == 0
    assert "taken" not in page.title().split("·")[-1]
    press(page, page.locator(".close-drawer"))
    choose(page, "chat/echo-small")
    ask(page, "go on")
    body = json.dumps(provider.requests[-1].body)
    assert set(re.findall(r"alert\(1\)> (\d+)", body)) == {"3"}  # of the hundred answers, the one that is chosen

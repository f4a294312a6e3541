"""Files handed in on the page, and a conversation that does not fit: what a person sees and does."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.app_process import AppProcess, scripted_providers
from tests.e2e.drive import ask, choose, newcomer
from tests.scripted import ScriptedProvider
from tests.scripted.reply import Reply

pytestmark = pytest.mark.e2e

SEEING = (
    '[[provider]]\nname = "seeing"\nlabel = "Scripted seeing"\nprotocol = "openai-chat"\nbase_url = "{0}/v1"\n'
    'api_key_env = "SCRIPTED_KEY"\nmodels = ["echo-eye"]\nprofile = {{ vision = true, string_content = false }}\n'
    '[[provider]]\nname = "tiny"\nlabel = "Scripted tiny"\nprotocol = "anthropic-messages"\nbase_url = "{0}"\n'
    'api_key_env = "SCRIPTED_KEY"\nmodels = ["echo-tiny"]\n'
    '[[provider.model]]\nid = "echo-tiny"\nlabel = "echo-tiny"\ncontext_window = 2000\n'
)


@pytest.fixture(scope="module")
def app(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    with AppProcess(
        tmp_path_factory.mktemp("app"),
        providers=scripted_providers(provider.url) + "\n" + SEEING.format(provider.url),
        AETHER_DEFAULT="seeing/echo-eye",
        SCRIPTED_KEY="sk-attach",
    ) as process:
        yield process


@pytest.fixture
def page(desktop: BrowserContext, app: AppProcess) -> Iterator[Page]:
    opened = newcomer(desktop, app)
    expect(opened.locator("#active-model")).to_have_text("seeing/echo-eye")
    yield opened
    opened.close()


def picture(folder: Path, name: str = "cat.png") -> Path:
    """Return a small picture as a file."""
    data = io.BytesIO()
    Image.new("RGB", (320, 200), "teal").save(data, "PNG")
    path = folder / name
    path.write_bytes(data.getvalue())
    return path


def attach(page: Page, *files: Path) -> None:
    """Choose files for the message."""
    page.locator("#place-composer-start input[type=file]").set_input_files(files)


def test_a_picture_goes_along_and_a_blind_model_gets_a_placeholder(
    page: Page, provider: ScriptedProvider, tmp_path: Path
) -> None:
    attach(page, picture(tmp_path))
    expect(page.locator("#attached .chip")).to_have_count(1)
    expect(page.locator("#attached .chip img")).to_have_js_property("naturalWidth", 320)
    ask(page, "what is this?")
    expect(page.locator("#attached .chip")).to_have_count(0)
    shown = page.locator("#chat .prompt img.thumb")
    expect(shown).to_have_js_property("naturalWidth", 320)
    assert "data:image/png;base64," in json.dumps(provider.requests[-1].body)
    choose(page, "chat/echo-large")
    expect(page.locator("#receipt")).to_contain_text("It cannot see everything.")
    expect(page.locator("#receipt")).to_contain_text(re.compile(r"Next turn: about [\d.k]+ tokens"))
    page.locator("#receipt summary").click()
    expect(page.locator("#receipt")).to_contain_text("this model cannot see images")
    ask(page, "and now?")
    sent = json.dumps(provider.requests[-1].body)
    assert not provider.requests[-1].refused
    assert "cat.png" in sent and "data:image/png" not in sent
    choose(page, "seeing/echo-eye")
    ask(page, "look again")
    assert "data:image/png;base64," in json.dumps(provider.requests[-1].body), "back with the model that sees"


def test_a_file_can_be_taken_off_pasted_and_sent_alone(page: Page, provider: ScriptedProvider, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("the secret word is plum")
    attach(page, note, picture(tmp_path))
    expect(page.locator("#attached .chip")).to_have_count(2)
    page.locator("#attached .unattach").nth(1).click()
    expect(page.locator("#attached .chip")).to_have_count(1)
    page.evaluate(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["pasted words"], "pasted.txt", { type: "text/plain" }));
            const event = new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
            document.querySelector("#composer textarea").dispatchEvent(event);
        }"""
    )
    expect(page.locator("#attached .chip")).to_have_count(2)
    page.locator("#send").click()
    expect(page.locator(".stamp")).to_have_count(1)
    sent = json.dumps(provider.requests[-1].body)
    assert "the secret word is plum" in sent and "pasted words" in sent
    expect(page.locator("#chat .prompt .file")).to_have_count(2)


def test_what_is_no_picture_pdf_or_text_is_refused_in_a_sentence(page: Page, tmp_path: Path) -> None:
    strange = tmp_path / "strange.bin"
    strange.write_bytes(b"\x00\x01\x02" * 50)
    attach(page, strange)
    expect(page.locator("#receipt")).to_contain_text("strange.bin is no picture, PDF or text that can be read.")
    expect(page.locator("#attached .chip")).to_have_count(0)


def test_a_conversation_that_does_not_fit_offers_its_ways_on(page: Page, provider: ScriptedProvider) -> None:
    for number in range(4):
        ask(page, f"question {number} " + "word " * 300)
    choose(page, "tiny/echo-tiny")
    expect(page.locator("#fit")).to_contain_text("does not fit echo-tiny")
    expect(page.locator("#fit")).to_contain_text("takes 2k")
    sent = len(provider.requests)
    ask(page, "does it fit?")
    expect(page.locator("#chat .notice.error")).to_contain_text("takes 2,000")
    assert len(provider.requests) == sent, "nothing is sent in vain"
    page.locator("#fit-leave-out").click()
    expect(page.locator("#chat .cell").last).to_contain_text("You said: does it fit?")
    body = json.dumps(provider.requests[-1].body)
    assert "question 0 " in body and "question 1 " not in body
    expect(page.locator("#fit")).to_contain_text("not shown to models")
    expect(page.locator("#chat .prompt")).to_have_count(5)
    page.locator("#fit-show-all").click()
    expect(page.locator("#fit")).to_contain_text("does not fit echo-tiny")
    provider.script("echo-eye", [Reply(text="They spoke of words.")])
    page.locator("#fit-summarise").click()
    expect(page.locator("#fit")).to_contain_text("A summary by echo-eye stands in their place.")

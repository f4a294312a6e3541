"""Answers side by side, differences, editing, branches, keys; files, and a conversation that does not fit."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from scripts.walks.way import QUESTION, Way
from tests.e2e.drive import pick
from tests.scripted import Reply

CODE = "```python\nprint('blue, and a line that is too long for its column')\n```"


def walk(way: Way) -> None:
    page = way.enter()
    way.answers(Reply(text="Air scatters **short waves** far more than long ones."))
    way.answers(Reply(text="Air scatters *blue light* far more than red. " * 4), model="aurora-mini")
    way.answers(Reply(text=CODE), model="boreal-7")
    page.locator("#composer textarea").fill(QUESTION)
    page.locator("#compare").click()
    for reference in ("aurora/aurora-mini", "boreal/boreal-7"):
        page.locator(f'#chooser [data-reference="{reference}"]').click()
    way.keep("chooser")
    page.locator("#chooser .go").click()
    expect(page.locator("#chat .answers .stamp")).to_have_count(3)
    way.rest()
    way.keep("three")
    page.locator(".answer.other .differ").last.click()
    way.keep("differences")
    page.keyboard.press("Escape")
    page.locator('[data-prompt="0"] .edit').click()
    way.keep("edit")
    page.locator(".editor textarea").fill("Why is the sunset red?")
    page.locator(".editor textarea").press("Enter")
    expect(page.locator("#chat .ways")).to_contain_text("2/2")
    way.rest()
    way.keep("branch")
    _keys(way)


def _keys(way: Way) -> None:
    page = way.page
    page.locator("#composer textarea").fill("/model ")
    page.locator("#completion li[role]").first.wait_for()
    way.keep("completion")
    page.locator("#composer textarea").fill("")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("?")
    way.keep("keys")
    page.keyboard.press("Escape")
    page.locator("#chat .pick").first.click()
    page.locator("#chooser .model-row").first.wait_for()
    way.keep("pick")


def files(way: Way) -> None:
    """Hand in few files and many; then talk till the next model cannot take it all."""
    page, field = way.enter(), way.page.locator("#place-composer-start input[type=file]")
    handed = _files()
    field.set_input_files(handed[-2:])
    expect(page.locator("#attached .chip")).to_have_count(2)
    way.keep("two")
    field.set_input_files(handed[:4])
    expect(page.locator("#attached .chip")).to_have_count(6)
    way.keep("six")
    way.ask("What is on these?")
    way.keep("sent")
    _unfit(way)


def _unfit(way: Way) -> None:
    page = way.page
    page.locator("#new").click()
    expect(page.locator("#chat .prompt")).to_have_count(0)
    for number in range(5):
        way.answers(Reply(text=f"Answer {number}."))
        way.ask(f"question {number} " + "word " * 800)
    pick(page, "#provider", "Tiny")
    expect(page.locator("#fit")).to_contain_text("does not fit")
    way.keep("unfit")
    page.locator("#fit-leave-out").click()
    expect(page.locator("#fit")).to_contain_text("not shown to models")
    way.keep("cut")
    page.evaluate("() => scrollTo(0, 300)")
    expect(page.locator("#jump")).to_be_visible()
    way.keep("newest")


def _files() -> list[Any]:
    data = io.BytesIO()
    Image.linear_gradient("L").resize((640, 420)).convert("RGB").save(data, "PNG")
    picture = {"mimeType": "image/png", "buffer": data.getvalue()}
    note = {"name": "a note with a rather long name for a file.txt", "mimeType": "text/plain", "buffer": b"plum"}
    return [*({"name": f"holiday picture number {n}.png", **picture} for n in range(5)), note]

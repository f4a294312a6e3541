"""The pictures of the notebook: answers side by side, differences, editing, formulas, the tabs of the drawer."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.drive import ask
from tests.scripted import Reply, ScriptedProvider

SIZES = (("desktop", "light"), ("phone", "dark"))
QUESTION = "In one sentence: why is the sky blue?"
EDITED = "In one sentence: why is the sunset red?"
FORMULA = "Which formula says it?"
ANSWERS = {
    "aurora-large": [
        Reply(text="Air scatters **short waves** far more than long ones, so blue light reaches you from every side."),
        Reply(
            text="Rayleigh's: the scattered intensity grows with the fourth power of the frequency,\n\n"
            "\\[\nI = I_0\\,\\frac{8\\pi^4\\alpha^2}{\\lambda^4 R^2}\\,\\bigl(1+\\cos^2\\theta\\bigr)\n\\]\n\n"
            "so light of $\\lambda = 450\\,\\text{nm}$ is scattered about "
            "$\\left(\\frac{700}{450}\\right)^4 \\approx 6$ times as much as light of $700\\,\\text{nm}$."
        ),
        Reply(text="At dusk the light has a longer way through the air: blue is gone by then, and *red* is left."),
    ],
    "aurora-mini": [
        Reply(text="Air scatters **blue light** far more than red, so blue reaches your eye from every side.")
    ],
    "boreal-7": [
        Reply(
            text="Short waves of sunlight are scattered by air more than long ones, so blue reaches you from all sides."
        )
    ],
}


def walk(page: Page, provider: ScriptedProvider, keep: Callable[[str], object]) -> None:
    """Go through the views of the notebook; `keep` takes a picture of each."""
    for model, replies in ANSWERS.items():
        provider.script(model, replies)
    idle = page.locator("body.busy")
    page.locator("#composer textarea").fill(QUESTION)
    page.locator("#compare").click()
    for reference in ("aurora/aurora-mini", "boreal/boreal-7"):
        page.locator(f'#chooser [data-reference="{reference}"]').click()
    keep("compare-choose")
    page.locator("#chooser .go").click()
    expect(page.locator("#chat .answers .stamp")).to_have_count(3)
    expect(idle).to_have_count(0)
    keep("compare")
    page.locator(".answer.other .differ").last.click()
    keep("difference")
    page.keyboard.press("Escape")
    ask(page, FORMULA)
    expect(idle).to_have_count(0)
    keep("formula")
    page.locator('[data-prompt="0"] .edit').click()
    page.locator(".editor textarea").fill(EDITED)
    page.evaluate("() => scrollTo(0, 0)")
    keep("edit")
    page.locator(".editor textarea").press("Enter")
    expect(page.locator("#chat .ways")).to_contain_text("2/2")
    expect(idle).to_have_count(0)
    keep("branch")
    page.get_by_role("button", name="The way before").click()
    expect(page.locator("#chat .said")).to_have_count(2)
    expect(idle).to_have_count(0)
    page.locator("#inspect").click()
    for tab in ("usage", "export"):
        page.locator(f"#tab-{tab}").click()
        keep(tab)
    page.locator(".close-drawer").click()
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("?")
    keep("keys")

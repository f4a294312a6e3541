"""Make the pictures of the documentation from the running application: `make pictures`.

The page is the real one in a real browser. The two providers are invented and their answers
scripted, so that the pictures come out alike each time and cost nothing.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from scripts import notebook_pictures
from tests.app_process import AppProcess
from tests.e2e.conftest import chromium
from tests.e2e.drive import ask, pick, send
from tests.scripted import Call, Reply, ScriptedProvider, failures
from tests.scripted.ids import Issuer

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
MOST_BYTES = 200_000
PROVIDERS = """
[[provider]]
name = "aurora"
label = "Aurora"
protocol = "anthropic-messages"
base_url = "{url}"
models = ["aurora-large", "aurora-mini"]
profile = {{ tools = true }}
[[provider.model]]
id = "aurora-large"
label = "Aurora Large"
tagline = "best at writing, slower"
vision = true
context_window = 200000
price = {{ input = 6, output = 24 }}
[[provider.model]]
id = "aurora-mini"
label = "Aurora Mini"
tagline = "quick and cheap"
context_window = 128000
price = {{ input = 0.2, output = 0.9 }}

[[provider]]
name = "boreal"
label = "Boreal"
protocol = "openai-chat"
base_url = "{url}/v1"
models = ["boreal-7"]
profile = {{ tools = true }}
[[provider.model]]
id = "boreal-7"
label = "Boreal 7"
tagline = "good at tables and code"
context_window = 128000
price = {{ input = 1, output = 4 }}
"""
KEYLESS = """
[[provider]]
name = "cirrus"
label = "Cirrus"
protocol = "openai-chat"
base_url = "https://cirrus.example/v1"
api_key_env = "CIRRUS_API_KEY"
models = ["cirrus-2"]
"""
AT_REST = """() => Promise.all(document.getAnimations()
    .filter((moving) => moving.effect.getComputedTiming().endTime < 2000).map((moving) => moving.finished))"""
"""Waits until what moves has arrived; what moves for ever is let be."""
QUESTIONS = ("Why is the sky blue?", "Put that into a small table.", "How many notes do I keep on it?")
ANSWERS = {
    "aurora-large": [
        Reply(
            text="Sunlight holds all colours. The air scatters **short waves** far more than long ones, so blue "
            "reaches your eye from every direction, and red mostly passes straight through.\n\n"
            "At sunset the light has a longer way to go: the blue is gone by then, and *red* is left."
        )
    ],
    "boreal-7": [
        Reply(
            text="| Colour | Wavelength | Scattered |\n|---|---|---|\n| Blue | 450 nm | strongly |\n"
            "| Green | 530 nm | somewhat |\n| Red | 700 nm | hardly |"
        ),
        Reply(calls=(Call(name="list_files", arguments='{"path": "."}'),)),
        Reply(text="I looked into the workspace: the files are listed above, none of them is about the sky yet."),
    ],
}

BROKEN = [
    Reply(
        text="Sunlight holds all colours. The air scatters **short waves** far more than long ones, so",
        end="error",
        end_after=14,
    )
]


def main() -> int:
    """Make all pictures; return 1 if one is too large to be kept."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        ScriptedProvider() as provider,
        tempfile.TemporaryDirectory() as folder,
        AppProcess(
            Path(folder),
            providers=PROVIDERS.format(url=provider.url),
            AETHER_DEFAULT="aurora/aurora-large",
            AETHER_WORKSPACE=str(Path(__file__).parent.parent / "workspace"),
        ) as app,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for size in SIZES:
            for scheme in ("light", "dark"):
                walk(browser, app, provider, size=size, scheme=scheme)
        draw_states(browser, provider)
        for size, scheme in notebook_pictures.SIZES:
            page = opened(browser, size=size, scheme=scheme).new_page()
            page.goto(app.url)
            expect(page.locator("#active-model")).to_have_text("aurora/aurora-large")
            notebook_pictures.walk(page, provider, Shots(page, f"{size}-{scheme}", []).keep)
            page.context.close()
        browser.close()
    large = [path for path in PICTURES.iterdir() if path.stat().st_size > MOST_BYTES]
    for path in large:
        print(f"{path.name} has {path.stat().st_size:,} bytes; the most is {MOST_BYTES:,}", file=sys.stderr)
    return 1 if large else 0


def walk(browser: Browser, app: AppProcess, provider: ScriptedProvider, *, size: str, scheme: str) -> None:
    """Go through the page as a person does, and take a picture of each view."""
    for model, replies in ANSWERS.items():
        provider.script(model, replies)
    context = opened(browser, size=size, scheme=scheme)
    page = context.new_page()
    page.goto(app.url)
    expect(page.locator("#active-model")).to_have_text("aurora/aurora-large")
    frames: list[tuple[Image.Image, int]] = []
    shots = Shots(page, f"{size}-{scheme}", frames)
    shots.keep("welcome")
    page.locator("#composer textarea").fill(QUESTIONS[0])
    shots.frame(900)
    ask(page, QUESTIONS[0])
    shots.frame(1600)
    page.locator("#provider input").click()
    shots.keep("providers")
    page.get_by_role("option", name="Boreal", exact=True).click()
    expect(page.locator("#active-model")).to_have_text("boreal/boreal-7")
    expect(page.locator("#receipt")).to_contain_text("boreal-7")
    shots.keep("receipt", 1600)
    page.locator("#composer textarea").fill(QUESTIONS[1])
    shots.frame(900)
    ask(page, QUESTIONS[1])
    shots.keep("swap", 2600)
    ask(page, QUESTIONS[2])
    pick(page, "#provider", "Aurora")
    page.locator("#model input").click()
    expect(page.get_by_role("option", name="Aurora Mini", exact=True)).to_be_visible()
    shots.keep("models")
    page.keyboard.press("Escape")
    page.locator("#inspect").click()
    expect(page.locator(".record").first).to_be_visible()
    shots.keep("details")
    if (size, scheme) == ("desktop", "light"):
        animate(frames)
    context.close()


def opened(browser: Browser, *, size: str, scheme: str) -> BrowserContext:
    """Return a fresh browser of this size and these colours, in which nothing moves."""
    width, height = SIZES[size]
    return browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        is_mobile=size == "phone",
        has_touch=size == "phone",
    )


def draw_states(browser: Browser, provider: ScriptedProvider) -> None:
    """Take the states that a visitor of a shared link may meet, one after the other."""
    for size, scheme in (("desktop", "light"), ("phone", "dark")):
        with (
            tempfile.TemporaryDirectory() as folder,
            AppProcess(
                Path(folder),
                providers=PROVIDERS.format(url=provider.url) + KEYLESS,
                AETHER_DEFAULT="aurora/aurora-large",
                AETHER_SHARE_TOKEN="link-of-the-pictures",
                AETHER_BUDGET_USD="5",
                AETHER_VISITOR_TURNS="2",
            ) as app,
        ):
            context = opened(browser, size=size, scheme=scheme)
            page = context.new_page()
            states(page, app, provider, shots=Shots(page, f"{size}-{scheme}", []))
            context.close()


def states(page: Page, app: AppProcess, provider: ScriptedProvider, *, shots: Shots) -> None:
    """Loading, waiting, what is left, broken off, a rate limit, a missing key, offline, used up."""
    page.route("**/gradio_api/**", lambda route: None)  # the session never answers
    page.goto(f"{app.url}/?token=link-of-the-pictures")
    expect(page.locator("#composer textarea")).to_be_visible()
    shots.keep("state-loading")
    page.unroute_all(behavior="ignoreErrors")
    page.goto(app.url)
    expect(page.locator("#active-model")).to_have_text("aurora/aurora-large")
    provider.script("aurora-large", [Reply(text="It", hold_after=0), *BROKEN])
    send(page, QUESTIONS[0])
    expect(page.locator("#live .waiting")).to_be_visible()
    shots.keep("state-waiting")
    page.locator("#stop").click()
    expect(page.locator(".stamp")).to_have_count(1)
    ask(page, QUESTIONS[0])
    expect(page.locator("#allowance")).to_be_visible()
    shots.keep("state-failed")
    page.locator("#provider input").click()
    page.get_by_role("option", name="Boreal", exact=True).click()
    expect(page.locator("#active-model")).to_have_text("boreal/boreal-7")
    provider.script(
        "boreal-7",
        [failures.failure(429, protocol="openai-chat", model="boreal-7", issuer=Issuer(), retry_after="95")],
    )
    ask(page, QUESTIONS[1])
    expect(page.locator(".countdown")).to_contain_text("You can try again in")
    shots.keep("state-limit")
    page.locator("#provider input").click()
    page.get_by_role("option", name="Cirrus").click()
    expect(page.locator("#receipt .own-key")).to_be_visible()
    shots.keep("state-key")
    page.locator("#receipt .own-key").click()
    expect(page.locator("#own-key")).to_be_visible()
    shots.keep("state-own-key")
    page.keyboard.press("Escape")
    page.locator("#composer textarea").fill(QUESTIONS[2])
    page.context.set_offline(True)
    expect(page.locator(".offline-note")).to_be_visible()
    shots.keep("state-offline")
    page.context.set_offline(False)
    expect(page.locator(".offline-note")).to_be_hidden()
    provider.script("boreal-7", ANSWERS["boreal-7"][:1])
    ask(page, QUESTIONS[1])
    expect(page.locator("#spent")).to_be_visible()
    shots.keep("state-spent")


class Shots:
    """Take pictures of a page: some are kept, all are frames of the moving one."""

    def __init__(self, page: Page, name: str, frames: list[tuple[Image.Image, int]]) -> None:
        self._page = page
        self._name = name
        self._frames = frames

    def frame(self, shown_ms: int) -> Image.Image:
        """Add what is on the screen to the moving picture."""
        self._page.evaluate(AT_REST)
        image = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        self._frames.append((image, shown_ms))
        return image

    def keep(self, view: str, shown_ms: int = 1200) -> None:
        """Keep what is on the screen as a picture of its own."""
        image = self.frame(shown_ms).quantize(128, dither=Image.Dither.NONE)
        image.save(PICTURES / f"{view}-{self._name}.png", optimize=True)


def animate(frames: list[tuple[Image.Image, int]]) -> None:
    """Write the moving picture of a swap: from the first question to the second answer."""
    shown = frames[1:7]
    images = [image.resize((1080, 675), Image.Resampling.LANCZOS) for image, _ in shown]
    images[0].save(
        PICTURES / "swap.webp",
        save_all=True,
        append_images=images[1:],
        duration=[shown_ms for _, shown_ms in shown],
        loop=0,
        quality=72,
        method=6,
    )


if __name__ == "__main__":
    sys.exit(main())

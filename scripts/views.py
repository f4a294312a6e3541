"""Take a picture of every view and state, light and dark: `make views`, into tests/out/views.

Nobody publishes these: they are for looking at the whole page after a change of its looks. A name
after the command takes a part of them: `python -m scripts.views phone talk`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from scripts.pictures import AT_REST, KEYLESS, PROVIDERS
from scripts.walks import GUARDED, LANGUAGES, WALKS, Way
from tests.app_process import ROOT, AppProcess
from tests.e2e.conftest import chromium
from tests.scripted import ScriptedProvider

OUT = ROOT / "tests" / "out" / "views"
SIZES = {"desktop": (1440, 900), "phone": (390, 844), "narrow": (320, 640), "zoomed": (720, 450)}
"""`zoomed` is the desktop at 200 %."""
PHONES = ("phone", "narrow")
LONG = """
[[provider]]
name = "long-winded"
label = "Long-Winded Language Laboratories of Lower Saxony"
protocol = "openai-chat"
base_url = "{url}/v1"
models = ["echo-mixtral-8x22b-instruct-v0.3-abliterated-q4-k-m-imatrix"]
profile = {{ tools = false }}
[[provider]]
name = "tiny"
label = "Tiny"
protocol = "anthropic-messages"
base_url = "{url}"
models = ["echo-tiny", "forever-current_time"]
profile = {{ tools = true }}
[[provider.model]]
id = "echo-tiny"
label = "Tiny 4k"
context_window = 4000
"""


def main(wanted: list[str]) -> int:
    """Walk through the page; `wanted` names sizes, walks and languages, none means all."""
    sizes = [size for size in SIZES if size in wanted] or list(SIZES)
    chosen = [name for name in (*WALKS, *GUARDED, *LANGUAGES) if name in wanted] or [*WALKS, *GUARDED, *LANGUAGES]
    OUT.mkdir(parents=True, exist_ok=True)
    with ScriptedProvider() as provider, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for walks, options in ((WALKS, {}), (GUARDED, SHARED)):
            plan = [(size, name, name, "en-GB") for size in sizes for name in walks if name in chosen]
            if walks is WALKS:
                plan += [("phone", language, "words", language) for language in LANGUAGES if language in chosen]
            if not plan:
                continue
            with tempfile.TemporaryDirectory() as folder, _app(Path(folder), provider, options) as app:
                for size, name, walk, locale in plan:
                    context = _window(browser, size, locale)
                    _take(context.new_page(), app, provider, size=size, name=name, walk=walks[walk])
                    context.close()
        browser.close()
    return 0


SHARED = {
    "AETHER_SHARE_TOKEN": "link-of-the-pictures",
    "AETHER_OPERATOR_TOKEN": "operator-of-the-pictures",
    "AETHER_BUDGET_USD": "5",
    "AETHER_VISITOR_TURNS": "2",
}


def _app(folder: Path, provider: ScriptedProvider, options: dict[str, str]) -> AppProcess:
    said, servers = folder / "said.txt", folder / "mcp.json"
    said.write_text("Write a note into the notebook of the household.")
    own = {"command": sys.executable, "args": ["-m", "tests.mcp_server", str(said)], "env": {"PYTHONPATH": str(ROOT)}}
    servers.write_text(json.dumps({"mcpServers": {"own": own}}))
    tools = {} if options else {"AETHER_TOOLS": "all", "AETHER_MCP": str(servers)}
    return AppProcess(
        folder,
        providers=(PROVIDERS + LONG).format(url=provider.url) + KEYLESS,
        AETHER_DEFAULT="aurora/aurora-large",
        AETHER_WORKSPACE=str(ROOT / "workspace"),
        **tools,
        **options,
    )


def _take(
    page: Page, app: AppProcess, provider: ScriptedProvider, *, size: str, name: str, walk: Callable[[Way], None]
) -> None:
    """Walk one walk; what goes wrong on it is said, and the next one is walked."""
    page.set_default_timeout(20_000)

    def keep(view: str) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            page.evaluate(AT_REST)
            page.screenshot(path=OUT / f"{name}-{view}-{size}-{scheme}.png")
        page.emulate_media(color_scheme="light")

    try:
        walk(Way(page=page, url=app.url, provider=provider, keep=keep, is_phone=size in PHONES))
    except (AssertionError, PlaywrightError) as error:
        print(f"{size} {name}: {str(error)[:600]}", file=sys.stderr)
        page.screenshot(path=OUT / f"{name}-LOST-{size}.png")
    finally:
        page.unroute_all(behavior="ignoreErrors")


def _window(browser: Browser, size: str, locale: str) -> BrowserContext:
    width, height = SIZES[size]
    is_phone = size in PHONES
    return browser.new_context(
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
        is_mobile=is_phone,
        has_touch=is_phone,
        locale=locale,
        http_credentials={"username": "operator", "password": SHARED["AETHER_OPERATOR_TOKEN"]},
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Fixtures of the browser tests: the application as a process, and a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.app_process import AppProcess, scripted_providers
from tests.e2e.drive import newcomer
from tests.scripted import ScriptedProvider

KEY = "sk-CANARY-e2e-0123456789abcdef"
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedProvider]:
    """One scripted provider for all browser tests."""
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="session")
def app(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """The application over the scripted provider, beginning with chat/echo-small."""
    with AppProcess(
        tmp_path_factory.mktemp("app"),
        providers=scripted_providers(provider.url),
        AETHER_DEFAULT="chat/echo-small",
        AETHER_LOG_LEVEL="DEBUG",
        SCRIPTED_KEY=KEY,
    ) as process:
        yield process


def chromium() -> str | None:
    """Return the path of an installed Chromium; None lets Playwright use its own."""
    named = os.environ.get("AETHER_CHROMIUM")
    found = (shutil.which(n) for n in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))
    return named or next((p for p in found if p), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
        )


@pytest.fixture(scope="session")
def desktop(browser: Browser) -> Iterator[BrowserContext]:
    """A browser's window for one visitor after another: only the files of the page stay in its cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(desktop: BrowserContext, app: AppProcess) -> Iterator[Page]:
    """A new visitor on the page, ready to type."""
    opened = newcomer(desktop, app)
    expect(opened.locator("#active-model")).to_have_text("chat/echo-small")
    yield opened
    for left in desktop.pages:
        left.close()


@pytest.fixture
def canary() -> str:
    """The key that must be seen nowhere but at the provider."""
    return KEY


@pytest.fixture
def out() -> Path:
    """A folder for pictures of what went wrong."""
    folder = Path(__file__).parent.parent / "out"
    folder.mkdir(exist_ok=True)
    return folder

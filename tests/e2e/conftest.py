"""Fixtures of the browser tests: the application as a process, and a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.app_process import AppProcess, scripted_providers
from tests.scripted import ScriptedProvider

KEY = "sk-CANARY-e2e-0123456789abcdef"
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    """One scripted provider for the tests of a file."""
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="module")
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


@pytest.fixture
def page(browser: Browser, app: AppProcess) -> Iterator[Page]:
    """A fresh visitor on the page, ready to type."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.goto(app.url)
    expect(opened.locator("#active-model")).to_have_text("chat/echo-small")
    yield opened
    context.close()


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

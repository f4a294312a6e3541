"""The other projects' pages under the harness: how each is started, and used as a person uses it."""

from __future__ import annotations

import subprocess
from functools import cached_property
from pathlib import Path

from playwright.sync_api import Page, expect

from bench.apps import App
from bench.processes import Server, free_port
from bench.provider import MODELS, ROOT, Provider

HERE = Path(__file__).parent


class Other(App):
    """A page of another project. `environment`: the folder of the Python that it is installed in."""

    package: str
    environment: Path = ROOT / ".venv-pages"

    @property
    def is_there(self) -> bool:
        """Tell whether it is installed."""
        return bool(self.version)

    @cached_property
    def version(self) -> str:
        """Return its version; empty if it is not installed."""
        python = self.environment / "bin" / "python"
        code = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        if not python.exists():
            return ""
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self.environment / "bin" / name)

    def given(self, provider: Provider) -> dict[str, str]:
        return {"BENCH_PROVIDER": provider.url, "BENCH_MODELS": ",".join(MODELS)}

    def open(self, page: Page, server: Server, *, turns: int) -> None:
        assert not turns, f"{self.name} is measured with an empty history"
        page.goto(server.url)
        expect(page.locator(self.composer)).to_be_editable(timeout=60_000)


class Chainlit(Other):
    """Its streaming example. The model is chosen by a message, outside of what is timed."""

    name = "Chainlit"
    package = "chainlit"
    composer = "#chat-input"
    answers = (".message-content",)

    def server(self, provider: Provider, folder: Path, *, turns: int = 0) -> Server:
        port = free_port()
        argv = [self.program("chainlit"), "run", str(HERE / "chainlit_app.py"), "--headless", "--port", str(port)]
        given = self.given(provider) | {"CHAINLIT_APP_ROOT": str(folder)}
        return Server(argv, port=port, folder=folder, environment=given)

    def choose(self, page: Page, model: str) -> None:
        page.locator(self.composer).fill(f"/model {model}")
        expect(page.locator("#chat-submit")).to_be_enabled(
            timeout=30_000
        )  # what is sent before it is connected is lost
        page.locator(self.composer).press("Enter")
        expect(page.locator(self.answers[0]).last).to_contain_text(f"model: {model}")
        self.settled(page, 0)

    def settled(self, page: Page, answers: int) -> None:
        expect(page.locator("#stop-button")).to_have_count(0, timeout=60_000)
        expect(page.locator("#chat-submit")).to_be_visible(timeout=60_000)


class Streamlit(Other):
    """Its chat example, with a select box for the model."""

    name = "Streamlit"
    package = "streamlit"
    composer = "[data-testid=stChatInputTextArea]"
    answers = ("[data-testid=stChatMessageContent]",)

    def server(self, provider: Provider, folder: Path, *, turns: int = 0) -> Server:
        port = free_port()
        options = ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
        argv = [self.program("streamlit"), "run", str(HERE / "streamlit_app.py"), "--server.port", str(port), *options]
        return Server(argv, port=port, folder=folder, environment=self.given(provider))

    def choose(self, page: Page, model: str) -> None:
        box = page.get_by_role("combobox", name="Model")
        if box.input_value() == model:
            return
        box.click()
        page.get_by_role("option", name=model, exact=True).click()
        expect(box).to_have_value(model)
        self.settled(page, 0)

    def settled(self, page: Page, answers: int) -> None:
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)


OTHERS = (Chainlit(), Streamlit())

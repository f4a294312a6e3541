"""Other chat applications under the same harness, each in an environment of its own: `make bench-peers`.

Each is the example of its documentation, with a choice of models and the history kept.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from playwright.sync_api import Page, expect

from bench.apps import App
from bench.processes import Server, free_port
from bench.provider import MODELS, ROOT, Provider

HERE = Path(__file__).parent


class Peer(App):
    """Another application: `package` is what is installed in `.venv-peers-PACKAGE`."""

    package: str

    @property
    def is_installed(self) -> bool:
        return (self.folder / "bin" / self.package).exists()

    @property
    def folder(self) -> Path:
        return ROOT / f".venv-peers-{self.package}"

    @abstractmethod
    def options(self, port: int) -> list[str]:
        """Return how it is told to serve on a port."""

    def server(self, provider: Provider, folder: Path, *, turns: int = 0) -> Server:
        assert not turns, f"{self.name} is compared with an empty history"
        port = free_port()
        environment = {"BENCH_PROVIDER": provider.url, "BENCH_MODELS": ",".join(MODELS), "HOME": str(folder)}
        argv = [str(self.folder / "bin" / self.package), "run", str(HERE / f"{self.package}_app.py")]
        return Server([*argv, *self.options(port)], port=port, folder=folder, environment=environment)

    def open(self, page: Page, server: Server, *, turns: int) -> None:
        page.goto(server.url)
        expect(page.locator(self.composer)).to_be_editable(timeout=30_000)


class Chainlit(Peer):
    """Chainlit; a message `/model NAME` chooses, which its answer confirms."""

    name = "Chainlit"
    package = "chainlit"
    composer = "#chat-input"
    answers = ("[data-step-type=assistant_message]",)

    def options(self, port: int) -> list[str]:
        return ["--headless", "--port", str(port)]

    def choose(self, page: Page, model: str) -> None:
        page.locator(self.composer).fill(f"/model {model}")
        page.locator(self.composer).press("Enter")
        page.get_by_text(f"model: {model}", exact=True).last.wait_for()
        self.settled(page, 0)

    def settled(self, page: Page, answers: int) -> None:
        page.locator("#stop-button").wait_for(state="detached", timeout=60_000)


class Streamlit(Peer):
    """Streamlit's chat example with a select box."""

    name = "Streamlit"
    package = "streamlit"
    composer = "[data-testid=stChatInputTextArea]"
    answers = ("[data-testid=stChatMessage]",)

    def options(self, port: int) -> list[str]:
        return ["--server.port", str(port), "--server.headless", "true", "--browser.gatherUsageStats", "false"]

    def choose(self, page: Page, model: str) -> None:
        picker = page.locator("[data-testid=stSelectbox]")
        if model not in picker.inner_text():
            picker.locator("input").click()
            page.get_by_role("option", name=model, exact=True).click()
        self.settled(page, 0)

    def settled(self, page: Page, answers: int) -> None:
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)


def installed() -> tuple[App, ...]:
    """Return the peers that are there."""
    return tuple(peer for peer in (Chainlit(), Streamlit()) if peer.is_installed)

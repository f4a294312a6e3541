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


class OpenWebUI(Other):
    """The application as it is installed, without accounts. Its chats are kept in a database, as Aether's are."""

    name = "Open WebUI"
    package = "open-webui"
    environment = ROOT / ".venv-open-webui"
    composer = "#chat-input"
    answers = (".chat-assistant",)
    picker = "#model-selector-model-button"

    def server(self, provider: Provider, folder: Path, *, turns: int = 0) -> Server:
        port = free_port()
        # What it asks the model of its own accord would be the last request in the provider's log.
        tasks = ("TITLE", "TAGS", "FOLLOW_UP", "AUTOCOMPLETE", "RETRIEVAL_QUERY", "SEARCH_QUERY")
        given = {
            "DATA_DIR": str(folder / "data"),
            "OPENAI_API_BASE_URL": f"{provider.url}/v1",
            "OPENAI_API_KEY": "none",
            "ENABLE_OLLAMA_API": "false",
            # Else the next start would ask the provider that was kept in the database.
            "ENABLE_PERSISTENT_CONFIG": "false",
            "WEBUI_AUTH": "false",
            "WEBUI_SECRET_KEY": "bench",
            # "What's New" opens after the composer can be typed into, and takes the Enter key for its own button.
            "DEFAULT_INTERFACE_SETTINGS": '{"showChangelog": false}',
            # Else it fetches a model for embeddings as it starts.
            "RAG_EMBEDDING_ENGINE": "openai",
            "OFFLINE_MODE": "true",
            "HF_HUB_OFFLINE": "1",
            **{f"ENABLE_{task}_GENERATION": "false" for task in tasks},
        }
        argv = [self.program("open-webui"), "serve", "--host", "127.0.0.1", "--port", str(port)]
        return Server(argv, port=port, folder=folder, environment=given)

    def open(self, page: Page, server: Server, *, turns: int) -> None:
        super().open(page, server, turns=turns)
        expect(page.locator(self.picker)).to_have_text(MODELS[0], timeout=30_000)

    def choose(self, page: Page, model: str) -> None:
        picker = page.locator(self.picker)
        if picker.inner_text().strip() == model:
            return
        picker.click()
        page.locator(f"[role=option][data-value='{model}']").click()
        expect(picker).to_have_text(model)

    def settled(self, page: Page, answers: int) -> None:
        # It is there while no answer is on its way; till then, what is typed would wait in a queue.
        expect(page.locator("#voice-input-button")).to_be_visible(timeout=60_000)


OTHERS = (Chainlit(), Streamlit(), OpenWebUI())

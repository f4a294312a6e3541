"""The applications that are compared: how each is started, seeded with a history, and used on its page."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Page, expect

from bench.processes import Server, free_port
from bench.provider import MODELS, ROOT, Provider

SEED_MODEL = "fast-200"


class App(ABC):
    """One application under the harness. `answers`: where its page shows the newest answer."""

    name: str
    composer: str
    answers: tuple[str, ...]

    @abstractmethod
    def server(self, provider: Provider, folder: Path, *, turns: int = 0) -> Server:
        """Return its process, not yet started."""

    @abstractmethod
    def open(self, page: Page, server: Server, *, turns: int) -> None:
        """Open its page with a conversation of `turns` turns, ready to type."""

    @abstractmethod
    def choose(self, page: Page, model: str) -> None:
        """Choose a model as a person does."""

    @abstractmethod
    def settled(self, page: Page, answers: int) -> None:
        """Wait until the page shows `answers` answers of its own as finished, and can be typed into."""


class Aether(App):
    """This project."""

    name = "Aether"
    composer = "#composer textarea"
    answers = ("#chat [data-turn]", "#live")

    def server(self, provider: Provider, folder: Path, *, turns: int = 0) -> Server:
        entry = (
            '[[provider]]\nname = "{0}"\nlabel = "Bench {0}"\nprotocol = "{1}"\nbase_url = "{2}"\n'
            'api_key_env = "BENCH_KEY"\nmodels = {3}\ndiscover = false\n'
        )
        protocols = {"chat": "openai-chat", "responses": "openai-responses", "messages": "anthropic-messages"}
        (folder / "providers-of-the-bench.toml").write_text(
            "\n".join(
                entry.format(name, protocol, provider.url + ("" if name == "messages" else "/v1"), json.dumps(MODELS))
                for name, protocol in protocols.items()
            )
        )
        port = free_port()
        environment = {
            "PYTHONPATH": str(ROOT),
            "AETHER_LOCAL": "0",
            "AETHER_DATA_DIR": str(folder / "data"),
            "AETHER_PROVIDERS": str(folder / "providers-of-the-bench.toml"),
            "AETHER_DEFAULT": f"chat/{MODELS[0]}",
            "AETHER_LOG_LEVEL": "WARNING",
            "BENCH_KEY": "none",
        }
        argv = [sys.executable, str(ROOT / "app.py"), "--port", str(port)]
        return Server(argv, port=port, folder=folder, environment=environment)

    def open(self, page: Page, server: Server, *, turns: int) -> None:
        with page.expect_request(lambda r: "session_hash" in (r.post_data or "")) as first:
            page.goto(server.url)
        expect(page.locator("#active-model")).to_have_text(f"chat/{MODELS[0]}", timeout=30_000)
        if turns:
            session = json.loads(first.value.post_data or "")["session_hash"]
            cookies = "; ".join(f"{c.get('name')}={c.get('value')}" for c in page.context.cookies())
            self._seed(server.url, session, turns, cookies)

    def _seed(self, url: str, session: str, turns: int, cookies: str) -> None:
        """Ask so many times in the page's own session, over the public endpoints."""
        self._call(url, session, "select_model", ["chat", SEED_MODEL], cookies)
        for _ in range(turns):
            last = self._call(url, session, "chat", ["an earlier question"], cookies)
            assert last["status"] == "done", last
        self._call(url, session, "select_model", ["chat", MODELS[0]], cookies)

    def _call(self, url: str, session: str, endpoint: str, data: list[str], cookies: str) -> dict[str, object]:
        path = f"{url}/gradio_api/call/{endpoint}"
        headers = {"Content-Type": "application/json", "Cookie": cookies}
        body = json.dumps({"data": data, "session_hash": session}).encode()
        with urlopen(Request(path, body, headers)) as answer:
            event = json.load(answer)["event_id"]
        with urlopen(Request(f"{path}/{event}", headers=headers)) as answer:
            lines = [line[6:] for line in answer.read().decode().splitlines() if line.startswith("data: ")]
        return json.loads(lines[-1])[0]

    def choose(self, page: Page, model: str) -> None:
        if page.locator("#active-model").inner_text() == f"chat/{model}":
            return
        page.locator("#model input").click()
        page.get_by_role("option", name=model, exact=True).click()
        expect(page.locator("#active-model[data-word]")).to_have_text(f"chat/{model}")

    def settled(self, page: Page, answers: int) -> None:
        page.locator("body:not(.busy)").wait_for(timeout=60_000)


class ChatInterface(App):
    """`gr.ChatInterface` with a model dropdown."""

    name = "ChatInterface"
    composer = "textarea[data-testid=textbox]"
    answers = ("[data-testid=bot]",)

    def server(self, provider: Provider, folder: Path, *, turns: int = 0) -> Server:
        port = free_port()
        environment = {
            "BENCH_PROVIDER": provider.url,
            "BENCH_PORT": str(port),
            "BENCH_TURNS": str(turns),
            "BENCH_MODELS": ",".join(MODELS),
        }
        argv = [sys.executable, str(ROOT / "bench" / "chatinterface.py")]
        return Server(argv, port=port, folder=folder, environment=environment)

    def open(self, page: Page, server: Server, *, turns: int) -> None:
        page.goto(server.url)
        page.locator(self.composer).wait_for()
        if turns:
            expect(page.locator(self.answers[0])).to_have_count(turns, timeout=60_000)

    def choose(self, page: Page, model: str) -> None:
        picker = page.get_by_role("combobox", name="Model")
        if not picker.count() or not picker.is_visible():
            page.get_by_text("Additional Inputs").click()
        if picker.input_value() == model:
            return
        picker.click()
        page.get_by_role("option", name=model, exact=True).click()

    def settled(self, page: Page, answers: int) -> None:
        page.locator(".submit-button").wait_for(timeout=120_000)

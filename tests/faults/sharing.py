"""A shared link under test: the application as a process, visitors over HTTP, and what must be seen nowhere."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.app_process import AppProcess
from tests.scripted import ScriptedProvider

TOKEN = "link-CANARY-0123456789abcdef"
KEY = "sk-CANARY-ENV-0123456789abcdef"
OWN_KEY = "sk-CANARY-BYOK-0123456789abcdef"
OPERATOR = "operator-CANARY-0123456789abcdef"
FILE_SECRET = "CANARY-FILE-7f3a51c9"
CANARIES = (TOKEN, KEY, OWN_KEY, OPERATOR, FILE_SECRET)
PROTOCOLS = {"chat": "openai-chat", "responses": "openai-responses", "messages": "anthropic-messages"}


def providers(url: str, *, price: str = "{ input = 10.0, output = 30.0 }", models: tuple[str, ...] = ()) -> str:
    """Return a providers file that offers the scripted provider under all three protocols, at a known price."""
    ids = ("echo-small", "stall-3", "gate-3", "length", *models)
    facts = "".join(f'[[provider.model]]\nid = "{i}"\nprice = {price}\n' for i in ids)
    entries = [
        f'[[provider]]\nname = "{name}"\nlabel = "Scripted {name}"\nprotocol = "{protocol}"\n'
        f'base_url = "{url}{"" if name == "messages" else "/v1"}"\napi_key_env = "SCRIPTED_KEY"\n'
        f'own_keys = "loopback"\ncustom_models = true\nprofile = {{ tools = true }}\n{facts}'
        for name, protocol in PROTOCOLS.items()
    ]
    keyless = (
        f'[[provider]]\nname = "keyless"\nlabel = "Keyless"\nprotocol = "openai-chat"\nbase_url = "{url}/v1"\n'
        'api_key_env = "ABSENT_KEY"\nown_keys = "loopback"\nmodels = ["echo-small"]\n'
    )
    return "\n".join([*entries, keyless])


@dataclass
class Watch:
    """Where a secret of a running application could show itself, and how far that was looked through."""

    app: AppProcess
    folder: Path
    lines: int = 0
    bodies: int = 0
    looked: dict[Path, tuple[int, int]] = field(default_factory=dict[Path, tuple[int, int]])

    def look(self) -> None:
        """See that no secret is in what is new of output, answers and files."""
        said, sent = self.app.lines[self.lines :], self.app.bodies[self.bodies :]
        self.lines, self.bodies = self.lines + len(said), self.bodies + len(sent)
        for canary in CANARIES:
            assert not any(canary in line for line in said), f"{canary} is in the output"
            assert not any(canary in body for body in sent), f"{canary} is in an answer"
        for path in self.folder.rglob("*"):
            if path.is_file() and (stamp := (path.stat().st_mtime_ns, path.stat().st_size)) != self.looked.get(path):
                self.looked[path] = stamp
                data = path.read_bytes()
                assert not any(canary.encode() in data for canary in CANARIES), path


WATCHED: list[Watch] = []


@contextmanager
def shared(provider: ScriptedProvider, folder: Path, **settings: str) -> Iterator[AppProcess]:
    """Run a shared link over the scripted provider; look for canaries after each test and at its end."""
    base = {
        "AETHER_DEFAULT": "chat/echo-small",
        "AETHER_SHARE_TOKEN": TOKEN,
        "AETHER_BUDGET_USD": "5",
        "AETHER_LOG_LEVEL": "DEBUG",
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "SCRIPTED_KEY": KEY,
    }
    text = settings.pop("providers", providers(provider.url))
    with AppProcess(folder, providers=text, **base | settings) as app:
        watch = Watch(app, folder)
        WATCHED.append(watch)
        try:
            yield app
            app.stop()
            watch.look()
        finally:
            WATCHED.remove(watch)


class _Reader(httpx2.Client):
    """A client that keeps each body that it was sent, for the watch."""

    def __init__(self, app: AppProcess, **more: Any) -> None:
        super().__init__(base_url=app.url, timeout=60, **more)
        self._bodies = app.bodies

    def send(self, request: httpx2.Request, *, stream: bool = False, **more: Any) -> httpx2.Response:
        answer = super().send(request, stream=stream, **more)
        if not stream:
            self._bodies.append(answer.text)
        return answer


class Visitor:
    """One visitor with a cookie of their own."""

    def __init__(self, app: AppProcess, *, session: str = "tab", cookie: bool = True) -> None:
        self.http = _Reader(app, headers={"X-Aether-Token": TOKEN})
        self.session = session
        if cookie:
            assert self.http.get("/api/models").status_code == 200

    def call(self, name: str, *data: Any) -> Any:
        """Call an endpoint and return its last value."""
        return json.loads(self.raw(name, *data).split("event: complete\ndata: ")[1].split("\n")[0])[0]

    def raw(self, name: str, *data: Any) -> str:
        """Call an endpoint and return its whole stream."""
        return self.heard(name, self.join(name, *data))

    def join(self, name: str, *data: Any) -> str:
        """Begin a call, and do not listen."""
        answer = self.http.post(f"/gradio_api/call/{name}", json={"data": list(data), "session_hash": self.session})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["event_id"])

    def heard(self, name: str, event: str) -> str:
        """Listen to a call that was begun, to its end."""
        return self.http.get(f"/gradio_api/call/{name}/{event}").text

    def choose(self, provider: str, model: str) -> None:
        """Swap, and see that it was done."""
        assert self.call("select_model", provider, model)["event_type"] == "model_updated"

    def ask(self, message: str) -> dict[str, Any]:
        """Send a message and return the settled value."""
        return self.call("chat", message)


class Canary:
    """A listener that nobody should ever reach: it counts who does."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.hits: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                reached, _ = self._socket.accept()
            except OSError:
                return
            with reached:
                reached.settimeout(1)
                self.hits.append(b"")
                try:
                    self.hits[-1] = reached.recv(2000)
                    reached.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                except OSError:
                    pass

    def close(self) -> None:
        self._socket.close()


def wait_until(app: AppProcess, is_true: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    """Ask again and again until it is so."""
    end = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end, "\n".join(app.lines[-20:])
        time.sleep(0.05)

"""A shared link under test: the application as a process, visitors over HTTP, and what must be seen nowhere."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.app_process import AppProcess
from tests.scripted import ScriptedProvider

TOKEN = "link-CANARY-0123456789abcdef"
KEY = "sk-CANARY-ENV-0123456789abcdef"
OWN_KEY = "sk-CANARY-BYOK-0123456789abcdef"
OPERATOR = "operator-CANARY-0123456789abcdef"
CANARIES = (TOKEN, KEY, OWN_KEY, OPERATOR)
PROTOCOLS = {"chat": "openai-chat", "responses": "openai-responses", "messages": "anthropic-messages"}


def providers(url: str, *, price: str = "{ input = 10.0, output = 30.0 }", models: tuple[str, ...] = ()) -> str:
    """Return a providers file that offers the scripted provider under all three protocols, at a known price."""
    ids = ("echo-small", "stall-3", "gate-3", "length", *models)
    facts = "".join(f'[[provider.model]]\nid = "{i}"\nprice = {price}\n' for i in ids)
    entries = [
        f'[[provider]]\nname = "{name}"\nlabel = "Scripted {name}"\nprotocol = "{protocol}"\n'
        f'base_url = "{url}{"" if name == "messages" else "/v1"}"\napi_key_env = "SCRIPTED_KEY"\n'
        f"custom_models = true\nprofile = {{ tools = true }}\n{facts}"
        for name, protocol in PROTOCOLS.items()
    ]
    keyless = (
        f'[[provider]]\nname = "keyless"\nlabel = "Keyless"\nprotocol = "openai-chat"\nbase_url = "{url}/v1"\n'
        'api_key_env = "ABSENT_KEY"\nmodels = ["echo-small"]\n'
    )
    return "\n".join([*entries, keyless])


@contextmanager
def shared(provider: ScriptedProvider, folder: Path, **settings: str) -> Iterator[AppProcess]:
    """Run a shared link over the scripted provider; afterwards look for canaries wherever they could be."""
    base = {
        "AETHER_DEFAULT": "chat/echo-small",
        "AETHER_SHARE_TOKEN": TOKEN,
        "AETHER_BUDGET_USD": "5",
        "AETHER_LOG_LEVEL": "DEBUG",
        "SCRIPTED_KEY": KEY,
    }
    known = {str(p) for p in Path(tempfile.gettempdir()).glob("gradio/**/*")}
    text = settings.pop("providers", providers(provider.url))
    with AppProcess(folder, providers=text, **base | settings) as app:
        yield app
        app.stop()
        no_canary(app, folder, known)


def no_canary(app: AppProcess, folder: Path, known: set[str]) -> None:
    """See that no secret is in any output or file."""
    said = "\n".join(app.lines)
    for canary in CANARIES:
        assert canary not in said
        for path in [*folder.rglob("*"), *Path(tempfile.gettempdir()).glob("gradio/**/*")]:
            if path.is_file() and str(path) not in known:
                assert canary.encode() not in path.read_bytes(), path


class Visitor:
    """One visitor with a cookie of their own; `asked` is the status code of each call."""

    def __init__(self, app: AppProcess, *, session: str = "tab", cookie: bool = True) -> None:
        self.http = httpx2.Client(base_url=app.url, timeout=60, headers={"X-Aether-Token": TOKEN})
        self.session = session
        self.bodies: list[str] = []
        if cookie:
            assert self.http.get("/api/models").status_code == 200

    def call(self, name: str, *data: Any) -> Any:
        """Call an endpoint and return its last value."""
        return json.loads(self.raw(name, *data).split("event: complete\ndata: ")[1].split("\n")[0])[0]

    def raw(self, name: str, *data: Any) -> str:
        """Call an endpoint and return its whole stream."""
        begun = self.join(name, *data)
        text = self.http.get(f"/gradio_api/call/{name}/{begun}").text
        self.bodies.append(text)
        return text

    def join(self, name: str, *data: Any) -> str:
        """Begin a call, and do not listen."""
        answer = self.http.post(f"/gradio_api/call/{name}", json={"data": list(data), "session_hash": self.session})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["event_id"])

    def ask(self, message: str) -> dict[str, Any]:
        """Send a message and return the settled value."""
        return self.call("chat", message)


def wait_until(app: AppProcess, is_true: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    """Ask again and again until it is so."""
    import time

    end = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end, "\n".join(app.lines[-20:])
        time.sleep(0.05)

"""Two replicas behind nginx share PostgreSQL: the one in use is killed, and the conversation goes on at the other."""

from __future__ import annotations

import base64
import io
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests import nginx, postgres
from tests.app_process import AppProcess, scripted_providers
from tests.e2e.drive import ask, choose, send, until
from tests.scripted import ScriptedProvider

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(nginx.program() is None, reason=nginx.WHY_NOT)]


@dataclass(frozen=True)
class Replicas:
    """Two processes and the address before them."""

    apps: tuple[AppProcess, ...]
    url: str
    database: str

    def asked(self, app: AppProcess) -> int:
        """Return how many requests to models a replica has made."""
        return sum("LLM REQUEST PAYLOAD" in line for line in app.lines)

    def holds(self, text: str) -> bool:
        """Tell whether a step of an answer with this text is in the database."""
        with psycopg.connect(self.database) as connection:
            found = connection.execute("SELECT 1 FROM steps WHERE body LIKE %s", [f"%{text}%"])
            return found.fetchone() is not None

    @property
    def in_use(self) -> AppProcess:
        return max(self.apps, key=self.asked)


@pytest.fixture
def replicas(provider: ScriptedProvider, cluster: postgres.Cluster, tmp_path: Path) -> Iterator[Replicas]:
    """Two replicas, each with a data folder of its own, and the proxy as `deploy/nginx.conf` describes it."""
    providers = scripted_providers(provider.url).replace("tools = true", "tools = true, vision = true")
    settings = {
        "AETHER_DATABASE_URL": (database := cluster.database()),
        "AETHER_DEFAULT": "chat/echo-small",
        "SCRIPTED_KEY": "sk-CANARY-replica",
    }
    folders = [tmp_path / name for name in ("one", "two", "nginx")]
    for folder in folders:
        folder.mkdir()
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        made = [AppProcess(folder, providers=providers, **settings) for folder in folders[:2]]
        apps = tuple(threads.map(stack.enter_context, made))
        url = stack.enter_context(nginx.before([a.url for a in apps], folders[2]))
        yield Replicas(apps, url, database)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (24, 24), (180, 40, 40)).save(out, "PNG")
    return out.getvalue()


def test_the_replica_in_use_is_killed_and_the_conversation_goes_on(
    browser: Browser, provider: ScriptedProvider, replicas: Replicas
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(replicas.url)
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    files = [{"name": "red.png", "mimeType": "image/png", "buffer": picture()}]
    page.locator("#place-composer-start input[type=file]").set_input_files(files)  # pyright: ignore[reportArgumentType]
    expect(page.locator("#attached .chip")).to_have_count(1)
    ask(page, "before it dies")
    choose(page, "chat/gate-3")
    send(page, "in flight")
    expect(page.locator("#live")).to_contain_text("w3")
    dead = replicas.in_use
    (other,) = (app for app in replicas.apps if app is not dead)
    until(lambda: replicas.holds("w3"))
    kept = page.url
    os.kill(dead.pid, signal.SIGKILL)
    page.locator("#composer textarea").fill("and it goes on")
    expect(page.locator("#chat")).to_contain_text("The server stopped in the middle of this answer")
    assert page.url == kept
    expect(page.locator("#chat")).to_contain_text("You said: before it dies")
    expect(page.locator("#chat .prompt img")).to_have_count(1)
    expect(page.locator("#composer textarea")).to_have_value("and it goes on")
    choose(page, "chat/echo-small")
    ask(page, "and it goes on")
    expect(page.locator("#chat")).to_contain_text("You said: and it goes on")
    assert replicas.asked(other) == 1
    sent = str(provider.requests[-1].body)
    assert base64.b64encode(picture()).decode() in sent  # the picture was handed to the other replica
    assert "before it dies" in sent
    assert "in flight" in sent
    context.close()

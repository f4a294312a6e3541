"""The server is killed in the middle of an answer: what was asked is there, and the answer up to a second ago.

A real process over the scripted provider, killed at random moments. `AETHER_KILLS=50` does it as
often as the record wants; the suite does it a few times. Threats 37 (b), 37 (c), 37 (d) and 40 (f).
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg

from aether.store.conversations import Store
from aether.store.engine import prepare_file
from aether.store.listing import Wanted
from tests.app_process import AppProcess, scripted_providers
from tests.scripted import ScriptedProvider

KILLS = int(os.environ.get("AETHER_KILLS", "2"))
MODEL = "paced-40x400"
RATE_PER_S = 40
LOST_S = 1.0
"""Seconds of text that a crash may cost."""
DELAY_S = 1.0
"""Seconds that a busy machine may be late by: between the provider's word and our reading it."""
OPTIONS = {"SCRIPTED_KEY": "sk-CANARY-kill", "AETHER_DEFAULT": f"chat/{MODEL}"}


def post(url: str, body: object) -> str:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.load(answer)["event_id"])


class Asking:
    """Ask through the API and read the stream: what a client saw, and when."""

    def __init__(self, url: str, message: str) -> None:
        self.seen: list[tuple[float, str]] = []
        self._at = f"{url}/gradio_api/call/chat"
        self._event = post(self._at, {"data": [message], "session_hash": "kill"})
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            with urllib.request.urlopen(f"{self._at}/{self._event}", timeout=60) as stream:
                for line in stream:
                    if line.startswith(b"data: [") and (text := json.loads(line[6:])[0]["text"]):
                        self.seen.append((time.monotonic(), text))
        except (OSError, ValueError):
            pass  # the server was killed

    def before(self, moment: float) -> str:
        """Return what was on the screen at a moment."""
        return next((text for at, text in reversed(self.seen) if at <= moment), "")

    def wait_for_text(self) -> None:
        wait_until(lambda: bool(self.seen))

    def wait_for_end(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()


def wait_until(fact: Callable[[], bool], *, timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.01)


def owners(url: str) -> list[str]:
    store = Store(url)
    with store.reading() as connection:
        found = connection.exec_driver_sql("SELECT DISTINCT owner FROM conversations").scalars().all()
    store.close()
    return [str(owner) for owner in found]


def words(text: str) -> int:
    return len(re.findall(r"w\d+", text))


def test_a_killed_server_loses_no_message_and_at_most_a_second_of_text(
    scripted: ScriptedProvider, url: str, tmp_path: Path
) -> None:
    chance = random.Random(7)
    for number in range(KILLS):
        with AppProcess(
            tmp_path, providers=scripted_providers(scripted.url), AETHER_DATABASE_URL=url, **OPTIONS
        ) as app:
            asking = Asking(app.url, f"message number{number}")
            asking.wait_for_text()
            threading.Event().wait(chance.uniform(0, 4))  # the moment is the point of the test
            killed = time.monotonic()
            os.kill(app.pid, signal.SIGKILL)
        asking.wait_for_end()
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(tmp_path / "aether.db")) as raw:
                assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        found = [(store_kept.transcript) for store_kept in loaded(url)]
        last = next(t for t in found if t.turns[0].text == f"message number{number}")
        assert sum(t.turns[0].text.startswith("message number") for t in found) == number + 1
        kept = words(last.turns[0].answers[-1].text) if last.turns[0].answers else 0
        assert kept >= words(asking.before(killed - LOST_S - DELAY_S)), f"kill {number}"


def loaded(url: str):
    """Load every conversation of every owner."""
    store = Store(url)
    whole = [store.load(o, e.id) for o in owners(url) for e in store.browse(o, Wanted(limit=200))]
    store.close()
    return whole


def test_a_terminated_server_keeps_the_answer_and_ends_in_time(
    scripted: ScriptedProvider, url: str, tmp_path: Path
) -> None:
    app = AppProcess(tmp_path, providers=scripted_providers(scripted.url), AETHER_DATABASE_URL=url, **OPTIONS)
    with app:
        asking = Asking(app.url, "until the end")
        asking.wait_for_text()
        assert app.stop(timeout_s=10) in (0, -signal.SIGTERM)  # the server ends itself by the signal, once all is saved
    asking.wait_for_end()
    (kept,) = loaded(url)
    assert not kept.is_held
    (answer,) = kept.transcript.turns[0].answers
    assert answer.failure is None
    assert answer.stopped
    assert words(answer.text) >= words(asking.before(time.monotonic() - 20))


def test_a_killed_turn_is_marked_interrupted_and_goes_on_with_another_model(
    scripted: ScriptedProvider, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'aether.db'}"
    with AppProcess(tmp_path, providers=scripted_providers(scripted.url), AETHER_DATABASE_URL=url, **OPTIONS) as app:
        asking = Asking(app.url, "tell me a story")
        asking.wait_for_text()
        wait_until(lambda: words(asking.seen[-1][1]) > 60)
        os.kill(app.pid, signal.SIGKILL)
    wait_until(lambda: not loaded(url)[0].is_held, timeout_s=10)
    (kept,) = loaded(url)
    (answer,) = kept.transcript.turns[0].answers
    assert answer.failure is not None
    assert answer.failure.kind == "interrupted"
    assert words(answer.text) > 10


def test_a_full_disk_ends_no_chat(scripted: ScriptedProvider, tmp_path: Path) -> None:
    """The database may not grow any more: the answer comes, and the page is told that it is not saved."""
    url = f"sqlite:///{tmp_path / 'aether.db'}"
    store = Store(url)
    store.open()
    store.close()
    with closing(sqlite3.connect(tmp_path / "aether.db")) as raw:
        raw.execute(
            "CREATE TRIGGER full BEFORE INSERT ON turns BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        raw.commit()
    with AppProcess(
        tmp_path,
        providers=scripted_providers(scripted.url),
        AETHER_DATABASE_URL=url,
        **OPTIONS | {"AETHER_DEFAULT": "chat/echo-small"},
    ) as app:
        asking = Asking(app.url, "hello")
        asking.wait_for_end()
        assert asking.seen[-1][1] == "You said: hello"
        assert any("disk is full" in line for line in app.lines)
        assert urllib.request.urlopen(f"{app.url}/healthz", timeout=5).status == 200


def test_a_damaged_file_is_moved_aside_and_the_server_starts(scripted: ScriptedProvider, tmp_path: Path) -> None:
    (tmp_path / "aether.db").write_bytes(b"garbage" * 1000)
    with AppProcess(
        tmp_path,
        providers=scripted_providers(scripted.url),
        AETHER_DATABASE_URL=f"sqlite:///{tmp_path / 'aether.db'}",
        **OPTIONS,
    ) as app:
        assert any("damaged" in line for line in app.lines)
        notice = json.load(urllib.request.urlopen(f"{app.url}/api/alive", timeout=5))["notice"]
        assert "was moved to aether.db.damaged-" in notice
    assert list(tmp_path.glob("aether.db.damaged-*Z"))
    assert prepare_file(tmp_path / "aether.db") == ""


def test_no_secret_and_no_cookie_is_in_the_store(scripted: ScriptedProvider, url: str, tmp_path: Path) -> None:
    with AppProcess(tmp_path, providers=scripted_providers(scripted.url), AETHER_DATABASE_URL=url, **OPTIONS) as app:
        with urllib.request.urlopen(f"{app.url}/", timeout=10) as page:
            cookie = page.headers["set-cookie"].partition("=")[2].partition(";")[0]
        request = urllib.request.Request(
            f"{app.url}/gradio_api/call/chat",
            json.dumps({"data": ["who am I?"], "session_hash": "mine"}).encode(),
            {"Content-Type": "application/json", "Cookie": f"aether_visitor={cookie}"},
        )
        urllib.request.urlopen(request, timeout=20).read()
        wait_until(lambda: bool(loaded(url)))
    assert len(cookie) >= 32
    held = dump(url, tmp_path)
    assert cookie not in held
    assert OPTIONS["SCRIPTED_KEY"] not in held
    assert "who am I?" in held


def dump(url: str, folder: Path) -> str:
    """Return all that the database holds, as text."""
    if url.startswith("sqlite"):
        return "".join(p.read_bytes().decode("latin-1") for p in folder.glob("aether.db*"))
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        return str([connection.execute(f'SELECT * FROM "{name}"'.encode()).fetchall() for (name,) in tables])

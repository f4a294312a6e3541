"""The server is killed in the middle of an answer: what was asked is there, and the answer up to a second ago.

A real process over the scripted provider, killed at random moments. `AETHER_KILLS=50` does it as
often as the record wants (`-s` shows what each one cost); the suite does it once. Cases 37 (b) and 40 (f).
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
import pytest

from aether.store.conversations import Store
from aether.store.listing import Wanted
from tests.app_process import AppProcess, scripted_providers
from tests.scripted import ScriptedProvider

KILLS = int(os.environ.get("AETHER_KILLS", "1"))
MODEL = "paced-40x400"
LONGEST_S = 4.0 if KILLS > 1 else 2.0
LOST_S = 1.0
"""Seconds of text that a crash may cost."""
DELAY_S = 1.0
"""Seconds that a busy machine may be late by: between the provider's word and our reading it."""
OPTIONS = {"SCRIPTED_KEY": "sk-CANARY-kill", "AETHER_DEFAULT": f"chat/{MODEL}"}


class Asking:
    """Ask through the API and read the stream: what a client saw, and when."""

    def __init__(self, url: str, message: str) -> None:
        with urllib.request.urlopen(f"{url}/", timeout=20) as page:
            self.cookie = str(page.headers["set-cookie"]).partition("=")[2].partition(";")[0]
        self.seen: list[tuple[float, str]] = []
        self._at = f"{url}/gradio_api/call/chat"
        self._headers = {"Content-Type": "application/json", "Cookie": f"aether_visitor={self.cookie}"}
        asked = json.dumps({"data": [message], "session_hash": "kill"}).encode()
        with urllib.request.urlopen(urllib.request.Request(self._at, asked, self._headers), timeout=20) as answer:
            self._event = str(json.load(answer)["event_id"])
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            request = urllib.request.Request(
                f"{self._at}/{self._event}", headers={"Cookie": f"aether_visitor={self.cookie}"}
            )
            with urllib.request.urlopen(request, timeout=60) as stream:
                for line in stream:
                    if line.startswith(b"data: [") and (text := json.loads(line[6:])[0]["text"]):
                        self.seen.append((time.monotonic(), text))
        except (OSError, ValueError):
            pass  # the server was killed

    def before(self, moment: float) -> str:
        """Return what was on the screen at a moment."""
        return next((text for at, text in reversed(self.seen) if at <= moment), "")

    def lost_s(self, kept: int, moment: float) -> float:
        """Return how long the first word that is not kept had been on the screen."""
        return max(0.0, moment - next((at for at, text in self.seen if words(text) > kept), moment))

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


@pytest.mark.timeout(60 + 20 * KILLS)
def test_case_37b_a_killed_server_loses_no_message_and_at_most_a_second_of_text(
    scripted: ScriptedProvider, url: str, tmp_path: Path
) -> None:
    chance = random.SystemRandom()
    for number in range(KILLS):
        with AppProcess(
            tmp_path, providers=scripted_providers(scripted.url), AETHER_DATABASE_URL=url, **OPTIONS
        ) as app:
            asking = Asking(app.url, f"message number{number}")
            asking.wait_for_text()
            threading.Event().wait(chance.uniform(0, LONGEST_S))  # the moment is the point of the test
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
        print(f"kill {number}: {kept} words kept, {asking.lost_s(kept, killed):.2f} s lost")
        assert kept >= words(asking.before(killed - LOST_S - DELAY_S)), f"kill {number}"
    wait_until(lambda: not any(one.is_held for one in loaded(url)))
    failures = [one.transcript.turns[0].answers[-1].failure for one in loaded(url) if one.transcript.turns[0].answers]
    assert {failure.kind for failure in failures if failure is not None} == {"interrupted"}
    assert None not in failures


def loaded(url: str):
    """Load every conversation of every owner."""
    store = Store(url)
    whole = [store.load(o, e.id) for o in owners(url) for e in store.browse(o, Wanted(limit=200))]
    store.close()
    return whole


def test_case_40f_a_terminated_server_keeps_the_answer_and_no_secret_and_ends_in_time(
    scripted: ScriptedProvider, url: str, tmp_path: Path
) -> None:
    app = AppProcess(tmp_path, providers=scripted_providers(scripted.url), AETHER_DATABASE_URL=url, **OPTIONS)
    with app:
        asking = Asking(app.url, "until the end")
        asking.wait_for_text()
        assert app.stop(timeout_s=10) in (0, -signal.SIGTERM)  # the server ends itself by the signal, once all is saved
    asking.wait_for_end()
    held = dump(url, tmp_path)
    assert "until the end" in held
    assert asking.cookie not in held
    assert OPTIONS["SCRIPTED_KEY"] not in held
    assert len(asking.cookie) >= 32
    (kept,) = loaded(url)
    assert not kept.is_held
    (answer,) = kept.transcript.turns[0].answers
    assert answer.failure is None
    assert answer.stopped
    assert words(answer.text) >= words(asking.before(time.monotonic() - 20))


def dump(url: str, folder: Path) -> str:
    """Return all that the database holds, as text."""
    if url.startswith("sqlite"):
        return "".join(p.read_bytes().decode("latin-1") for p in folder.glob("aether.db*"))
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        return str([connection.execute(f'SELECT * FROM "{name}"'.encode()).fetchall() for (name,) in tables])

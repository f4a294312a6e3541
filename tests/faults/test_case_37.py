"""Case 37, (c) to (g): a full disk, a damaged file, a folder that cannot be written, another schema, two processes.

(a) and the old file of (f) are in `test_cases_16_to_20.py`, (b) is in `tests/store/test_kill.py`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from aether.store.engine import migrate, open_engine
from tests.app_process import ROOT, AppProcess, scripted_providers
from tests.faults.disk import small_disk
from tests.faults.http import press
from tests.faults.sharing import Visitor, wait_until
from tests.scripted import ScriptedProvider

LONG = pytest.mark.skipif(not os.environ.get("AETHER_LONG"), reason="AETHER_LONG=1 runs what takes long")
NOT_SAVED = "Not saved: the database does not answer."


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as server:
        yield server


def started(provider: ScriptedProvider, folder: Path, url: str) -> AppProcess:
    return AppProcess(
        folder,
        providers=scripted_providers(provider.url),
        AETHER_DATABASE_URL=url,
        AETHER_DEFAULT="chat/echo-small",
        SCRIPTED_KEY="sk-CANARY-37",
    )


def turns(file: Path) -> int:
    with closing(sqlite3.connect(file)) as raw:
        return int(raw.execute("SELECT count(*) FROM turns").fetchone()[0])


def test_case_37c_a_full_disk_ends_no_chat_and_is_made_up_for(provider: ScriptedProvider, tmp_path: Path) -> None:
    """The answers come, the banner says that they are not saved; with room again, all of it is."""
    with small_disk(tmp_path / "disk") as disk:
        file = disk.folder / "aether.db"
        with started(provider, tmp_path, f"sqlite:///{file}") as app:
            tab = Visitor(app)
            tab.ask("there is room")
            disk.fill(app)
            for number in range(2):
                message = f"{number} " + "no room for so many words " * 200
                assert tab.ask(message)["text"] == f"You said: {message}"
            assert NOT_SAVED in press(tab, "mark")
            assert urllib.request.urlopen(f"{app.url}/healthz", timeout=5).status == 200
            disk.free(app)
            wait_until(app, lambda: turns(file) == 3, timeout_s=20)
            wait_until(app, lambda: NOT_SAVED not in press(tab, "mark"))
        with closing(sqlite3.connect(file)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_case_37d_a_damaged_file_is_moved_aside_and_said(provider: ScriptedProvider, tmp_path: Path) -> None:
    file = tmp_path / "aether.db"
    file.write_bytes(b"SQLite format 3\0" + b"garbage" * 1000)
    with started(provider, tmp_path, f"sqlite:///{file}") as app:
        assert any("damaged" in line for line in app.lines)
        notice = json.load(urllib.request.urlopen(f"{app.url}/api/alive", timeout=5))["notice"]
        assert "was moved to aether.db.damaged-" in notice
        Visitor(app).ask("begun anew")
        wait_until(app, lambda: turns(file) == 1)
    (aside,) = tmp_path.glob("aether.db.damaged-*Z")
    assert aside.read_bytes().endswith(b"garbage")


def test_case_37e_a_folder_that_cannot_be_written_ends_no_chat(provider: ScriptedProvider, tmp_path: Path) -> None:
    """Not even root makes a folder in /proc."""
    with started(provider, tmp_path, "sqlite:////proc/aether/aether.db") as app:
        tab = Visitor(app)
        assert tab.ask("hello")["text"] == "You said: hello"
        assert NOT_SAVED in press(tab, "mark")
        assert tab.http.get("/healthz").status_code == 503
        assert tab.http.get("/api/conversations").status_code == 503
        assert tab.http.get("/").status_code == 200


def test_case_37f_a_newer_schema_is_refused_with_the_file_untouched(tmp_path: Path) -> None:
    file = tmp_path / "aether.db"
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = 'of_2031'")
        raw.commit()
    before = file.read_bytes()
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "--port", "0"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "AETHER_LOCAL": "0", "AETHER_DATABASE_URL": f"sqlite:///{file}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "written by a newer Aether (schema of_2031)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert file.read_bytes() == before


def test_case_37g_two_processes_share_a_file_and_no_visitor_hears_of_locks(
    provider: ScriptedProvider, tmp_path: Path
) -> None:
    file = tmp_path / "aether.db"
    with ExitStack() as stack, ThreadPoolExecutor(4) as threads:
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            folder.mkdir()
        made = [started(provider, folder, f"sqlite:///{file}") for folder in folders]
        apps = list(threads.map(stack.enter_context, made))
        tabs = [Visitor(app, session=f"37g-{n}") for app in apps for n in range(2)]

        def talk(tab: Visitor) -> list[str]:
            return [tab.ask(f"word {number}")["text"] for number in range(8)]

        assert list(threads.map(talk, tabs)) == [[f"You said: word {n}" for n in range(8)]] * 4
        wait_until(apps[0], lambda: turns(file) == 32)
        with closing(sqlite3.connect(file, isolation_level=None)) as other:  # a third one holds the lock for a while
            other.execute("BEGIN IMMEDIATE")
            assert tabs[0].ask("meanwhile")["text"] == "You said: meanwhile"
            other.execute("ROLLBACK")
        wait_until(apps[0], lambda: turns(file) == 33)
        said = "".join(body for app in apps for body in app.bodies) + "".join(press(tab, "mark") for tab in tabs)
        assert "lock" not in said
        assert NOT_SAVED not in said
        assert not [line for app in apps for line in app.lines if "locked" in line]


@LONG
def test_case_37g_a_lock_of_ten_seconds_loses_nothing(provider: ScriptedProvider, tmp_path: Path) -> None:
    """Longer than a writer waits: the answer comes, the banner says so, and then all is saved without another word."""
    file = tmp_path / "aether.db"
    with started(provider, tmp_path, f"sqlite:///{file}") as app:
        tab = Visitor(app)
        tab.ask("before")
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert tab.ask("meanwhile")["text"] == "You said: meanwhile"
            wait_until(app, lambda: NOT_SAVED in press(tab, "mark"), timeout_s=20)
            assert tab.http.get("/api/conversations").status_code == 200
            threading.Event().wait(10)  # the lock is the point of the test
            other.execute("ROLLBACK")
        wait_until(app, lambda: turns(file) == 2, timeout_s=20)
        wait_until(app, lambda: NOT_SAVED not in press(tab, "mark"), timeout_s=20)

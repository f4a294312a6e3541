"""Disk and memory on a shared link: nothing is saved before it was admitted, and what is deleted is gone."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from tests.app_process import AppProcess
from tests.faults.sharing import Visitor, shared
from tests.faults.test_uploads import attach, event_of
from tests.scripted import ScriptedProvider


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="module")
def broke(folder: Path) -> Iterator[AppProcess]:
    """A link without money, on which nothing can be sent."""
    with ScriptedProvider() as provider, shared(provider, folder, AETHER_BUDGET_USD="0") as app:
        yield app


def rows(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "data" / "aether.db")) as raw:
        return int(raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_d1_a_message_that_cannot_be_paid_leaves_no_row(broke: AppProcess, folder: Path) -> None:
    visitor = Visitor(broke)
    for size in (10, 150_000, 900_000):
        refused = visitor.ask("x" * size)
        assert refused["status"] == "error" and refused["turn"] is None
        assert refused["error"]["kind"] == ("too_long" if size > 160_000 else "allowance")
    assert [rows(folder, table) for table in ("conversations", "turns", "texts", "ledger_entries")] == [0, 0, 0, 0]


def test_d4_a_picture_is_shown_to_its_owner_alone(broke: AppProcess) -> None:
    visitor, other, file = Visitor(broke), Visitor(broke), io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(file, "PNG")
    shown = attach(visitor, "private.png", file.getvalue())
    found = re.search(r"api/picture/([0-9a-f]{64})", json.dumps(shown))
    assert found, shown
    assert visitor.http.get(f"/api/picture/{found[1]}").status_code == 200
    assert other.http.get(f"/api/picture/{found[1]}").status_code == 404


def test_d3_exports_of_a_visitor_are_few_and_private(broke: AppProcess, folder: Path) -> None:
    visitor = Visitor(broke)
    for _ in range(8):
        assert visitor.call("export", "json")["path"]
    kept = [path for path in (folder / "gradio" / "exports").rglob("*") if path.is_file()]
    assert 1 <= len(kept) <= 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_d2_copies_of_a_snapshot_fill_no_more_than_their_visitor_may(tmp_path: Path) -> None:
    with ScriptedProvider() as provider, shared(provider, tmp_path, AETHER_VISITOR_DISK_MB="1") as app:
        visitor, other = Visitor(app), Visitor(app)
        assert visitor.ask("pelican " * 5_000)["status"] == "done"
        (entry,) = visitor.http.get("/api/conversations").json()["entries"]
        snapshot = visitor.http.post(f"/api/conversations/{entry['id']}/share").json()["share"]
        event, inputs = event_of(visitor, "open", "click"), 2
        for _ in range(20):
            body = {"data": [f"copy:{snapshot}"] + [None] * (inputs - 1), "fn_index": event, "session_hash": "tab"}
            answer = visitor.http.post("/gradio_api/run/predict", json=body)
            assert answer.status_code == 200, answer.text
        assert 1 < rows(tmp_path, "conversations") < 12
        assert other.ask("hello")["status"] == "done"

"""Files that are handed out: few for each visitor, and none that could not be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from aether.ui.outbox import MAX_FILES, Outbox


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def test_a_file_that_cannot_be_written_leaves_nothing(folder: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        Outbox().write("x" * 300, b"words")
    assert [path for path in folder.rglob("*") if path.name != "exports"] == []


def test_the_oldest_files_of_a_visitor_go_first(folder: Path) -> None:
    outbox, paths = Outbox(), list[Path]()
    for number in range(MAX_FILES + 2):
        paths.append(outbox.write(f"{number}.md", b"words"))
        outbox.add(paths[-1], 5, owner="me")
    other = outbox.write("other.md", b"words")
    outbox.add(other, 5, owner="you")
    assert [path.exists() for path in (*paths, other)] == [False] * 2 + [True] * (MAX_FILES + 1)

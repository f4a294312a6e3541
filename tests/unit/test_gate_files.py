"""Files in a request: few and short paths inside the folder, and none that the file system need not be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from aether.gate.files import MOST_FILES, NESTED, is_foreign


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "uploads"
    inside.mkdir()
    (inside / "a.txt").write_text("a")
    (inside / "out").symlink_to(tmp_path)
    return inside


def test_a_file_that_was_handed_in_is_ours(folder: Path) -> None:
    assert not is_foreign({"data": [{"path": str(folder / "a.txt")}] * MOST_FILES}, folder)
    assert not is_foreign({"data": ["words", 1, None, {"path": None}]}, folder)


@pytest.mark.parametrize("path", ["", ".", "..", "/etc/passwd", "a.txt", 7, ["x"], "http://x/", "a\0b", "/a" * 450_000])
def test_any_other_path_is_foreign(folder: Path, path: object) -> None:
    assert is_foreign({"x": {"path": path}}, folder)


OUTSIDE = ["", "/", "/../uploads", "/../other", "/out", "/out/uploads", "-of-others/a", "/a" * 900]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_only_begins_as_the_folder_is_foreign(folder: Path, path: str) -> None:
    assert is_foreign({"path": f"{folder}{path}"}, folder)


def test_more_files_than_a_request_may_name_are_foreign(folder: Path) -> None:
    assert is_foreign([{"path": str(folder / "a.txt")}] * (MOST_FILES + 1), folder)


def test_what_is_nested_too_deep_is_foreign(folder: Path) -> None:
    value: object = {}
    for _ in range(NESTED + 1):
        value = [value]
    assert is_foreign(value, folder)

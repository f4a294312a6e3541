"""What is shared is what is seen, and what others of the machine can read is nothing."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app_process import AppProcess
from tests.faults.sharing import KEY, OPERATOR, TOKEN, Visitor, shared
from tests.scripted import ScriptedProvider

PUBLIC = "https://aether.example"


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as an earlier version left it: open to every user of the machine."""
    root = tmp_path_factory.mktemp("deploy")
    for made in (root / "data", root / "data" / "blobs", root / "gradio"):
        made.mkdir(mode=0o755)
        made.chmod(0o755)
    for left in (root / "data" / "blobs" / "old", root / "gradio" / "title-of-a-conversation.md"):
        left.write_text("words")
        left.chmod(0o644)
    return root


@pytest.fixture(scope="module")
def link(provider: ScriptedProvider, folder: Path) -> Iterator[AppProcess]:
    settings = {"AETHER_PUBLIC_URL": PUBLIC, "AETHER_OPERATOR_TOKEN": OPERATOR, "NOBODY_KNOWS_KEY": KEY}
    with shared(provider, folder, **settings) as app:
        yield app


def open_to_others(*folders: Path) -> list[Path]:
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return [path for path in paths if path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]


def test_l1_no_child_reads_a_key_in_what_the_process_was_started_with(link: AppProcess) -> None:
    code = f"print(open('/proc/{link.pid}/environ').read())"
    read = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert not any(secret in read.stdout for secret in (KEY, TOKEN, OPERATOR))
    assert not read.stdout.strip("\0\n")


def test_l1_a_crash_leaves_no_core(link: AppProcess) -> None:
    limits = Path(f"/proc/{link.pid}/limits").read_text()
    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core[4:6] == ["0", "0"]


def test_l2_no_other_user_reads_a_file_of_ours(link: AppProcess, folder: Path) -> None:
    visitor = Visitor(link)
    visitor.ask("private words")
    path = visitor.call("export", "md")["path"]
    assert Path(path).is_file()
    assert (folder / "data" / "aether.db").is_file()
    assert open_to_others(folder / "data", folder / "gradio") == []
    link.wait_for_line("Other users of this machine could read")

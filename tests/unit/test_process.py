"""What the system shows of this process: modes, the environment's block, output."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from aether import process
from tests.app_process import ROOT


def redact(text: str) -> str:
    return text.replace("sk-canary", "[redacted]")


def test_what_others_could_read_is_closed_and_nothing_else_is_touched(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    elsewhere.write_text("not ours")
    (data / "blobs").mkdir(parents=True)
    (data / "aether.db").write_text("rows")
    (data / "link").symlink_to(elsewhere)
    for path, mode in ((data, 0o755), (data / "blobs", 0o775), (data / "aether.db", 0o644), (elsewhere, 0o644)):
        path.chmod(mode)
    assert process.close_paths(data) == 3
    assert [path.stat().st_mode & 0o777 for path in (data, data / "blobs", data / "aether.db")] == [0o700, 0o700, 0o600]
    assert elsewhere.stat().st_mode & 0o777 == 0o644
    assert process.close_paths(data) == 0


def test_a_folder_that_holds_more_than_ours_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    sticky = tmp_path / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    tmp_path.chmod(0o755)
    assert process.close_paths(tmp_path, tmp_path / "here", sticky, Path("/"), Path.home(), tmp_path / "nowhere") == 0


def test_a_folder_that_another_made_first_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = process.private_folder("name")
    assert first == process.private_folder("name")
    assert first.stat().st_mode & 0o777 == 0o700
    first.rmdir()
    first.symlink_to(ROOT)
    other = process.private_folder("name")
    assert other != first
    assert other.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the block")
def test_the_environment_is_what_it_was_and_the_block_is_empty(tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path; from aether.settings import take_environment; before = dict(os.environ)\n"
        "take_environment(); assert dict(os.environ) == before\n"
        "import subprocess; print(subprocess.run(['env'], capture_output=True, text=True, check=True).stdout)\n"
        "assert not Path('/proc/self/environ').read_bytes().strip(b'\\0')"
    )
    env = os.environ | {"A_KEY": "sk-canary", "EMPTY": ""}
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "A_KEY=sk-canary" in done.stdout


def test_a_key_that_comes_in_pieces_and_in_bytes_is_redacted() -> None:
    written = io.StringIO()
    output = process.RedactedOutput(written, redact)
    for piece in ("a sk-", "can", "ary b\nc", " sk-canary"):
        output.write(piece)
        output.flush()
    assert written.getvalue() == "a [redacted] b\n"
    output.buffer.write(b" d\nsk-canary")
    output.finish()
    assert written.getvalue() == "a [redacted] b\nc [redacted] d\n[redacted]"


def test_a_librarys_own_traceback_is_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", process.RedactedOutput(written, redact))
    try:
        raise ValueError("refused: sk-canary")
    except ValueError:
        traceback.print_exc()
    assert "ValueError: refused: [redacted]" in written.getvalue()


def test_output_without_an_end_of_line_is_not_kept_back_for_ever() -> None:
    written = io.StringIO()
    process.RedactedOutput(written, redact).write("x" * (process.LONGEST_LINE + 1))
    assert len(written.getvalue()) > process.LONGEST_LINE

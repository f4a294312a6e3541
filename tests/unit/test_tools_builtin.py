"""The built-in tools on a real folder: what they answer when all is well."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from aether.tools.toolbox import SessionTools
from aether.tools.toolset import Toolset
from aether.tools.workspace import Deadline, TimeUp, Workspace, in_thread
from aether.transcript import Text, ToolCall

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "README.md").write_text("# Garden\nWe grow Äpfel and pears.\n")
    (tmp_path / "src" / "main.py").write_text("".join(f"line {i}\n" for i in range(1, 501)))
    (tmp_path / "src" / "deep" / "a.txt").write_text("no newline at the end")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "windows.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    return tmp_path


@pytest.fixture
def box(folder: Path) -> SessionTools:
    return Toolset(level="read", workspace=Workspace(folder)).open()


async def ask(box: SessionTools, name: str, /, **arguments: object) -> str:
    """Return what a tool answers, without the line that marks it as data."""
    result = await box.run(ToolCall("call_1", name, json.dumps(arguments)))
    text = "".join(p.text for p in result.parts if isinstance(p, Text))
    return text.split("\n", 1)[1] if text.startswith("[Output of") else text


async def test_list_files_shows_names_sizes_and_levels(box: SessionTools) -> None:
    assert await ask(box, "list_files") == "README.md  35\nempty.txt  0\nsrc/\nwindows.txt  13"
    assert await ask(box, "list_files", path="src", depth=2) == "deep/\n  a.txt  21\nmain.py  4,392"
    assert await ask(box, "list_files", path="./src/") == "deep/\nmain.py  4,392"


async def test_list_files_of_a_file_says_what_it_is(box: SessionTools) -> None:
    assert "is a file, not a folder" in await ask(box, "list_files", path="README.md")
    assert "There is no nowhere" in await ask(box, "list_files", path="nowhere")


async def test_read_file_reads_pages_that_join_without_a_gap(box: SessionTools, folder: Path) -> None:
    read: list[str] = []
    start = 1
    while True:
        lines = (await ask(box, "read_file", path="src/main.py", start_line=start)).split("\n")
        read += [line for line in lines if not line.startswith("[")]
        if not lines[-1].startswith("["):
            break
        start = int(lines[-1].rpartition("start_line=")[2].rstrip(".]"))
    assert "\n".join(read) + "\n" == (folder / "src" / "main.py").read_text()


async def test_read_file_says_where_it_stopped(box: SessionTools) -> None:
    told = await ask(box, "read_file", path="src/main.py", start_line=10, lines=2)
    assert told == "line 10\nline 11\n[Lines 10 to 11 are shown. For more: start_line=12.]"


async def test_read_file_takes_what_text_files_are_like(box: SessionTools) -> None:
    assert await ask(box, "read_file", path="windows.txt") == "one\ntwo"
    assert await ask(box, "read_file", path="empty.txt") == "[The file is empty.]"
    assert await ask(box, "read_file", path="src/deep/a.txt") == "no newline at the end"
    assert "Äpfel" in await ask(box, "read_file", path="README.md")
    assert "has 2 lines; there is no line 3" in await ask(box, "read_file", path="README.md", start_line=3)
    assert "is a folder" in await ask(box, "read_file", path="src")
    assert "workspace folder itself" in await ask(box, "read_file", path=".")


async def test_read_file_never_cuts_a_sign_of_several_bytes_in_two(folder: Path, box: SessionTools) -> None:
    (folder / "wide.txt").write_text("€" * 100_000 + "\nend\n")
    told = await ask(box, "read_file", path="wide.txt")
    assert told.startswith("€" * 2000 + "\nend\n[Lines longer") or told.startswith("€" * 2000 + "\nend\n[Lines of")
    assert "\ufffd" not in told


async def test_search_text_finds_text_in_any_case(box: SessionTools) -> None:
    assert await ask(box, "search_text", query="äPFEL") == "README.md:2: We grow Äpfel and pears."
    assert await ask(box, "search_text", query="line 499", path="src") == "src/main.py:499: line 499"
    assert await ask(box, "search_text", query="at the", path="src/deep/a.txt") == (
        "src/deep/a.txt:1: no newline at the end"
    )
    assert "Nothing was found in 5 text files" in await ask(box, "search_text", query="zebra")


async def test_search_text_takes_a_pattern_only_when_told_to(box: SessionTools) -> None:
    assert "Nothing" in await ask(box, "search_text", query="line 1.3")
    assert await ask(box, "search_text", query="line 1.3$", regex=True) == "\n".join(
        f"src/main.py:{n}: line {n}" for n in range(103, 200, 10)
    )
    assert "cannot be used" in await ask(box, "search_text", query="(", regex=True)


async def test_search_text_shows_a_hundred_matches_and_says_so(box: SessionTools) -> None:
    lines = (await ask(box, "search_text", query="line")).split("\n")
    assert len(lines) == 101 and "first 100 matches" in lines[-1]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", "14"), ("2**10 / 4", "256"), ("0.1 + 0.2", "0.3"), ("7 // 2 % 2", "1"), ("-2**2", "-4"),
        ("(1 + 2) * -3", "-9"), ("sqrt(2)", "1.4142135623731"), ("factorial(20)", "2432902008176640000"),
        ("2**200", str(2**200)), ("round(2.675, 2)", "2.67"), ("max(1, 2, 3) - min(4, 5)", "-1"),
        ("6 × 7 − 2", "40"), ("10 ÷ 4", "2.5"), ("sin(pi / 2)", "1"), ("log(8, 2)", "3"), ("1e20", "1e+20"),
        ("10 / 3", "3.33333333333333"), ("gcd(12, 18)", "6"), ("2**-1", "0.5"), ("floor(-1.5)", "-2"),
    ],
)  # fmt: skip
async def test_calculate_gives_the_value(box: SessionTools, expression: str, value: str) -> None:
    assert await ask(box, "calculate", expression=expression) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("1 / 0", "divides by zero"), ("2 ^ 3", "with **"), ("foo(1)", "foo is not known"),
        ("2 +", "not an arithmetic"), ("9**9**9", "too large"), ("sqrt(-1)", "has no value"), ("'a'", "Only numbers"),
    ],
)  # fmt: skip
async def test_calculate_says_what_is_wrong(box: SessionTools, expression: str, words: str) -> None:
    assert words in await ask(box, "calculate", expression=expression)


async def test_current_time_is_the_time_in_that_zone(box: SessionTools) -> None:
    told = await ask(box, "current_time", timezone="Asia/Tokyo")
    moment = datetime.fromisoformat(told.split(" ")[0])
    assert abs(moment.timestamp() - time.time()) < 5 and str(moment.utcoffset()) == "9:00:00"
    assert "Asia/Tokyo" in told
    assert "Did you mean Europe/Berlin" in await ask(box, "current_time", timezone="Berlin")


async def test_a_workspace_that_is_not_there_turns_its_tools_off_with_the_reason(tmp_path: Path) -> None:
    box = Toolset(level="read", workspace=Workspace(tmp_path / "nowhere")).open()
    assert [s.name for s in box.specs] == ["calculate", "current_time"]
    assert "does not exist" in await ask(box, "read_file", path="a.txt")


async def test_a_level_of_none_offers_nothing(folder: Path) -> None:
    box = Toolset(level="none", workspace=Workspace(folder)).open()
    await box.prepare()
    assert box.specs == () and box.states == ()


async def test_work_in_a_thread_ends_soon_after_it_is_cancelled() -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(deadline: Deadline) -> None:
        loop.call_soon_threadsafe(began.set)
        try:
            while True:
                deadline.check()
        except TimeUp:
            loop.call_soon_threadsafe(ended.set)
            raise

    task = asyncio.create_task(in_thread(work, timeout_s=60))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 2)


async def test_the_tool_of_the_guide_works_as_it_stands_there(folder: Path) -> None:
    guide = (ROOT / "docs" / "adding-a-tool.md").read_text()
    code = guide.split("```python\n")[1].split("```")[0]
    spec = importlib.util.spec_from_loader("word_count", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["word_count"] = module  # annotations are looked up in the module
    exec(compile(code, "adding-a-tool.md", "exec"), vars(module))
    tool = module.word_count.made({"workspace": Workspace(folder)})
    assert await ask(SessionTools(lambda: (tool,)), "word_count", path="README.md") == "7"
    assert list(tool.parameters["properties"]) == ["path"]


async def test_the_shipped_workspace_is_small_and_can_be_read() -> None:
    box = Toolset(level="read", workspace=Workspace(ROOT / "workspace")).open()
    assert "README.md" in await ask(box, "list_files")
    assert (await ask(box, "read_file", path="README.md")).startswith("# ")
    assert sum(f.stat().st_size for f in (ROOT / "workspace").rglob("*") if f.is_file()) < 20_000

"""Attacks on the tools by their arguments: patterns, expressions, names, and JSON that is none."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from aether.tools.toolbox import LONGEST_RESULT, SessionTools
from aether.tools.toolset import Toolset
from aether.tools.workspace import Workspace
from aether.transcript import ToolCall
from tests.calls import run, text

FAST_S = 2.0


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("hello\n")
    return tmp_path


@pytest.fixture
def box(inside: Path) -> SessionTools:
    return Toolset(level="read", workspace=Workspace(inside)).open()


@pytest.mark.parametrize(
    "query",
    ["(a+)+$", "(a|aa)+$", "(a*)*b", "(.*a){25}$", "((a{30}){30}){30}", "(?:a?){200}a{200}", "[" * 400, "(" * 400,
     "a" * 500, "x" * 100_000, "(?i)" * 100, "\\p{L}+$", "(?<=a)b", "\\1"],
    ids=lambda q: q[:20],
)  # fmt: skip
async def test_no_pattern_takes_long(inside: Path, query: str) -> None:
    (inside / "a.txt").write_text("a" * 50_000 + "!\n" + "ab" * 25_000 + "\n")
    box = Toolset(level="read", workspace=Workspace(inside)).open()
    began = time.monotonic()
    result = await run(box, "search_text", query=query, regex=True)
    assert time.monotonic() - began < FAST_S
    assert len(text(result)) < LONGEST_RESULT + 200


@pytest.mark.parametrize(
    "expression",
    ["9**9**9", "9**9**9**9", "2**100000", "factorial(100000)", "factorial(factorial(5))", "10**3900 * 10**3900",
     "round(1, -10**9)", "round(1.5, 10**9)", "1e308*10", "(" * 250, "-" * 499 + "1", "+".join("1" * 250),
     "__import__('os').system('id')", "().__class__.__bases__", "open('/etc/passwd').read()", "'a' * 10**9",
     "[x for x in (1,)]", "lambda: 1", "(a:=1)", "f'{1}'", "1 if 1 else 2", "abs.__self__", "max(*[1]*10**9)",
     "1 << 10**9", "~1", "min(1, key=abs)", "1j", "True", "0/0", "(-8)**0.5", "sqrt(-1)", "log(0)", "", " ", "1;2",
     "x" * 100_000, "9" * 500, "0.1**-10**300", "(-2)**10**9", "2**-10**9", "\0", "1_0" * 100, "gcd(1.5)", "pi()"],
    ids=lambda e: e[:20],
)  # fmt: skip
async def test_no_expression_runs_code_or_takes_long(box: SessionTools, expression: str) -> None:
    began = time.monotonic()
    result = await run(box, "calculate", expression=expression)
    assert time.monotonic() - began < 1.0
    told = text(result)
    assert len(told) < 5_000 and "uid=" not in told and "root:" not in told
    if result.status == "ok":
        float(told)  # a number, and nothing else


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "", "\0", "UTC\0", "x" * 100_000, "Europe", "..", "europe/../UTC"]
)
async def test_no_time_zone_is_a_path(box: SessionTools, name: str) -> None:
    result = await run(box, "current_time", timezone=name)
    assert result.status == "error" and len(text(result)) < 1_000


BAD_ARGUMENTS = [
    "", "{", "[]", "null", "1", '"x"', "{}}", '{"path": 1}', '{"path": ["a"]}', '{"path": null}', '{"paths": "."}',
    '{"path": "docs/a.txt", "lines": "many"}', '{"path": "docs/a.txt", "lines": -1}',
    '{"path": "docs/a.txt", "lines": 1e99}',
    '{"path": "docs/a.txt", "lines": NaN}', '{"path": "docs/a', '{"path": "docs/a.txt", "start_line": 0}',
    '{"a":' * 10_000 + "1" + "}" * 10_000, "[" * 100_000, '{"path": "' + "x" * 200_000 + '"}', "\ud800",
    "{'path': 'a'}",
    '{"path": "docs/a.txt", "workspace": "/"}', '{"path": "docs/a.txt"} {"path": ".env"}',
]  # fmt: skip


@pytest.mark.parametrize("raw", BAD_ARGUMENTS, ids=lambda r: repr(r)[:40])
async def test_bad_arguments_are_answered_in_words(box: SessionTools, raw: str) -> None:
    result = await box.run(ToolCall("call_9", "read_file", raw))
    told = text(result)
    assert result.status == "error" and result.call_id == "call_9"
    assert len(told) < 2_000 and "Traceback" not in told
    told.encode("utf-8")


@pytest.mark.parametrize(
    "name", ["", "rm", "read_file ", "READ_FILE", "x" * 100_000, "../read_file", "\ud800", "read_flie"]
)
async def test_an_unknown_tool_is_answered_with_the_names_of_those_that_there_are(box: SessionTools, name: str) -> None:
    result = await box.run(ToolCall("call_9", name, "{}"))
    assert result.status == "error"
    assert "read_file, search_text" in text(result) and len(text(result)) < 1_000


async def test_a_hundred_calls_at_once_all_get_their_own_result(box: SessionTools) -> None:
    calls = [ToolCall("same", "calculate", json.dumps({"expression": f"{i} + 1"})) for i in range(100)]
    results = await asyncio.gather(*(box.run(c) for c in calls))
    assert [text(r) for r in results] == [str(i + 1) for i in range(100)]

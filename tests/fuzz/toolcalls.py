"""Calls of tools as no model should write them: every one ends in a result that a model can read."""

from __future__ import annotations

import asyncio
import json
import tempfile
from functools import cache
from pathlib import Path
from random import Random

from aether.tools.builtin import drafts
from aether.tools.toolset import Toolset
from aether.tools.workspace import Workspace
from aether.transcript import Text, ToolCall
from tests.fuzz.door import Door, holds, sendable
from tests.fuzz.odd import changed, dumps, text, value

USUAL = {
    "list_files": {"path": ".", "depth": 1},
    "read_file": {"path": "a.txt", "start_line": 1, "lines": 10},
    "search_text": {"query": "a+b", "path": ".", "regex": True},
    "calculate": {"expression": "2 ** 8 + sqrt(9) / 3 - (4 % 3)"},
    "current_time": {"timezone": "Europe/Berlin"},
}
SUMS = (
    "9**9**9",
    "1/0",
    "sqrt(-1)",
    "factorial(10**6)",
    "2**-1",
    "(((1",
    "1e308*10",
    "0.1+",
    "__import__('os')",
    "x",
    "9" * 900,
)
SIGNS = (
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "(",
    ")",
    "1",
    "2.5",
    "1e3",
    "sqrt(",
    "pi",
    "9" * 12,
    " ",
    ",",
    "min(",
    "not ",
)
PATTERNS = ("(a+)+$", "[", "(?P<x", ".*.*.*x", "\\", "a{1,9999}", "(?=a)", "\\p{L}", "^" * 50, "(" * 300)


def made(rng: Random) -> bytes:
    """Return a tool's name, an id and raw arguments, as JSON."""
    name = rng.choice(tuple(USUAL))
    arguments = dict(USUAL[name])
    if "expression" in arguments:
        arguments["expression"] = (
            rng.choice(SUMS) if rng.random() < 0.3 else "".join(rng.choices(SIGNS, k=rng.randrange(12)))
        )
    if "query" in arguments and rng.random() < 0.5:
        arguments["query"] = rng.choice(PATTERNS)
    raw = dumps(changed(rng, arguments) if rng.random() < 0.7 else arguments)
    if rng.random() < 0.1:
        raw = rng.choice((raw[: rng.randrange(len(raw) + 1)], dumps(value(rng)), text(rng)))
    return json.dumps([name if rng.random() < 0.9 else text(rng), text(rng), raw]).encode()


def run(data: bytes) -> None:
    """Run a call; hold that a model can read what came of it."""
    try:
        name, id_, raw = map(str, json.loads(data))
    except (ValueError, TypeError):
        return
    loop, box = _room()
    result = loop.run_until_complete(box.run(ToolCall(id_, name, raw)))
    said = "".join(p.text for p in result.parts if isinstance(p, Text))
    sendable(said, "a result")
    holds(result.status in ("ok", "error") and said, f"a result {result.status} that says nothing")
    holds(len(said) < 30_000 and "Traceback" not in said, "a result without bound, or a traceback")


@cache
def _room() -> tuple[asyncio.AbstractEventLoop, object]:
    folder = Path(tempfile.mkdtemp(prefix="aether-fuzz-"))
    (folder / "a.txt").write_text("a+b\nhello\n" * 20)
    (folder / "b.bin").write_bytes(bytes(range(256)))
    return asyncio.new_event_loop(), Toolset(level="read", workspace=Workspace(folder)).open()


def read(data: bytes) -> None:
    """Read raw arguments for each tool alone, and run one call of sixteen."""
    try:
        name, _, raw = map(str, json.loads(data))
    except (ValueError, TypeError):
        return
    for draft in drafts():
        if draft.tool.name == name:
            try:
                draft.arguments.read(raw)
            except ValueError as error:
                sendable(str(error), "a refusal")
    if len(data) % 16 == 0:
        run(data)


DOORS = (Door("tool-calls", made, run, 8_000, 100), Door("tool-arguments", made, read, 250_000, 300))

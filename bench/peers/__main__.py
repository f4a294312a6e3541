"""Ask each library to build a request from each history, judge what it sent, print the table.

python -m bench.peers [--write docs/swap-peers.md]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from bench.peers import aether_side
from bench.peers.cases import CASES, Case
from bench.peers.judge import Verdict, judge
from bench.peers.page import page
from tests.scripted import ScriptedProvider

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".venv-peers" / "bin" / "python"


class Side(Protocol):
    """One library: sends the request for case `number`, and returns the error if it would not."""

    def __call__(self, number: int) -> str | None: ...


def main() -> None:
    """Run every case on every side."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", metavar="PATH", type=Path, help="write the page there as well")
    asked = parser.parse_args()
    with ScriptedProvider(strict=False) as server:
        columns = {"Aether": verdicts(server, lambda number: aether(number, server.url))}
        for name, module, *more in (
            (f"pydantic-ai-slim {version('pydantic-ai-slim')}", "pydantic_ai_side"),
            (f"litellm {version('litellm')}", "litellm_side"),
            ("… with `modify_params`", "litellm_side", "modify_params"),
        ):
            with peer(module, server.url, *more) as side:
                columns[name] = verdicts(server, side)
    text = page(columns)
    print(text)
    if asked.write:
        asked.write.write_text(text, encoding="utf-8")


def verdicts(server: ScriptedProvider, side: Side) -> list[Verdict]:
    """Let a side make the request of each case, and judge the first that it sent."""
    found: list[Verdict] = []
    for number, case in enumerate(CASES):
        before = len(server.requests)
        error = side(number)
        sent = [r.body for r in server.requests[before:]]
        found.append(judge(case, sent[0] if sent else None, error))
    return found


def aether(number: int, url: str) -> str | None:
    case: Case = CASES[number]
    asyncio.run(aether_side.ask(case, url))
    return None


@contextmanager
def peer(module: str, url: str, *more: str) -> Iterator[Side]:
    """Run a library's side as a process in the environment of the peers."""
    command = [str(PYTHON), "-m", f"bench.peers.{module}", url, *more]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, heard = process.stdin, process.stdout

        def side(number: int) -> str | None:
            told.write(f"{number}\n")
            told.flush()
            for line in heard:
                if (said := _said(line)) is not line:
                    return said
            raise RuntimeError(f"{module} has ended")

        yield side
        told.close()


def _said(line: str) -> Any:
    """Return what a side said; the line itself if it is some other print of the library."""
    try:
        return json.loads(line)
    except ValueError:
        return line


def version(package: str) -> str:
    """Return the version that is installed among the peers."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()

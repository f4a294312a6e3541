"""The last figures → docs/benchmarks.md: its table, with date and machine, and its drawings."""

from __future__ import annotations

import platform
import re
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.book import Book
from bench.browser import installed
from bench.curve import drawing
from bench.provider import ROOT
from bench.steps import CURVES, LINES
from bench.table import table

PAGE = ROOT / "docs" / "benchmarks.md"
PICTURES = ROOT / "docs" / "pictures"


def publish(book: Book) -> None:
    """Write what was measured into the page, between its marks, and draw the curves."""
    for curve in CURVES:
        if drawn := drawing(curve, book):
            (PICTURES / f"bench-{curve.name}.svg").write_text(drawn)
    put("table", f"{machine()}\n\n{table(LINES, book)}")
    there = [curve for curve in CURVES if (PICTURES / f"bench-{curve.name}.svg").is_file()]
    put("curves", "\n".join(f"![{curve.title}, by {curve.x}](pictures/bench-{curve.name}.svg)" for curve in there))


def put(name: str, told: str) -> None:
    """Write what was measured between the two marks of that name."""
    between = re.compile(rf"(<!-- {name} -->\n).*(\n<!-- end {name} -->)", re.DOTALL)
    PAGE.write_text(between.sub(lambda m: m[1] + told + m[2], PAGE.read_text()))


def machine() -> str:
    """Say when and on what the figures were taken."""
    names = re.findall(r"^model name\s*: (.*)$", _read("/proc/cpuinfo"), re.MULTILINE)
    memory = f"{psutil.virtual_memory().total / 2**30:.0f} GB"
    packages = ", ".join(f"{name} {version(name)}" for name in ("gradio", "openai"))
    chromium = subprocess.run([installed() or "chromium", "--version"], capture_output=True, text=True, check=False)
    return (
        f"{time.strftime('%Y-%m-%d')}: {psutil.cpu_count()} × {names[0] if names else platform.machine()}, {memory}, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {packages}, "
        f"{chromium.stdout.strip() or 'Chromium'}, loopback."
    )


def _read(path: str) -> str:
    return Path(path).read_text() if Path(path).is_file() else ""

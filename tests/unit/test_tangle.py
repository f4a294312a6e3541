"""Texts that were made to take long are shown as they stand; texts of people are not taken for such."""

from __future__ import annotations

from pathlib import Path

import pytest

from aether.ui.lexers import is_monotonous
from aether.ui.markdown import code, prose
from aether.ui.tangle import is_tangled

ROOT = Path(__file__).parent.parent.parent
N = 16_000
TANGLED = (
    "[" * N,
    "[a](" * (N // 4),
    "*a_ " * (N // 4),
    "![[" * (N // 3),
    "*" * N + "a" + "*" * N,
    "~~a" * (N // 3),
    "word " * 50_000,
    "|a|b|\n|-|-|\n" + "|x|y|\n" * 4_000,
    "- $x_1$ and `y`\n" * 2_200,
)
MONOTONOUS = ("<!--" * (N // 4), " \n" * (N // 2), "'''" * (N // 3), "%" * N, '"\\' * (N // 2), "a:" * (N // 2))


@pytest.mark.parametrize("text", TANGLED, ids=lambda t: t[:6])
def test_a_tangle_is_shown_as_it_stands(text: str) -> None:
    assert is_tangled(text)
    assert prose(f"{text}<b>") == f'<p class="plain">{text}&lt;b&gt;</p>'


@pytest.mark.parametrize("text", MONOTONOUS, ids=lambda t: repr(t[:4]))
def test_one_thing_over_and_over_is_not_painted(text: str) -> None:
    assert is_monotonous(text)
    assert "<span class=" not in code(text, language="python")


def test_what_people_write_is_rendered() -> None:
    listed = "".join(f"- **word {n}** and *more* of [it](https://example.org/{n})\n" for n in range(800))
    fenced = "```json\n" + "[[1, 2], [3, 4]],\n" * 600 + "```\n"
    for text in (listed, fenced, f"{fenced}{listed}", "a plain word " * 5_000):
        assert not is_tangled(text)
    for page in ROOT.glob("docs/*.md"):
        assert not is_tangled(page.read_text())


def test_what_people_program_is_painted() -> None:
    for file in (ROOT / "aether").rglob("*.py"):
        assert not is_monotonous(file.read_text()), file
    assert '<span class="' in code("def f(n):\n    return n + 1\n", language="python")

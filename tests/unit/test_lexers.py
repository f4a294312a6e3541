"""Code that was made to be slow is not painted, or painted in a bounded time."""

from __future__ import annotations

import random
import time

import pytest

from aether.ui.lexers import LEXERS, NAMES, coloured, has_colours

LENGTH = 4_000
MOST_S = 0.5
"""CPU seconds; the slowest takes a tenth of it where it was measured, lexers that are left out take up to ten."""
SIGNS = ("abcd\n\n\n", " \t\n\r\x0b\x0c", "\"'\\a\n", "(){}[]<>\"'`/*\\#$%&=:;,.|-\n ", "<>a/!-&;=\"' \n", "a:= \t\n-")
UNITS = ("\n", "a\n", "a.", "&", "`", "=", "/* ", "<!--", "0.", "a:", "'''", "\r")


def slow_code() -> list[str]:
    """Return code of many kinds that makes lexers slow; a random end, so that it packs no better than code."""
    choose = random.Random(11)
    end = "".join(choose.choice("qwertyuiop{}[]()\n =") for _ in range(LENGTH // 10))
    body = LENGTH - len(end)
    some = ["".join(choose.choice(signs) for _ in range(body)) for signs in SIGNS]
    some += [(unit * body)[:body] for unit in UNITS]
    return [code + end for code in some]


def seconds(code: str, language: str) -> float:
    began = time.process_time()
    coloured(code, language=language)
    return time.process_time() - began


@pytest.mark.parametrize("name", sorted(LEXERS))
def test_no_code_makes_a_lexer_slow(name: str) -> None:
    coloured("x = 1\n", language=name)
    for code in slow_code():
        assert seconds(code, name) < MOST_S, repr(code[:40])


def test_a_language_is_known_by_the_names_that_fences_have() -> None:
    for name in ("py", "js", "ts", "sh", "c++", "C#", "yml", "Dockerfile", "tsx", "jsonc"):
        assert has_colours(name)
    for name in ("xpp", "systemd", "verifpal", "urlencoded", "markdown", "text", ""):
        assert not has_colours(name)
        assert coloured("a = 1\n" * 3, language=name) is None
    assert len(NAMES) == sum(1 + len(others) for others in LEXERS.values())


def test_each_language_has_colours() -> None:
    for name in set(LEXERS) - {"diff"}:
        markup = coloured('# a "b" 1 { } < = [x]\nif (a) return 1;\n', language=name)
        assert markup is not None, name
        assert "<span" in markup, name

"""The words of the page: every language says everything, and a browser's wish is understood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aether.ui import words

UI = Path(words.__file__).parent
MADE = ("starter", "tab", "scheme", "hint", "sentence", "count", "operator")
"""Sections whose keys the page puts together, or looks up by what they say."""


@pytest.mark.parametrize("language", sorted(words.LANGUAGES))
def test_every_language_says_everything_with_the_same_blanks(language: str) -> None:
    english, other = words.LANGUAGES["en"], words.LANGUAGES[language]
    assert set(other) == set(english)
    for key, said in other.items():
        assert said.strip(), key
        assert sorted(re.findall(r"{(\w+)}", said)) == sorted(re.findall(r"{(\w+)}", english[key])), key


def test_six_languages_are_there() -> None:
    assert set(words.LANGUAGES) == {"en", "de", "es", "fr", "ja", "zh"}


def test_every_key_that_the_page_asks_for_is_there_and_none_is_left_over() -> None:
    sources = "".join(path.read_text() for path in (*UI.rglob("*.py"), *UI.glob("*.js")))
    asked = set(re.findall(r"""["'`]([a-z]+\.[a-z_0-9]+)["'`]""", sources))
    known = set(words.LANGUAGES["en"])
    made = {key for key in known if key.split(".")[0] in MADE}
    assert known - made <= asked
    spoken = set(re.findall(r"""\bsay\(\s*["']([a-z_.]+)["']""", sources))
    assert spoken <= known


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("nl,fr;q=0.4,ja;q=0.8", "ja"),
        ("zh-Hans-CN", "zh"),
        ("en;q=0,es", "es"),
        ("*;q=0.1", "en"),
        (";;q=x,,\x00", "en"),
    ],
)
def test_the_first_wish_that_the_page_speaks_wins(header: str, language: str) -> None:
    assert words.preferred(header) == language

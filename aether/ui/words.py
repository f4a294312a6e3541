"""What the page says, in the reader's language, and numbers as people read them. No HTML, no model.

Every text of the page stands in `languages/`, one file a language. Which one is read is known
for each request by its `Accept-Language`: `web.py` sets it before anything is rendered.
"""

from __future__ import annotations

import math
import re
import tomllib
from contextvars import ContextVar
from pathlib import Path
from typing import Any

SENTENCES = "sentence."
"""How the keys of what other rooms write begin (`sentences.py`)."""
FIRST = "en"
"""The language of the page where a reader's is not there, and of a text that another leaves out."""


def _read(path: Path) -> dict[str, str]:
    sections: dict[str, dict[str, str]] = tomllib.loads(path.read_text())
    return {f"{section}.{name}": said for section, texts in sections.items() for name, said in texts.items()}


LANGUAGES = {path.stem: _read(path) for path in sorted((Path(__file__).parent / "languages").glob("*.toml"))}
"""Language → key → text."""
_language: ContextVar[str] = ContextVar("language", default=FIRST)


def speak(accept_language: str) -> str:
    """Speak from here on what a browser asks for; return the language."""
    chosen = preferred(accept_language)
    _language.set(chosen)
    return chosen


def spoken() -> str:
    """Return the language that is spoken."""
    return _language.get()


def preferred(accept_language: str) -> str:
    """Return the first language of an `Accept-Language` header, by its weights, that the page speaks."""
    wishes: list[tuple[float, str]] = []
    for wish in accept_language.split(",")[:20]:
        name, _, weight = wish.strip().partition(";")
        q = re.fullmatch(r"\s*q=([01](?:\.\d{1,3})?)\s*", weight)
        wishes.append((float(q[1]) if q else 1.0, name.strip().split("-")[0].lower()))
    best = sorted((wish for wish in wishes if wish[0] > 0), key=lambda wish: -wish[0])
    return next((name for _, name in best if name in LANGUAGES), FIRST)


def say(key: str, **values: Any) -> str:
    """Return the text `key` in the language that is spoken, filled in; raise KeyError for an unknown key."""
    texts = LANGUAGES[_language.get()]
    return (texts.get(key) or LANGUAGES[FIRST][key]).format_map(values)


def joined(*sentences: str) -> str:
    """Put sentences one after another, the empty ones left out; a full-width stop brings its own gap."""
    return " ".join(filter(None, sentences)).replace("。 ", "。")


def texts(language: str) -> dict[str, str]:
    """Return all texts of a language, for the scripts of the page."""
    return LANGUAGES[FIRST] | LANGUAGES[language]


def english(language: str) -> dict[str, str]:
    """Return what the sentences of other rooms are known by in a language; nothing in the first one."""
    first = LANGUAGES[FIRST].items()
    return {} if language == FIRST else {key: said for key, said in first if key.startswith(SENTENCES)}


def count(number: int, noun: str) -> str:
    """Say `1 turn`, `2 turns`; the noun is a key of the section `count`, its two forms divided by a bar."""
    key = f"count.{noun}"
    said = say(key, n=f"{number:,}") if key in LANGUAGES[FIRST] else f"{number:,} {noun}|{number:,} {noun}s"
    one, _, many = said.partition("|")
    return one if number == 1 else many


def tokens(number: int) -> str:
    """Say a number of tokens in at most four digits: `312`, `4.1k`, `128k`, `1.2M`."""
    if number < 1_000:
        return str(number)
    for limit, unit in ((1_000_000, "k"), (math.inf, "M")):
        if number < limit * 0.9995:
            value = number / (1_000 if unit == "k" else 1_000_000)
            return f"{value:.1f}".removesuffix(".0") + unit if value < 100 else f"{value:.0f}{unit}"
    raise AssertionError("unreachable: the last limit is infinite")


def money(usd: float | None) -> str:
    """Say a cost in USD: `free`, `$0.0042`, `$1.30`, or `price unknown`."""
    if usd is None:
        return say("price.unknown")
    if usd <= 0:
        return say("price.free")
    if usd < 0.0001:
        return "<$0.0001"
    return f"${usd:.4f}" if usd < 0.1 else f"${usd:,.2f}"


def speed(tokens_said: int, ms: float | None) -> str:
    """Say how fast text came: `48 tokens/s`; empty when it is not known."""
    return say("stamp.speed", count=f"{tokens_said / ms * 1000:,.0f}") if ms and ms >= 50 and tokens_said > 1 else ""


def duration(ms: float | None) -> str:
    """Say a time given in milliseconds: `85 ms`, `1.9 s`, `2 min 5 s`; empty when it is not known."""
    if ms is None:
        return ""
    if ms < 950:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"

"""A sentence of another room, in English → the reader's language. Pure; `say.js` does the same in the browser.

The rooms below the page write English: for the API, the log and the transcript. The section
`sentence` of `languages/en.toml` holds what they write, with blanks for what is named in it;
the same key in another language is the translation. A sentence that is not there stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aether.ui import words

_END = re.compile(r"(?<=[.!?]) ")


def _pattern(english: str) -> re.Pattern[str]:
    """Return what recognises a sentence: its words as they stand, anything but the end of a sentence in its blanks."""
    parts = re.split(r"{(\w+)}", english)
    inside = (f"(?P<{part}>(?:(?![.!?] ).)+?)" if n % 2 else re.escape(part) for n, part in enumerate(parts))
    return re.compile("".join(inside), re.DOTALL)


_KNOWN = sorted(
    ((key, _pattern(said)) for key, said in words.LANGUAGES[words.FIRST].items() if key.startswith(words.SENTENCES)),
    key=lambda known: -len(re.sub(r"\(\?P<.*?\+\?\)", "", known[1].pattern)),
)
"""Key and pattern of each sentence, those with the most words of their own first."""


def told(english: str) -> str:
    """Say one or more sentences of another room in the language that is spoken."""
    if words.spoken() == words.FIRST:
        return english
    return _told(english)


def _told(english: str) -> str:
    for head, rest in _cuts(english):
        if (said := _whole(head)) is not None:
            gap = "" if said.endswith("。") else " "
            return f"{said}{gap}{_told(rest)}" if rest else said
    head, end, rest = _first(english)
    return f"{head}{end}{_told(rest)}" if rest else english


def is_known(english: str) -> bool:
    """Tell whether every part of a text has a translation."""
    return any(_whole(head) is not None and (not rest or is_known(rest)) for head, rest in _cuts(english))


def _cuts(english: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to cut a text after a sentence, the longest beginning first."""
    yield english, ""
    for end in reversed(list(_END.finditer(english))):
        yield english[: end.start()], english[end.end() :]


def _first(english: str) -> tuple[str, str, str]:
    end = _END.search(english)
    return (english[: end.start()], " ", english[end.end() :]) if end else (english, "", "")


def _whole(english: str) -> str | None:
    for key, pattern in _KNOWN:
        if found := pattern.fullmatch(english):
            return words.say(key, **found.groupdict())
    return None

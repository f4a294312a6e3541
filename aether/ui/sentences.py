"""A sentence of another room, in English → the reader's language. Pure; `say.js` does the same in the browser.

The rooms below the page write English: for the API, the log and the transcript. The section
`sentence` of `languages/en.toml` holds what they write, with blanks for what is named in it;
the same key in another language is the translation. A sentence that is not there stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from aether.ui import words

_END = re.compile(r"(?<=[.!?]) ")
LONGEST = 600
"""Characters of a text that is translated: what other rooms say is far shorter."""


MOST_SENTENCES = 12


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
_MOST_ENDS = max(
    len(_END.findall(said)) for key, said in words.LANGUAGES[words.FIRST].items() if key.startswith(words.SENTENCES)
)
"""Ends of sentences inside one known text. A blank holds none, so a beginning with more is none of them."""


def told(english: str) -> str:
    """Say one or more sentences of another room in the language that is spoken."""
    if words.spoken() == words.FIRST or len(english) > LONGEST or len(_END.findall(english)) > MOST_SENTENCES:
        return english
    said: list[str] = []
    while english:
        sentence, english = _one(english)
        said.append(sentence)
    return "".join(said)


def _one(english: str) -> tuple[str, str]:
    """Return what stands first, translated if it is known, and the rest."""
    for head, rest in _cuts(english):
        if (said := _whole(head)) is not None:
            return f"{said}{' ' if rest and not said.endswith('。') else ''}", rest
    head, end, rest = _first(english)
    return f"{head}{end}", rest


def is_known(english: str) -> bool:
    """Tell whether every part of a text has a translation."""
    return any(_whole(head) is not None and (not rest or is_known(rest)) for head, rest in _cuts(english))


def _cuts(english: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to cut a text after a sentence, the longest beginning that can be a known one first."""
    ends = list(islice(_END.finditer(english), _MOST_ENDS + 1))
    if len(ends) <= _MOST_ENDS:
        yield english, ""
    for end in reversed(ends):
        yield english[: end.start()], english[end.end() :]


def _first(english: str) -> tuple[str, str, str]:
    end = _END.search(english)
    return (english[: end.start()], " ", english[end.end() :]) if end else (english, "", "")


def _whole(english: str) -> str | None:
    for key, pattern in _KNOWN:
        if found := pattern.fullmatch(english):
            return words.say(key, **found.groupdict())
    return None

"""Which languages have colours, and which code is not painted. Pure.

A lexer is a list of regular expressions, and most of the five hundred that Pygments has were never meant
for code that was made to be slow: one of 6,000 characters held one of them for 14 seconds. Here are those that
people use and that were measured (`tests/unit/test_lexers.py`) with some three hundred kinds of such code.
What made one of these slow was always a long run: of blanks, of signs without a blank, of words without
a sign, or a long line. Code that holds one is shown as it stands, and so is what is too long.
"""

from __future__ import annotations

import re
import zlib

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]

LEXERS: dict[str, tuple[str, ...]] = {
    "awk": ("gawk",),
    "bash": ("console", "ksh", "sh", "shell", "shell-session", "zsh"),
    "c": ("h",),
    "clojure": ("clj",),
    "cmake": (),
    "cpp": ("c++", "cc", "cxx", "hpp"),
    "csharp": ("c#", "cs"),
    "css": (),
    "dart": (),
    "diff": ("patch", "udiff"),
    "docker": ("containerfile", "dockerfile"),
    "elixir": ("ex", "exs"),
    "erlang": ("erl",),
    "fsharp": ("f#", "fs"),
    "go": ("golang",),
    "graphql": ("gql",),
    "haskell": ("hs",),
    "html": ("htm", "xhtml"),
    "ini": ("cfg", "conf"),
    "java": (),
    "javascript": ("cjs", "js", "jsx", "mjs", "node"),
    "json": ("json5", "jsonc", "jsonl", "ndjson"),
    "julia": ("jl",),
    "kotlin": ("kt", "kts"),
    "latex": ("tex",),
    "less": (),
    "lua": (),
    "make": ("makefile", "mf"),
    "matlab": ("octave",),
    "nasm": ("asm", "assembly"),
    "nginx": (),
    "nim": (),
    "objective-c": ("objc",),
    "ocaml": ("ml",),
    "perl": ("pl",),
    "php": (),
    "powershell": ("ps1", "pwsh"),
    "properties": (),
    "protobuf": ("proto",),
    "pycon": (),
    "python": ("ipython", "py", "py3", "python3"),
    "r": ("rlang",),
    "ruby": ("rb",),
    "rust": ("rs",),
    "scala": (),
    "scss": ("sass",),
    "solidity": ("sol",),
    "sql": ("mysql", "postgres", "postgresql", "sqlite"),
    "swift": (),
    "toml": (),
    "typescript": ("cts", "mts", "ts", "tsx"),
    "xml": ("svg", "xsd", "xslt"),
    "yaml": ("yml",),
    "zig": (),
}
"""The name of each lexer → other names that a fence may give it."""
NAMES = {alias: name for name, others in LEXERS.items() for alias in (name, *others)}
MOST_COLOURED = 20_000
"""Characters of code that are painted."""
SHORT = 600
"""Characters up to which no code takes long."""
LEAST_NEWS = 0.04
"""The share to which code can be packed, below which it is one thing over and over."""
_RUNS = re.compile(r"\s{80,}|\S{500,}|[^\n]{2000,}")
_WORDS = re.compile(r"[\w\s.\[\]$<>?@]{400,}")
_LINEAR = frozenset(("json", "diff", "toml"))
"""Lexers that no run makes slow: of minified JSON, or of a patch of it."""
_WORDY = frozenset(("csharp", "java"))
"""Lexers that look for the end of a declaration as long as there are words."""


def has_colours(language: str) -> bool:
    """Return whether code in a language is painted."""
    return language.lower() in NAMES


def coloured(source: str, *, language: str) -> str | None:
    """Return the markup of code in its colours; None where it has to be shown as it stands."""
    name = NAMES.get(language.lower())
    if name is None or is_monotonous(source) or has_long_run(source, name):
        return None
    return str(highlight(source, get_lexer_by_name(name, stripnl=False), HtmlFormatter[str](nowrap=True)))


def is_monotonous(source: str) -> bool:
    """Return whether code is too long to be painted, or one thing over and over."""
    if len(source) <= SHORT:
        return False
    return len(source) > MOST_COLOURED or len(zlib.compress(source.encode("utf-8", "replace"), 1)) < LEAST_NEWS * len(
        source
    )


def has_long_run(source: str, lexer: str) -> bool:
    """Return whether code holds a run that makes a lexer slow."""
    if lexer in _LINEAR or len(source) <= SHORT:
        return False
    return bool(_RUNS.search(source) or (lexer in _WORDY and _WORDS.search(source)))

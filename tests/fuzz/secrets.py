"""Structures and log records with keys in them: what comes out has the same shape, and no key."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from random import Random
from typing import Any

from aether.logs import JsonFormatter, RedactingFilter
from aether.redaction import Redactor
from tests.fuzz.door import Door, holds, sendable
from tests.fuzz.odd import TEXTS, dumps, text, value

KEY = "gsk_CANARY7f3a51c94410aZ0123456789abcdefXYZ"
SHORT = "abc123xy"
"""A key that is searched for as a whole word alone."""
REDACT = Redactor([KEY, SHORT])
AROUND = (
    "",
    " ",
    '"',
    "\\",
    "\\n",
    "=",
    "Bearer ",
    "x-api-key: ",
    "https://a:b@c/",
    "'",
    "{",
    "\ud800",
    "\0",
    "é",
    "a",
    "9",
    "/",
)
WORDS = (
    "messages",
    "assistant",
    "provider",
    '"content":',
    "sk-folding-cube",
    "Authorization: abc",
    "x-api-key: $KEY",
    "role",
)
"""What is no key, and stays as it is."""


def made(rng: Random) -> bytes:
    """Return a structure with keys somewhere in it, as JSON."""
    held: Any = [value(rng), _with_key(rng), {_with_key(rng): value(rng, 1), "messages": [{"content": _with_key(rng)}]}]
    return dumps([held, rng.choice(WORDS), [text(rng), _with_key(rng)][: rng.randrange(3)]]).encode()


def _with_key(rng: Random) -> str:
    forms = (KEY, KEY, KEY + "abc", KEY + KEY, b64encode(KEY.encode()).decode(), KEY[::-1], "")
    return rng.choice(AROUND) + rng.choice(forms) + rng.choice(AROUND) + rng.choice(TEXTS[:40])


def redact(data: bytes) -> None:
    """Redact a structure, its text and a log record that tells of it."""
    try:
        held, word, arguments = json.loads(data)
    except (ValueError, RecursionError, TypeError):
        return
    shown = REDACT.values(held)
    try:
        again = json.dumps(shown)
    except (ValueError, RecursionError) as error:
        holds(False, f"it cannot be written: {error}")
        return
    holds(KEY not in again, "a key is in the structure")
    holds(_shape(held, 3) == _shape(shown, 3), "the structure has another shape")
    holds(REDACT.values(word) == word, "a word that is no key was taken for one")
    whole = data.decode("utf-8", "replace")
    cleaned = REDACT(whole)
    holds(KEY not in cleaned and b64encode(KEY.encode()).decode() not in cleaned, "a key is in the text")
    _log(whole, arguments)


def _shape(held: Any, levels: int) -> Any:
    """Return the kinds of what is held, without the names of fields, in which a key may stand."""
    match held:
        case dict() if levels:
            return sorted(map(repr, {REDACT.values(k): _shape(v, levels - 1) for k, v in held.items()}.values()))
        case list() if levels:
            return [_shape(v, levels - 1) for v in held]
        case _:
            return type(held).__name__


def _log(message: str, arguments: Any) -> None:
    given = tuple(arguments) if isinstance(arguments, list) else ()
    record = logging.LogRecord("aether", logging.INFO, "x.py", 1, message, given, None)
    RedactingFilter(REDACT).filter(record)
    line = JsonFormatter().format(record)
    holds(KEY not in line and "\n" not in line, "a key or the end of a line is in a record")
    sendable(json.loads(line)["level"], "a record")


DOORS = (Door("redaction", made, redact, 300_000, 400),)

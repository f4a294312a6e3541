"""Logging: one format at a time (lines for people, or JSON), one level, and no key in any line.

`Redactor` replaces known keys, and what has the shape of a key, in any text. The filter
sits on the root handler, so that a library's own debug lines pass through it as well.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime

from aether.repeats import RepeatFilter

MASK = "[redacted]"
SHAPES = re.compile(
    r"(?:sk|pk|rk|nvapi|hf|gsk|xai|csk|tgp|key|AIza)[-_]?(?:[A-Za-z]+-)*[A-Za-z0-9_-]{16,}"
    r"|(?i:bearer|x-api-key:?|authorization:?)\s+[^\s\"',}]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
"""What a key looks like: vendors' prefixes, authorization headers, user and password in a URL."""
SESSION = re.compile(r'^Session ([0-9a-f]+) |"session": "([0-9a-f]+)"')
"""Where a message names the session that it tells of."""
SHORTEST_KEY = 6
"""Known keys under this many characters are not searched for: they would match plain words."""


class Redactor:
    """Replace keys in texts. Knows the keys it was given, and the shapes of keys."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = sorted({k for k in keys if len(k) >= SHORTEST_KEY}, key=len, reverse=True)

    def learn(self, key: str) -> None:
        """Know one key more."""
        if len(key) >= SHORTEST_KEY:
            self._keys = sorted([*self._keys, key], key=len, reverse=True)

    def forget(self, key: str) -> None:
        """Know a key no more that is no longer here; of two equal ones the other stays."""
        if key in self._keys:
            self._keys.remove(key)

    def __call__(self, text: str) -> str:
        """Return `text` without keys."""
        for key in self._keys:
            text = text.replace(key, MASK)
        return SHAPES.sub(MASK, text)


class RedactingFilter(logging.Filter):
    """Redact a record whole: message, arguments and traceback."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._redact(record.getMessage())
        record.args = ()
        if record.exc_info:
            record.exc_text = self._redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
            record.exc_info = None
        return True


class JsonFormatter(logging.Formatter):
    """Write a record as one line of JSON; `message` is what a line for people would say."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if found := SESSION.search(str(told["message"])):
            told["session"] = found[1] or found[2]
        if record.exc_text:
            told["exception"] = record.exc_text
        return json.dumps(told, ensure_ascii=False)


def configure(level: str, redact: Redactor, *, as_json: bool = False) -> None:
    """Send all logging to standard error at `level`, through the redacting filter."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter("%(levelname)s %(message)s"))
    handler.addFilter(RepeatFilter(handler.handle))  # first: what is not written needs no redaction
    handler.addFilter(RedactingFilter(redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("aether").setLevel(level)

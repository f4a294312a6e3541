"""Logging: one format at a time (lines for people, or JSON), one level, and no key in any line.

The filter sits on the root handler, so that a library's own debug lines pass through it as well. It
knows the operator's keys, and those that were read out in the task that logs. A line that cannot
be written is left out: logging, counting and recording never fail what they tell of (`harmless`).
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from aether.redaction import MASK, Redactor
from aether.repeats import RepeatFilter
from aether.secret import revealed

__all__ = ["MASK", "JsonFormatter", "RedactingFilter", "Redactor", "configure", "harmless"]

log = logging.getLogger("aether")
SESSION = re.compile(r'^Session ([0-9a-f]+) |"session": "([0-9a-f]+)"')
"""Where a message names the session that it tells of."""
UNREADABLE = "A line of the log could not be written."


@contextmanager
def harmless(task: str) -> Generator[None]:
    """Log a fault of what only observes (a record, a count), and go on: it must not fail what it observes."""
    try:
        yield
    except Exception as error:
        with suppress(Exception):
            log.warning("%s failed: %s", task, type(error).__name__)
            log.debug("%s failed", task, exc_info=error)


def without_keys(text: str, redact: Redactor) -> str:
    """Return `text` without the operator's keys, and without those that were read out in the task that writes it."""
    return redact.knowing(*revealed())(text)


class RedactingFilter(logging.Filter):
    """Redact a record whole: message, arguments, traceback and stack."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            self._clean(record)
        except Exception:  # arguments that do not fit, an object that cannot be shown
            record.msg, record.args = UNREADABLE, ()
            record.exc_info = record.exc_text = record.stack_info = None
        return True

    def _clean(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        redact = self._redact.knowing(*revealed())
        record.msg, record.args, record.exc_info = redact(message), (), None
        record.exc_text = redact(record.exc_text) if record.exc_text else None
        record.stack_info = redact(record.stack_info) if record.stack_info else None


class JsonFormatter(logging.Formatter):
    """Write a record as one line of JSON; `message` is what a line for people would say."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if named := SESSION.search(str(line["message"])):
            line["session"] = named[1] or named[2]
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


def configure(level: str, redact: Redactor, *, as_json: bool = False) -> None:
    """Send all logging to standard error at `level`, through the redacting filter."""
    logging.raiseExceptions = False  # it would print the arguments of a bad line as they are
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter("%(levelname)s %(message)s"))
    handler.addFilter(RepeatFilter(handler.handle))  # first: what is not written needs no redaction
    handler.addFilter(RedactingFilter(redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("aether").setLevel(level)

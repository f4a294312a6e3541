"""Repeated log records: written a few times in a window, then counted.

A fault that anyone can cause a thousand times a second would fill the disk and hold up the
loop. Records are equal when the place, the level, the message without its arguments and the
class of the exception are; numbers in a message do not count. What a visitor does in normal
use stays far below the limits of its level. It knows no format.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aether.redaction import Redactor
from aether.secret import revealed

WINDOW_S = 60.0
MAX_KINDS = 500
"""Kinds of records that are remembered; beyond these, the kind seen longest ago is forgotten."""
MAX_FAULTS = 600
"""Warnings and errors of all kinds together that are written in a window."""
FAULT, WARNING, NEWS = 1, 60, 3_000
"""Equal records written in a window: an error, a warning of Aether's own, a record below that."""
OWN = "aether"
_VARYING = re.compile(r"0x[0-9a-f]+|\d+")
_ALL = ("all",)

Key = tuple[Any, ...]


@dataclass
class _Kind:
    begun_at: float
    name: str
    level: int
    subject: str
    written: int = 0
    suppressed: int = 0


def limit_of(record: logging.LogRecord) -> int:
    """Return how many records equal to this one are written in a window."""
    if record.levelno < logging.WARNING:
        return NEWS
    own = record.name.partition(".")[0] == OWN
    return WARNING if own and record.levelno < logging.ERROR else FAULT


def kind_of(record: logging.LogRecord) -> Key:
    """Return what two records have in common that tell of the same thing."""
    raised_at = error = None
    if record.exc_info and record.exc_info[0] is not None:
        error, step = record.exc_info[0].__qualname__, record.exc_info[2]
        while step is not None and step.tb_next is not None:
            step = step.tb_next
        raised_at = (step.tb_frame.f_code.co_filename, step.tb_lineno) if step is not None else None
    return (record.name, record.levelno, record.lineno, _VARYING.sub("#", str(record.msg)[:300]), error, raised_at)


class RepeatFilter(logging.Filter):
    """Drop what repeats itself; `write` takes the line that says how many there were."""

    def __init__(
        self, write: Callable[[logging.LogRecord], object], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._write = write
        self._clock = clock
        self._kinds: OrderedDict[Key, _Kind] = OrderedDict()
        self._lock = threading.RLock()  # a finalizer that runs inside may log as well
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            return getattr(record, "is_count", False) or self._is_written(record)
        except Exception:  # a message that cannot be shown: the next filter says so
            return True

    def _is_written(self, record: logging.LogRecord) -> bool:
        with self._lock:
            ended = self._ended()
            is_written = self._count(kind_of(record), record, limit_of(record))
            if is_written and record.levelno >= logging.WARNING:
                is_written = self._count(_ALL, record, MAX_FAULTS)
            if not is_written and self._timer is None:
                self._timer = threading.Timer(WINDOW_S, self.flush)
                self._timer.daemon = True
                self._timer.start()
        self._tell(ended)
        return is_written

    def flush(self) -> None:
        """Write the counts of all windows that have ended."""
        with self._lock:
            ended, self._timer = self._ended(), None
            if any(kind.suppressed for kind in self._kinds.values()):
                self._timer = threading.Timer(WINDOW_S / 4, self.flush)
                self._timer.daemon = True
                self._timer.start()
        self._tell(ended)

    def _count(self, key: Key, record: logging.LogRecord, limit: int) -> bool:
        """Count a record; return whether it is one of the first of its window."""
        kind = self._kinds.get(key)
        if kind is None:
            while len(self._kinds) >= MAX_KINDS:
                del self._kinds[next(known for known in self._kinds if known is not _ALL)]
            subject = "warnings and errors" if key is _ALL else _shown(record)
            kind = self._kinds[key] = _Kind(self._clock(), record.name, record.levelno, subject)
        if kind.written < limit:
            kind.written += 1
            return True
        kind.suppressed += 1
        return False

    def _ended(self) -> list[_Kind]:
        """Forget the windows that have ended, oldest first; return those that suppressed something."""
        now, ended = self._clock(), list[_Kind]()
        while self._kinds:
            key, kind = next(iter(self._kinds.items()))
            if now - kind.begun_at < WINDOW_S:
                break
            del self._kinds[key]
            if kind.suppressed:
                ended.append(kind)
        return ended

    def _tell(self, ended: list[_Kind]) -> None:
        for kind in ended:
            text = f"… {kind.suppressed} more in the last minute: {kind.subject}"
            record = logging.LogRecord(kind.name, kind.level, __file__, 0, text, (), None)
            record.is_count = True
            self._write(record)


def _shown(record: logging.LogRecord) -> str:
    """Return the message of a record in short, without its arguments, which differ.

    It is written later, in a thread that knows no visitor: what this task has read out is replaced now.
    """
    lines = str(record.msg).splitlines() or [""]
    return Redactor(revealed())(lines[0])[:120]

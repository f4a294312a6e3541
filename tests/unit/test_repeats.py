"""Repeated log records: the first is written, the others are counted."""

from __future__ import annotations

import logging

import pytest

from aether import repeats
from aether.logs import Redactor, configure
from aether.repeats import FAULT, MAX_FAULTS, MAX_KINDS, NEWS, WARNING, WINDOW_S, RepeatFilter


class Sink(logging.Handler):
    """A handler behind the filter, with a clock that a test turns."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.lines: list[str] = []
        self.repeats = RepeatFilter(self.handle, clock=lambda: self.now)
        self.addFilter(self.repeats)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def sink() -> Sink:
    return Sink()


def logger(sink: Sink, name: str) -> logging.Logger:
    made = logging.Logger(name, logging.DEBUG)
    made.addHandler(sink)
    return made


def test_a_fault_is_written_once_in_a_window_and_then_counted(sink: Sink) -> None:
    log = logger(sink, "asyncio")
    for _ in range(313):
        log.error("socket.accept() out of system resource\nsocket: <fd %d>", 7)
    assert len(sink.lines) == FAULT
    sink.now += WINDOW_S
    log.error("another")
    assert sink.lines[1:] == [
        "… 312 more in the last minute: socket.accept() out of system resource",
        "another",
    ]


def test_numbers_in_a_message_make_it_no_other(sink: Sink) -> None:
    log = logger(sink, "asyncio")
    for number in range(50):
        log.error(f"Task exception was never retrieved: <Task-{number} at {number:#x}>")
    assert len(sink.lines) == FAULT


def test_two_faults_in_one_place_are_two(sink: Sink) -> None:
    log = logger(sink, "aether")
    for fault in (ValueError, KeyError, ValueError, KeyError):
        try:
            raise fault
        except Exception:
            log.exception("An answer could not be painted")
    assert len(sink.lines) == 2


def test_what_people_do_in_normal_use_is_always_written(sink: Sink) -> None:
    log = logger(sink, "aether")
    for number in range(WARNING):
        log.info("Hot-swapping to provider: %s, model: %s", "anthropic", "claude-opus-4-6")
        log.warning("Session %s model update failed: %s: %s", "abc123", "a/b", "no such model")
        log.info("LLM REQUEST PAYLOAD %s", {"messages": number})
    assert len(sink.lines) == 3 * WARNING


def test_a_flood_of_news_is_bounded_too(sink: Sink) -> None:
    log = logger(sink, "aether")
    for _ in range(NEWS + 100):
        log.info("Hot-swapping to provider: %s, model: %s", "x", "y")
    assert len(sink.lines) == NEWS


def test_ever_new_faults_are_bounded_together_and_nothing_is_kept_of_them(sink: Sink) -> None:
    log = logger(sink, "elsewhere")
    for number in range(MAX_FAULTS + MAX_KINDS):
        log.error("fault " + chr(0x4E00 + number))
    assert len(sink.lines) <= MAX_FAULTS + 2
    assert len(sink.repeats._kinds) <= MAX_KINDS  # pyright: ignore[reportPrivateUsage]


def test_the_count_is_written_when_nothing_follows(sink: Sink) -> None:
    log = logger(sink, "asyncio")
    for _ in range(3):
        log.error("full")
    sink.now += WINDOW_S
    sink.repeats.flush()
    assert sink.lines == ["full", "… 2 more in the last minute: full"]


def test_all_loggers_of_the_process_pass_it(capsys: pytest.CaptureFixture[str]) -> None:
    root, level = logging.getLogger(), logging.getLogger("aether").level
    before, root_level = root.handlers[:], root.level
    try:
        configure("INFO", Redactor())
        for name in ("asyncio", "uvicorn.error", "elsewhere.entirely"):
            for _ in range(20):
                logging.getLogger(name).error("Full")
        assert capsys.readouterr().err.count("ERROR Full") == 3 * repeats.FAULT
    finally:
        root.handlers[:] = before
        root.setLevel(root_level)
        logging.getLogger("aether").setLevel(level)

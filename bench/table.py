"""The figures, their floors and aims → the table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bench.book import Book, Samples

Value = Callable[[Samples], float]


def middle(samples: Samples) -> float:
    return samples.median


def p50(samples: Samples) -> float:
    return samples.at(0.50)


def p95(samples: Samples) -> float:
    return samples.at(0.95)


def p99(samples: Samples) -> float:
    return samples.at(0.99)


def most(samples: Samples) -> float:
    return max(samples.values)


@dataclass(frozen=True)
class Line:
    """One line of the table.

    `against`: the figure and the application that the ratio is taken to; without it the
    limits are on the value itself. `scale` makes the figure's unit into `unit`.
    """

    work: str
    figure: str
    unit: str
    floor: float | None = None
    aim: float | None = None
    against: tuple[str, str] | None = None
    value: Value = middle
    digits: int = 0


CI = "ChatInterface"
OURS = "Aether"
LINES = (
    Line("Enter → first text, empty history", "first_text/0/ms", "ms", 0.75, 0.4, ("first_text/0/ms", CI)),
    Line("Enter → first text, 200 turns", "first_text/200/ms", "ms", 0.5, 0.3, ("first_text/200/ms", CI)),
    Line("first text added over the bare SDK, empty history", "first_text/0/added_ms", "ms"),
    Line("first text added over the bare SDK, 200 turns", "first_text/200/added_ms", "ms"),
    Line("200 tokens at 50/s, 200 turns: painted after the model's 3.98 s by", "paced/200/behind_s", "s", 0.25, 0.1, digits=2),
    Line("… server CPU", "paced/200/server_cpu_s", "s", 1 / 6, 1 / 9, ("paced/200/server_cpu_s", CI), digits=2),
    Line("… browser CPU", "paced/200/browser_cpu_s", "s", 1 / 12, 1 / 18, ("paced/200/browser_cpu_s", CI), digits=2),
    Line("… frames over 50 ms", "paced/200/long_frames", "", 0, 0),
    Line("300 turns against 0, the same paced answer: server CPU", "paced/300/server_cpu_s", "s", 1.5, 1.2, ("paced/0/server_cpu_s", OURS), digits=2),
    Line("… wall", "paced/300/painted_s", "s", 1.5, 1.2, ("paced/0/painted_s", OURS), digits=2),
    Line("1,000 tokens at once: painted", "fast/1000/painted_s", "s", 1 / 8, None, ("fast/1000/painted_s", CI), digits=2),
    Line("50 sessions at once: all done, of the model's time", "concurrency/50/wall_ratio", "×", 1.25, 1.06, digits=2),
    Line("… gap between two updates, p95", "concurrency/50/gap_ms", "ms", 100, None, value=p95),
    Line("… first text, p95", "concurrency/50/first_ms", "ms", None, 60, value=p95),
    Line("… server CPU an answer", "concurrency/50/server_cpu_s", "s", digits=3),
    Line("200 sessions at once: answers lost", "concurrency/200/lost", "", 0, 0, value=most),
    Line("… all done, of the model's time", "concurrency/200/wall_ratio", "×", digits=2),
    Line("… gap between two updates, p95", "concurrency/200/gap_ms", "ms", None, 300, value=p95),
    Line("… page of a further visitor usable", "concurrency/200/visitor_s", "s", 3, None, digits=2),
    Line("swap on the server, 50 streams running, p50", "swap/server_ms", "ms", None, None, value=p50, digits=2),
    Line("swap on the server, 50 streams running, p99", "swap/server_ms", "ms", 5, 1, value=p99, digits=2),
    Line("click → badge, p50", "swap/badge_ms", "ms", None, None, value=p50),
    Line("click → badge, p95", "swap/badge_ms", "ms", 100, 50, value=p95),
    Line("memory after start", "start/rss_mb", "MB", 1.15, 1.0, ("start/rss_mb", CI)),
    Line("memory of a live session", "memory/session_kb", "kB", 300, None),
    Line("process start → composer that can be typed into", "start/usable_s", "s", 1.1, None, ("start/usable_s", CI), digits=2),
    Line("lowering 1,000 steps, openai-chat", "lowering/openai-chat/1000/ms", "ms", 20, 5, digits=1),
    Line("lowering 1,000 steps, openai-responses", "lowering/openai-responses/1000/ms", "ms", 20, 5, digits=1),
    Line("lowering 1,000 steps, anthropic-messages", "lowering/anthropic-messages/1000/ms", "ms", 20, 5, digits=1),
)  # fmt: skip


def table(book: Book) -> str:
    """Return the table as Markdown; figures that were not measured are left out."""
    head = "| work | Aether, median (range) | against | ratio | floor | aim | |\n|---|---|---|---|---|---|---|"
    return "\n".join([head, *(row for line in LINES for row in _row(line, book))])


def missed(book: Book) -> list[str]:
    """Return the works whose floor is not met."""
    return [line.work for line in LINES if (r := _result(line, book)) is not None and not _meets(r, line.floor)]


def _result(line: Line, book: Book) -> float | None:
    """Return what the floor is compared with: the value, or its ratio."""
    ours = book.get(line.figure, OURS)
    if ours is None:
        return None
    if line.against is None:
        return line.value(ours)
    other = book.get(*line.against)
    return line.value(ours) / line.value(other) if other is not None and line.value(other) else None


def _meets(result: float, limit: float | None) -> bool:
    return limit is None or result <= limit * 1.0001


def _row(line: Line, book: Book) -> Iterator[str]:
    ours, result = book.get(line.figure, OURS), _result(line, book)
    if ours is None:
        return
    other = book.get(*line.against) if line.against else None
    cells = (
        line.work,
        _said(line.value(ours), ours.values, line),
        f"{_said(line.value(other), other.values, line)} {line.against[1]}" if other and line.against else "",
        _ratio(result) if line.against and result is not None else "",
        _limit(line.floor, line),
        _limit(line.aim, line),
        _verdict(line, result),
    )
    yield "| " + " | ".join(cells) + " |"


def _verdict(line: Line, result: float | None) -> str:
    if result is None or (line.floor is None and line.aim is None):
        return ""
    if line.aim is not None and _meets(result, line.aim):
        return "aim met"
    if line.floor is None:
        return "aim missed"
    return "floor met" if _meets(result, line.floor) else "**floor missed**"


def _said(value: float, values: Iterable[float], line: Line) -> str:
    least, highest = min(values), max(values)
    return f"{value:.{line.digits}f} {line.unit} ({least:.{line.digits}f}–{highest:.{line.digits}f})".replace("  ", " ")


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f} ×" if ratio > 0.3 else f"1/{1 / ratio:.1f}"


def _limit(limit: float | None, line: Line) -> str:
    if limit is None:
        return ""
    return f"≤ {_ratio(limit)}" if line.against else f"≤ {limit:g} {line.unit}".rstrip()

"""The lines and the samples → the table as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.book import Book
from bench.line import OURS, Line


def table(lines: Iterable[Line], book: Book) -> str:
    """Return the table as Markdown; figures that were not measured are left out."""
    head = "| work | Aether, median (range) | against | ratio | floor | aim | |\n|---|---|---|---|---|---|---|"
    return "\n".join([head, *(row for line in lines for row in _row(line, book))])


def missed(lines: Iterable[Line], book: Book) -> list[str]:
    """Return the works whose floor is not met."""
    return [line.work for line in lines if (r := _result(line, book)) is not None and not _meets(r, line.floor)]


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

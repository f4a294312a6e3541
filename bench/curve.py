"""How a figure grows with its size → a drawing. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from bench.book import Book

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 128, 44, 48
TICKS = 4
COLOURS = ("#3b6fd4", "#c2632b", "#4f8a3d", "#8a4fa8")
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#555}.title{font-size:14px;font-weight:600;fill:#222}"
    ".grid{stroke:#ddd}.axis{stroke:#888}path{fill:none;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#aaa}.title{fill:#eee}.grid{stroke:#333}}"
)


@dataclass(frozen=True)
class Curve:
    """A drawing, kept as `docs/pictures/bench-NAME.svg`.

    `lines`: label → (application, figure with `*` where its size stands). `share`: which of the
    samples is drawn, 0.5 being the median.
    """

    name: str
    title: str
    x: str
    y: str
    lines: Mapping[str, tuple[str, str]]
    share: float = 0.5


@dataclass(frozen=True)
class Point:
    """A size, and the value that was measured there."""

    x: float
    y: float


def points(curve: Curve, book: Book) -> dict[str, list[Point]]:
    """Return what was measured, by label."""
    found: dict[str, list[Point]] = {}
    for label, (app, figure) in curve.lines.items():
        form = re.compile(re.escape(figure).replace(r"\*", r"(\d+)"))
        sizes = {int(m[1]): name for name in book.figures(figure.partition("/")[0]) if (m := form.fullmatch(name))}
        for size, name in sorted(sizes.items()):
            if (samples := book.get(name, app)) is not None:
                found.setdefault(label, []).append(Point(size, samples.at(curve.share)))
    return found


def drawing(curve: Curve, book: Book) -> str:
    """Return the curve as SVG; empty if nothing of it was measured."""
    found = points(curve, book)
    if not found:
        return ""
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    top_x = max(p.x for ps in found.values() for p in ps) or 1
    top_y = _round_up(max(p.y for ps in found.values() for p in ps))

    def at(x: float, y: float) -> tuple[float, float]:
        return round(LEFT + x / top_x * width, 1), round(TOP + height - y / top_y * height, 1)

    parts = [f'<text class="title" x="{LEFT}" y="22">{escape(curve.title)}</text>']
    for tick in range(TICKS + 1):
        y = at(0, top_y * tick / TICKS)[1]
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + width}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{top_y * tick / TICKS:g}</text>')
    for x in sorted({p.x for ps in found.values() for p in ps}):
        parts.append(f'<text x="{at(x, 0)[0]}" y="{TOP + height + 18}" text-anchor="middle">{x:g}</text>')
    parts.append(f'<text x="{LEFT + width}" y="{HEIGHT - 8}" text-anchor="end">{escape(curve.x)}</text>')
    parts.append(f'<text x="{LEFT}" y="38">{escape(curve.y)}</text>')
    for number, (label, of) in enumerate(found.items()):
        colour = COLOURS[number % len(COLOURS)]
        way = " L".join("{} {}".format(*at(p.x, p.y)) for p in of)
        parts.append(f'<path d="M{way}" stroke="{colour}"/>')
        parts += [f'<circle cx="{at(p.x, p.y)[0]}" cy="{at(p.x, p.y)[1]}" r="3" fill="{colour}"/>' for p in of]
        end = at(of[-1].x, of[-1].y)
        parts.append(f'<text x="{end[0] + 8}" y="{end[1] + 4}" style="fill:{colour}">{escape(label)}</text>')
    return _svg(parts, curve.title)


def _svg(parts: Sequence[str], title: str) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title><style>{STYLE}</style>", *parts, "</svg>\n"])


def _round_up(value: float) -> float:
    """Return the next number that divides well into ticks."""
    size = 10.0 ** len(str(int(value))) if value >= 1 else 1.0
    while size / 10 > value:
        size /= 10
    return next((size * s for s in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if size * s >= value), value) or 1.0

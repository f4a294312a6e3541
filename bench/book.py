"""The figures of a run: many samples of each, kept in a file, so that steps can be run one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True)
class Samples:
    """What was measured of one figure of one application."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    def at(self, share: float) -> float:
        """Return the value below which `share` of the samples lie."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Book:
    """All samples, by figure and application."""

    def __init__(self, path: Path = OUT / "figures.json") -> None:
        self._path = path
        self._values: dict[str, dict[str, list[float]]] = json.loads(path.read_text()) if path.is_file() else {}

    def forget(self, prefix: str) -> None:
        """Drop the figures of a step that is measured anew."""
        self._values = {k: v for k, v in self._values.items() if not k.startswith(prefix + "/")}

    def add(self, figure: str, app: str, values: float | Iterable[float]) -> None:
        """Add samples, and keep them at once."""
        fresh = [float(values)] if isinstance(values, int | float) else [float(v) for v in values]
        self._values.setdefault(figure, {}).setdefault(app, []).extend(fresh)
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(self._values))

    def get(self, figure: str, app: str) -> Samples | None:
        """Return the samples; None if the figure was not measured."""
        values = self._values.get(figure, {}).get(app)
        return Samples(tuple(values)) if values else None

    def figures(self, prefix: str) -> list[str]:
        """Return the names of the figures of a step, in the order in which they were measured."""
        return [k for k in self._values if k.startswith(prefix + "/")]

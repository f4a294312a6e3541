"""Read the beds of the garden from a table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Bed:
    name: str
    crop: str
    area_m2: float
    sown: date
    harvest_kg: float

    @property
    def yield_kg_per_m2(self) -> float:
        return self.harvest_kg / self.area_m2


def load_beds(path: Path) -> list[Bed]:
    """Return the beds of a CSV file, in its order."""
    with path.open(newline="") as file:
        return [
            Bed(
                row["bed"],
                row["crop"],
                float(row["area_m2"]),
                date.fromisoformat(row["sown"]),
                float(row["harvest_kg"]),
            )
            for row in csv.DictReader(file)
        ]

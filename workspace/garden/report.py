"""Print what the garden yielded, the best bed first."""

from __future__ import annotations

from pathlib import Path

from beds import Bed, load_beds


def report(beds: list[Bed]) -> str:
    ranked = sorted(beds, key=lambda b: b.yield_kg_per_m2, reverse=True)
    return "\n".join(f"{b.crop:10} {b.yield_kg_per_m2:5.1f} kg/m²" for b in ranked)


if __name__ == "__main__":
    print(report(load_beds(Path(__file__).parent / "beds.csv")))

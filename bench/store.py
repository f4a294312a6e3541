"""The store with many conversations: list, search, open; SQLite on this disk."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aether.store.conversations import Store
from aether.store.listing import Wanted
from aether.store.writing import Moment, Place
from aether.transcript import Answer, Origin, Step, Text, Transcript, Turn

OWNER = "0" * 63 + "a"
TURNS = 50
WORDS = [f"word{n}" for n in range(4_000)]
ORIGIN = Origin("openai-chat", "http://127.0.0.1:1/v1", "", "m")


def measure(*, conversations: tuple[int, ...] = (1_000, 10_000), times: int = 15) -> dict[str, Any]:
    """Return the milliseconds (median, worst) of each work, for each number of conversations."""
    with tempfile.TemporaryDirectory() as folder:
        store, chance, results = Store(f"sqlite:///{Path(folder) / 'bench.db'}"), random.Random(1), dict[str, Any]()
        store.open()
        ids: list[str] = []
        for many in conversations:
            while len(ids) < many:
                ids.append(f"{len(ids):032x}")
                store.save(Place(OWNER, ids[-1]), Moment(_conversation(chance, len(ids)), "local/m"))
            last = store.browse(OWNER, Wanted())[-1]
            work: dict[str, Callable[[], object]] = {
                "list": lambda: store.browse(OWNER, Wanted()),
                "list_older": lambda after=last.after: store.browse(OWNER, Wanted(after=after)),
                "search_rare": lambda: store.browse(OWNER, Wanted(f"unique{chance.randrange(len(ids)) + 1}x")),
                "search_common": lambda: store.browse(OWNER, Wanted("everywhere")),
                "search_prefix": lambda: store.browse(OWNER, Wanted("wor")),
                "search_none": lambda: store.browse(OWNER, Wanted("nowhere")),
                "open": lambda: store.load(OWNER, chance.choice(ids)),
            }
            results[str(many)] = {name: _timed(do, times) for name, do in work.items()}
        store.close()
    return results


def _timed(do: Callable[[], object], times: int) -> dict[str, float]:
    spent: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        do()
        spent.append((time.perf_counter() - began) * 1000)
    return {"median_ms": round(statistics.median(spent), 2), "worst_ms": round(max(spent), 2)}


def _conversation(chance: random.Random, number: int) -> Transcript:
    turns = (_turn(chance, f"unique{number}x" if n == 25 else "") for n in range(TURNS))
    return Transcript("You are {model}.", tuple(turns))


def _turn(chance: random.Random, mark: str) -> Turn:
    asked = " ".join([*chance.choices(WORDS, k=12), "everywhere", mark])
    said = " ".join(chance.choices(WORDS, k=60))
    return Turn((Text(asked),), (Answer((Step("local", "m", ORIGIN, (Text(said),)),)),), at=1.0)


if __name__ == "__main__":
    import json

    print(json.dumps(measure(), indent=1))

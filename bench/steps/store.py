"""The store with many conversations of one visitor, in SQLite on this disk: list, search, open."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from aether.store import grain
from aether.store.conversations import Store
from aether.store.engine import open_engine
from aether.store.listing import Wanted
from aether.store.tables import ANSWERS, CONVERSATIONS, TEXTS, TURNS
from aether.store.tables import STEPS as STEP_ROWS
from aether.transcript import Answer, Origin, Step, Text, Transcript, Turn
from bench.book import OUT
from bench.line import OURS, Line, p95
from bench.plan import Plan

OWNER = "0" * 63 + "a"
TURNS_EACH = 50
MARKED = 25
"""The turn of each conversation in which a word stands that no other has."""
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "er", "is")]
ORIGIN = Origin("openai-chat", "http://127.0.0.1:1/v1", "", "m")
Row = dict[str, Any]
_HASH = "INSERT INTO texts_index(texts_index, rank) VALUES ('hashsize', {})"
"""Bytes of new words that the index gathers before it writes them: many while it is filled."""


def store(plan: Plan) -> None:
    """Time what a visitor with 1,000 and with 10,000 conversations does; each work's first time is not counted."""
    for many in (1_000,) if plan.is_quick else (1_000, 10_000):
        opened = Store(f"sqlite:///{_filled(many)}")
        opened.open()
        for name, work in _works(opened, many).items():
            for number in range(plan.rounds * 10 + 1):
                began = time.perf_counter()
                assert work(), name
                spent_ms = (time.perf_counter() - began) * 1000
                if number:
                    plan.book.add(f"store/{many}/{name}/ms", "Aether", spent_ms)
        opened.close()


def _words() -> tuple[list[str], list[float]]:
    """Return some 8,000 words, and how often each comes: few of them often, as in any language."""
    chance = random.Random(3)
    made = {"".join(chance.choices(SYLLABLES, k=chance.choice((1, 2, 2, 3, 3, 4)))) for _ in range(9_000)}
    words = sorted(made)
    chance.shuffle(words)
    return words, [1 / (rank + 10) for rank in range(len(words))]


WORDS, WEIGHTS = _words()


def _works(opened: Store, many: int) -> dict[str, Callable[[], object]]:
    chance = random.Random(2)
    last = opened.browse(OWNER, Wanted())[-1].after

    return {
        "list": lambda: opened.browse(OWNER, Wanted()),
        "list_older": lambda: opened.browse(OWNER, Wanted(after=last)),
        "search_rare": lambda: opened.browse(OWNER, Wanted(f"unique{chance.randrange(many)}x")),
        "search_common": lambda: opened.browse(OWNER, Wanted("everywhere")),
        "search_two": lambda: opened.browse(OWNER, Wanted(" ".join(chance.choices(WORDS, WEIGHTS, k=2)))) is not None,
        "search_letters": lambda: opened.browse(OWNER, Wanted(chance.choice(SYLLABLES)[:2])),
        "search_begun": lambda: opened.browse(OWNER, Wanted(chance.choices(WORDS, WEIGHTS)[0][:4])),
        "search_none": lambda: not opened.browse(OWNER, Wanted("nowhere")),
        "open": lambda: opened.load(OWNER, _id(chance.randrange(many))),
    }


def _filled(many: int) -> Path:
    """Return a file with so many conversations; it is kept for the next run."""
    path = OUT / f"store-{many}.db"
    if path.exists():
        return path
    OUT.mkdir(exist_ok=True)
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    opened = Store(f"sqlite:///{half}")
    opened.open()
    opened.close()
    engine = open_engine(f"sqlite:///{half}")
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("PRAGMA cache_size = -400000")  # kB
        connection.exec_driver_sql(_HASH.format(400_000_000))
        for rows in _rows(many):
            for table, values in rows.items():
                connection.execute(sa.insert(table), values)
        connection.exec_driver_sql(_HASH.format(1_000_000))
    engine.dispose()
    return half.replace(path)


def _rows(many: int) -> Iterator[dict[sa.Table, list[Row]]]:
    """Yield the rows of many conversations, 200 at a time; their turns are drawn from a lot, as making them is slow."""
    chance = random.Random(1)
    lot = [_rows_of(_turn(chance)) for _ in range(2_000)]
    head = grain.head_of(Transcript("You are {model}."))
    for first in range(0, many, 200):
        rows: dict[sa.Table, list[Row]] = {t: [] for t in (CONVERSATIONS, TURNS, ANSWERS, STEP_ROWS, TEXTS)}
        for number in range(first, min(first + 200, many)):
            at, own = 1_700_000_000.0 + number * 60, {"conversation_id": _id(number)}
            fixed = {"named": False, "pinned": False, "revision": 1, "held_until": 0.0, "deleted_at": None}
            told = {"id": _id(number), "owner": OWNER, "title": f"Question {number} about words", "model": "local/m"}
            times = {"created_at": at, "updated_at": at, "turns": TURNS_EACH, "head": head}
            rows[CONVERSATIONS].append({**fixed, **told, **times})
            for n in range(TURNS_EACH):
                turn, answer, step, words = chance.choice(lot)
                words = f"{words} unique{number}x" if n == MARKED else words
                rows[TURNS].append({**own, "number": n, "head": turn})
                rows[ANSWERS].append({**own, "turn": n, "number": 0, "head": answer, "is_open": False})
                rows[STEP_ROWS].append(
                    {**own, "turn": n, "answer": 0, "number": 0, "reference": "local/m", "body": step}
                )
                rows[TEXTS].append({**own, "turn": n, "owner": OWNER, "body": words})
        yield rows


def _rows_of(turn: Turn) -> tuple[str, str, str, str]:
    head, steps = grain.answer_rows(turn.answers[0])
    return grain.turn_head(turn), head, steps[0][1], grain.searched([turn])


def _turn(chance: random.Random) -> Turn:
    asked = " ".join([*chance.choices(WORDS, WEIGHTS, k=12), "everywhere"])
    said = " ".join(chance.choices(WORDS, WEIGHTS, k=60))
    return Turn((Text(asked),), (Answer((Step("local", "m", ORIGIN, (Text(said),)),)),), at=1.0)


def _id(number: int) -> str:
    return f"{number:032x}"


STEPS = (store,)
LINES = (
    Line("10,000 conversations of 50 turns in SQLite: the list, p95", "store/10000/list/ms", "ms", 100, None, value=p95, digits=1),
    Line("… against 1,000", "store/10000/list/ms", "ms", 1.5, None, ("store/1000/list/ms", OURS), digits=1),
    Line("… an older page of it, p95", "store/10000/list_older/ms", "ms", 100, None, value=p95, digits=1),
    Line("… search, a word of one conversation, p95", "store/10000/search_rare/ms", "ms", 100, None, value=p95, digits=1),
    Line("… search, a word of every turn, p95", "store/10000/search_common/ms", "ms", 100, None, value=p95, digits=1),
    Line("… against 1,000", "store/10000/search_common/ms", "ms", 1.5, None, ("store/1000/search_common/ms", OURS), digits=1),
    Line("… search, two words, p95", "store/10000/search_two/ms", "ms", 100, None, value=p95, digits=1),
    Line("… search, the beginning of a word, p95", "store/10000/search_begun/ms", "ms", 100, None, value=p95, digits=1),
    Line("… search, two letters, p95", "store/10000/search_letters/ms", "ms", 100, None, value=p95, digits=1),
    Line("… open one, p95", "store/10000/open/ms", "ms", 100, None, value=p95, digits=1),
    Line("… against 1,000", "store/10000/open/ms", "ms", 1.5, None, ("store/1000/open/ms", OURS), digits=1),
)  # fmt: skip

"""The store with many conversations of one visitor, in SQLite on this disk: list, search, open."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from aether.store import grain
from aether.store.conversations import Store
from aether.store.listing import Wanted
from aether.transcript import Answer, Origin, Step, Text, Transcript, Turn
from bench.book import OUT
from bench.curve import Curve
from bench.line import OURS, Line, p95
from bench.plan import Plan

OWNER = "0" * 63 + "a"
TURNS_EACH = 50
MARKED = 25
"""The turn of each conversation in which a word stands that no other has."""
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "er", "is")]
ORIGIN = Origin("openai-chat", "http://127.0.0.1:1/v1", "", "m")
LOT = 2_000
_HASH = "INSERT INTO texts_index(texts_index, rank) VALUES ('hashsize', {})"
_CELLS = "FROM cells JOIN lot ON lot.number = cells.lot ORDER BY cells.number"
_FILL = (
    _HASH.format(400_000_000),  # bytes of new words that are gathered before they are written: many while it is filled
    "CREATE TEMP TABLE cells AS WITH RECURSIVE counted(n) AS "
    f"(SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < :many * {TURNS_EACH}) "
    f"SELECT n AS number, n / {TURNS_EACH} AS whole, printf('%032x', n / {TURNS_EACH}) AS id, "
    f"n % {TURNS_EACH} AS turn, abs(random()) % {LOT} AS lot FROM counted",
    "INSERT INTO conversations (id, owner, title, named, pinned, model, head, turns, revision, held_until, created_at, "
    "updated_at) SELECT id, :owner, 'Question ' || whole || ' about words', 0, 0, 'local/m', :head, "
    f"{TURNS_EACH}, 1, 0.0, 1.7e9 + whole * 60, 1.7e9 + whole * 60 FROM cells WHERE turn = 0",
    f"INSERT INTO turns SELECT id, cells.turn, lot.turn {_CELLS}",
    f"INSERT INTO answers SELECT id, cells.turn, 0, answer, 0 {_CELLS}",
    f"INSERT INTO steps SELECT id, cells.turn, 0, 0, 'local/m', step {_CELLS}",
    "INSERT INTO texts (conversation_id, turn, owner, body) SELECT id, cells.turn, :owner, "
    f"CASE cells.turn WHEN {MARKED} THEN words || ' unique' || whole || 'x' ELSE words END {_CELLS}",
    _HASH.format(1_000_000),
)


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
        "search_letter": lambda: opened.browse(OWNER, Wanted(chance.choice(SYLLABLES)[0])),
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
    with closing(sqlite3.connect(half, isolation_level=None)) as raw:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
            raw.execute(f"PRAGMA {pragma}")
        raw.execute("BEGIN")
        raw.execute("CREATE TEMP TABLE lot (number INTEGER PRIMARY KEY, turn, answer, step, words)")
        raw.executemany("INSERT INTO lot VALUES (?, ?, ?, ?, ?)", _lot())
        given = {"many": many, "owner": OWNER, "head": grain.head_of(Transcript("You are {model}."))}
        for statement in _FILL:
            raw.execute(statement, given)
        raw.execute("COMMIT")
        raw.execute("PRAGMA journal_mode = WAL")
    return half.replace(path)


def _lot() -> Iterator[tuple[int, str, str, str, str]]:
    """Yield the turns of which all conversations are made, as the store writes them."""
    chance = random.Random(1)
    for number in range(LOT):
        turn = _turn(chance)
        answer = turn.answers[0]
        head, body = grain.answer_head(answer), grain.step_body(answer.steps[0])
        yield number, grain.turn_head(turn), head, body, grain.searched([turn])


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
    Line("… search, one letter, p95", "store/10000/search_letter/ms", "ms", 100, None, value=p95, digits=1),
    Line("… search, two letters, p95", "store/10000/search_letters/ms", "ms", 100, None, value=p95, digits=1),
    Line("… open one, p95", "store/10000/open/ms", "ms", 100, None, value=p95, digits=1),
    Line("… against 1,000", "store/10000/open/ms", "ms", 1.5, None, ("store/1000/open/ms", OURS), digits=1),
)  # fmt: skip
CURVES = (
    Curve("store", "A visitor's conversations, of 50 turns each, in SQLite: 95th percentile", "conversations", "ms",
          {"the list": (OURS, "store/*/list/ms"), "search, rare": (OURS, "store/*/search_rare/ms"),
           "search, common": (OURS, "store/*/search_common/ms"), "open one": (OURS, "store/*/open/ms")}, share=0.95),
)  # fmt: skip

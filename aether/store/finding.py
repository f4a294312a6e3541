"""The search over all texts: the newest turns in which some words stand, and the conversations that they are of.

A search costs what it shows, not what it finds: both databases hand out the turns that fit one
by one, from the newest on, and the walk ends with the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aether.store.grain import is_sign

NEWEST = 2**62
INDEXED = (2, 3)
"""Letters of the beginnings of words that SQLite's index holds."""
LONGEST = 1_000_000
"""Letters that no word has."""
MOST_ENDINGS = 200
"""Words that may begin alike for each of them to be asked for."""

_LITE = """
    SELECT texts.id, conversations.id FROM texts_index CROSS JOIN texts ON texts.id = texts_index.rowid
    CROSS JOIN conversations ON conversations.id = texts.conversation_id
    WHERE texts_index MATCH :query AND texts_index.rowid < :before
    AND conversations.owner = :owner AND conversations.deleted_at IS NULL ORDER BY texts_index.rowid DESC"""
_BIG = """
    SELECT texts.id, conversations.id FROM texts JOIN conversations ON conversations.id = texts.conversation_id
    WHERE texts.vector @@ CAST(:query AS tsquery) AND texts.id < :before
    AND conversations.owner = :owner AND conversations.deleted_at IS NULL ORDER BY texts.id DESC"""
# From one word to the next: all that stands between, the many places of the one word, is passed over.
_NEXT = "SELECT term FROM texts_words WHERE term >= {} ORDER BY term LIMIT 1"
_ENDINGS = f"""
    WITH RECURSIVE begun(term) AS (
        SELECT ({_NEXT.format(":word")}) UNION ALL
        SELECT ({_NEXT.format("substr(begun.term, 1, :same) || iif(length(begun.term) < :same, ' ', :past)")})
        FROM begun WHERE term < :end
    ) SELECT substr(term, 1, :same) FROM begun WHERE term < :end LIMIT :most"""
LAST = "\U0010ffff"


def found(connection: Connection, owner: str, words: Sequence[str], before: int, limit: int) -> dict[str, int]:
    """Return the ids of conversations, newest first, each with the number of the turn that was found first."""
    lite = connection.dialect.name == "sqlite"
    query = _sqlite_query(connection, owner, words) if lite else _postgres_query(owner, words)
    given = {"query": query, "owner": owner, "before": before}
    first: dict[str, int] = {}
    with connection.execution_options(yield_per=200).execute(sa.text(_LITE if lite else _BIG), given) as rows:
        for text, conversation in rows:
            if len(first) == limit and conversation not in first:
                break
            first.setdefault(conversation, text)
    return first


def _sqlite_query(connection: Connection, owner: str, words: Sequence[str]) -> str:
    """Return the words as phrases of FTS5: each is quoted, so none of them is a command to it."""
    said = [_phrase(run) if is_sign(run[0]) or not last else _begun(connection, run[0]) for run, last in _runs(words)]
    return f'owner:"{owner}" AND ' + " AND ".join(f"body:{phrase}" for phrase in said)


def _begun(connection: Connection, word: str) -> str:
    """Return the beginning of a word as FTS5 finds it quickly.

    Beginnings that are in the index it walks through as it does through words; of any other it gathers all places
    first. So the words that begin with it are asked for (of a single letter, the pairs of letters), unless
    there are too many, or none: then the index may still write the word in another way.
    """
    endings: Sequence[str] = ()
    same = min(INDEXED) if len(word) < min(INDEXED) else LONGEST
    if len(word) not in INDEXED:
        given = {"word": word, "end": word + LAST, "same": same, "past": LAST, "most": MOST_ENDINGS + 1}
        endings = connection.execute(sa.text(_ENDINGS), given).scalars().all()
    said = [_phrase([ending]) + ("*" if len(ending) == same else "") for ending in endings]
    return f"({' OR '.join(said)})" if 0 < len(said) <= MOST_ENDINGS else f"{_phrase([word])}*"


def _phrase(words: Sequence[str]) -> str:
    return f'"{" ".join(words)}"'


def _postgres_query(owner: str, words: Sequence[str]) -> str:
    """Return the words as a tsquery: each is letters and digits in quotes."""
    said = (
        "(" + " <-> ".join(f"'{word}'" for word in run) + ")"
        if is_sign(run[0])
        else f"'{run[0]}'{':*' if last else ''}"
        for run, last in _runs(words)
    )
    return " & ".join([f"'owner:{owner}'", *said])


def _runs(words: Sequence[str]) -> list[tuple[list[str], bool]]:
    """Return each word alone, and signs that follow one another together; of each, whether it is the last."""
    runs: list[list[str]] = []
    for signs, group in groupby(words, key=is_sign):
        run = list(group)
        runs += [run] if signs else [[word] for word in run]
    return [(run, number == len(runs) - 1) for number, run in enumerate(runs)]

"""A transcript → the rows that keep it, and back. Pure: it knows no database.

A turn, an answer and a step are each a row; what one holds beside its children is its JSON.
The JSON is plain ASCII, so that a NUL or half of a surrogate pair passes through any database.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from aether.transcript import JSON, Answer, File, Image, Step, Text, Transcript, Turn

TITLE_CHARS = 60
HIDDEN = {"Cc", "Cf", "Cs", "Co"}
JOINERS = "\u200c\u200d"
"""Signs without a shape of their own that Persian words and families of emoji are made with."""
SEARCHED_CHARS = 200_000
"""Characters of one turn that a search looks through (PostgreSQL refuses a megabyte of words)."""
Row = Mapping[Any, Any]

# Writing without spaces has no words to find: there each sign is one.
_SIGN = "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
_ID, _OWNER = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{32,64}")
_WORDS = re.compile(rf"{_SIGN}|(?:(?!{_SIGN})[^\W_])+")


def head_of(transcript: Transcript) -> str:
    """Return all that a transcript holds beside its turns."""
    return _text(_without(replace(transcript, turns=()).to_dict(), "turns"))


def turn_head(turn: Turn) -> str:
    """Return all that a turn holds beside its answers."""
    return _text(_without(_turns().dump_python(replace(turn, answers=()), mode="json"), "answers"))


def answer_head(answer: Answer) -> str:
    """Return all that an answer holds beside its steps."""
    return _text(_without(_answers().dump_python(replace(answer, steps=()), mode="json"), "steps"))


def step_body(step: Step) -> str:
    """Return a step's JSON."""
    return _text(_steps().dump_python(step, mode="json"))


def transcript_of(head: str, turns: Sequence[Row], answers: Sequence[Row], steps: Sequence[Row]) -> Transcript:
    """Return the transcript that some rows keep, each list in order; raise TranscriptError if they make none."""
    step_of: dict[tuple[int, int], list[JSON]] = {}
    for row in steps:
        step_of.setdefault((row["turn"], row["answer"]), []).append(json.loads(row["body"]))
    answer_of: dict[int, list[JSON]] = {}
    for row in answers:
        whole = json.loads(row["head"]) | {"steps": step_of.get((row["turn"], row["number"]), [])}
        answer_of.setdefault(row["turn"], []).append(whole)
    whole = [json.loads(row["head"]) | {"answers": answer_of.get(row["number"], [])} for row in turns]
    return Transcript.from_dict(json.loads(head) | {"turns": whole})


def title_of(transcript: Transcript) -> str:
    """Return the first words of a conversation, in one line."""
    for turn in transcript.turns[:1]:
        files = [p.blob.name for p in turn.prompt if isinstance(p, File | Image)]
        line = " ".join(turn.text[: TITLE_CHARS * 8].split()) or " ".join(files)
        return clean(line)
    return ""


def clean(title: str) -> str:
    """Return a title that any database keeps and any list can show: one line, bounded, no control signs."""
    plain = (c for c in " ".join(title.split()) if c in JOINERS or unicodedata.category(c) not in HIDDEN)
    said = "".join(plain).strip(JOINERS + " ")
    if len(said) <= TITLE_CHARS:
        return said
    short = said[:TITLE_CHARS]
    return (short.rpartition(" ")[0] or short).rstrip(" ,;:") + "…"


def searched(turns: Sequence[Turn]) -> str:
    """Return the words of some turns, folded, as a search looks through them."""
    texts = [
        part
        for turn in turns
        for part in (
            turn.text,
            *(p.blob.name for p in turn.prompt if isinstance(p, File | Image)),
            *(answer.text for answer in turn.answers),
            *(text for a in turn.answers for s in a.steps for r in s.results for text in _of(r.parts)),
        )
    ]
    return " ".join(folded("\n".join(texts)[:SEARCHED_CHARS]))[:SEARCHED_CHARS]


def folded(text: str) -> list[str]:
    """Return the words of a text without case and accents; both databases then agree on what a word is."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORDS.findall(unicodedata.normalize("NFC", plain).casefold())


def is_sign(word: str) -> bool:
    """Tell whether a word is one sign of a writing without spaces."""
    return re.fullmatch(_SIGN, word) is not None


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an id: what comes from outside and has not is nowhere."""
    return _ID.fullmatch(text) is not None


def is_owner(text: str) -> bool:
    """Tell whether a text has the form of the hash of a visitor's secret."""
    return _OWNER.fullmatch(text) is not None


def _of(parts: Sequence[object]) -> list[str]:
    return [p.text[:2_000] for p in parts if isinstance(p, Text)]


def _without(data: JSON, key: str) -> JSON:
    return {k: v for k, v in data.items() if k != key}


def _text(data: object) -> str:
    return json.dumps(data, separators=(",", ":"))


@cache
def _turns() -> TypeAdapter[Turn]:
    return TypeAdapter(Turn)


@cache
def _answers() -> TypeAdapter[Answer]:
    return TypeAdapter(Answer)


@cache
def _steps() -> TypeAdapter[Step]:
    return TypeAdapter(Step)

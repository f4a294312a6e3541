"""What other rooms say in English is said in the reader's language."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aether import doors, errors
from aether.gate import link, origin
from aether.ui import words
from aether.ui.sentences import is_known, told
from aether.wire.faults import SENTENCES

HOUSE = Path(errors.__file__).parent
ELSEWHERE = ("ui", "tools", "check", "web.py")
"""Rooms whose errors stop the start, are for a model, or are said by the page itself."""


@pytest.fixture
def german() -> Iterator[None]:
    words.speak("de")
    yield
    words.speak("")


def raised() -> set[str]:
    """Return the sentences with which the rooms raise errors that a person may read, their blanks filled in."""
    kinds = {name for name in vars(errors) if isinstance(vars(errors)[name], type)}
    kinds = kinds - {"SettingError", "CatalogError"} | {"TranscriptError", "AttachmentError", "StoreError"}
    kinds |= {"MessageTooLong", "NoRoom", "VisitorFull"}
    found: set[str] = set()
    for path in HOUSE.rglob("*.py"):
        if any(part in str(path.relative_to(HOUSE)) for part in ELSEWHERE):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds and node.args:
                found |= {said for said in [_text(node.args[0])] if " " in said}
    return found


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(said)):
            return said
        case ast.JoinedStr(values):
            return "".join(_text(value) for value in values)
        case ast.FormattedValue():
            return "7"
        case _:
            return ""


def test_errors_that_a_person_may_read_are_translated() -> None:
    said = raised() | {re.sub(r"{\w+}", "X", sentence) for sentence in SENTENCES.values()}
    said |= {kind.remedy for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "remedy")} - {""}
    missing = {sentence for sentence in said if not is_known(sentence)}
    assert len(said) > 80
    assert len(missing) <= len(said) // 20, missing  # a new one may come before its translations


@pytest.mark.parametrize(
    "sentence", [link.NEEDED, origin.UNKNOWN_NAME, origin.FOREIGN, doors.OPERATOR_ONLY, doors.NO_OPERATOR]
)
def test_what_is_said_on_a_page_of_refusal_is_translated(sentence: str) -> None:
    assert is_known(sentence)


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("english", "german_"),
    [
        (
            "Groq refused the key. Your message is kept. Check the key, or answer with another model.",
            "Groq hat den Schlüssel abgelehnt. Deine Nachricht bleibt erhalten. "
            "Prüfe den Schlüssel, oder antworte mit einem anderen Modell.",
        ),
        ("needs GROQ_API_KEY in .env", "braucht GROQ_API_KEY in .env"),
        ("A. B. Inc had a fault of its own.", "A. B. Inc hatte selbst einen Fehler."),
        ("What nobody knows. Try again.", "What nobody knows. Versuche es noch einmal."),
        ("<b>x</b> is empty.", "<b>x</b> ist leer."),
        ("{0} is empty.", "{0} ist leer."),
        ("", ""),
    ],
)
def test_sentences_are_told_one_by_one(english: str, german_: str) -> None:
    assert told(english) == german_


def test_in_english_a_sentence_stays_as_it_was_written() -> None:
    assert told("Groq refused the key.") == "Groq refused the key."


def test_no_two_sentences_are_taken_for_one_another() -> None:
    for key, said in words.LANGUAGES["en"].items():
        if key.startswith(words.SENTENCES):
            words.speak("fr")
            values = dict.fromkeys(re.findall(r"{(\w+)}", said), "X")
            assert told(said.format(**values)) == words.LANGUAGES["fr"][key].format(**values), key
    words.speak("")


@pytest.mark.usefixtures("german")
def test_counts_follow_the_language() -> None:
    assert [words.count(n, "image") for n in (1, 2)] == ["1 Bild", "2 Bilder"]


def test_a_text_that_is_made_to_take_long_is_read_in_little_time(german: None) -> None:
    """A failure or a note of an imported conversation holds whatever somebody wrote into it."""
    began = time.process_time()
    for piece in (" a. b! c? ", "! ", "Not. ", "a" * 50, "The call ", "x. The call "):
        told(piece * (1_900 // len(piece)))
        assert told(piece * 50_000) == piece * 50_000
    assert time.process_time() - began < 10, "one of these took more than a minute"

"""What a stranger is shown of a conversation: what the page shows, and no field beside it."""

from __future__ import annotations

import dataclasses

from aether.public_view import RESULT_CHARS, public_view
from aether.transcript import (
    Answer,
    Blob,
    Branch,
    Cut,
    Failure,
    File,
    Image,
    Native,
    Origin,
    Reasoning,
    Refusal,
    Step,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
)
from aether.ui import render
from aether.usage import Usage

HIDDEN = "HIDDEN-"
DIGEST = "ab" * 32
IMAGE = Image(Blob(DIGEST, "image/png", "photo.png", 9, 3, 4), Blob("cd" * 32, "image/jpeg", HIDDEN + "name", 99))
FILE = File(Blob("ef" * 32, "application/pdf", "cv.pdf", 9), HIDDEN + "words of the file")
LONG = "r" * RESULT_CHARS + HIDDEN


def step(*, words: str = "shown answer") -> Step:
    calls = (ToolCall(HIDDEN + "id", "read_file", '{"path": "a"}'), ToolCall(HIDDEN + "id2", "look", "{}"))
    results = (
        ToolResult(HIDDEN + "id", "read_file", (Text(LONG),), total_ms=3),
        ToolResult(HIDDEN + "id2", "look", (FILE, IMAGE), "error"),
        ToolResult(HIDDEN + "of no call", "look", (Text(HIDDEN),)),
    )
    return Step(
        "acme",
        "m1",
        Origin("openai-chat", f"http://{HIDDEN}internal:8000", HIDDEN + "account", HIDDEN + "model"),
        (Reasoning("shown thought"), Text(words), *calls, Refusal("shown refusal", HIDDEN + "category"), IMAGE),
        results,
        (Native("text", {"type": HIDDEN}),),
        prefix=HIDDEN,
        raw_stop=HIDDEN,
        reported_model="m1-2026",
        usage=Usage(7, 5, 2, 1, 1),
        cost_usd=0.25,
        at=1_700_000_000.0,
        notes=("shown note",),
    )


def conversation() -> Transcript:
    failure = Failure("server", "Shown failure.", HIDDEN + "detail", 5.0)
    shown = Turn((Text("shown prompt"), IMAGE, FILE, SystemNote("shown order")), (Answer((step(),), failure),), at=9.5)
    edited = Turn((Text(HIDDEN + "12 Secret Street"),), (Answer((step(words=HIDDEN),)),), at=9.0)
    cuts = (Cut(0, 0, HIDDEN + "summary", HIDDEN),)
    return Transcript(HIDDEN + "system", (shown,), cuts, (Branch(0, (edited,), cuts),), (step(words=HIDDEN),))


def test_nothing_that_the_page_does_not_show_is_in_it() -> None:
    text = public_view(conversation()).to_json()
    assert HIDDEN not in text
    for digest in ("cd" * 32, "ef" * 32, "1700000000", "9.5"):
        assert digest not in text
    assert all(f"shown {word}" in text for word in ("prompt", "thought", "answer", "refusal", "note", "order"))
    assert text.count(DIGEST) == 2  # in the prompt and in the answer; of a tool's picture only the name is shown


def test_the_page_is_the_same_with_it_and_without() -> None:
    whole = conversation()
    # Not shown to a reader: the ways to other branches (hidden by `body.reading`), and what a service said.
    plain = dataclasses.replace(whole, branches=())
    shown, seen = (str(render.messages(t, window_turns=9)) for t in (plain, public_view(whole)))
    assert HIDDEN + "detail" in shown
    assert HIDDEN not in seen
    assert seen.replace("…", "").count("shown") == shown.replace("…", "").count("shown")


def test_a_view_of_a_view_is_the_view() -> None:
    once = public_view(conversation())
    assert public_view(once) == once
    assert Transcript.from_dict(once.to_dict()) == once


def test_all_answers_of_a_cell_are_in_it() -> None:
    answers = tuple(Answer((step(words=f"answer-{n}."),)) for n in range(12))
    view = public_view(Transcript(turns=(Turn((Text("q"),), answers, 3),)))
    assert [answer.text.partition(".")[0] for answer in view.turns[0].answers] == [f"answer-{n}" for n in range(12)]
    assert view.turns[0].chosen == 3

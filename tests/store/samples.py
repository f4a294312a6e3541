"""Conversations for the store's tests: with everything in them that a transcript can hold."""

from __future__ import annotations

from aether.transcript import (
    Answer,
    Blob,
    Failure,
    File,
    Image,
    Native,
    Origin,
    Reasoning,
    Refusal,
    Step,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
)
from aether.usage import Usage

ORIGIN = Origin("openai-chat", "http://127.0.0.1:1/v1", "4f2a", "echo-small")
AWKWARD = "NUL \0, half a pair \ud800, a joined 👩‍👩‍👧, \u202eright to left, 'quotes\"; DROP TABLE conversations; --"


def step(text: str, **fields: object) -> Step:
    """Return a step of the model `chat/echo-small` that said `text`."""
    return Step("chat", "echo-small", ORIGIN, (Text(text),), **fields)  # pyright: ignore[reportArgumentType]


def turn(asked: str, answered: str = "") -> Turn:
    """Return a turn with one answer, or with none."""
    answers = (Answer((step(answered),)),) if answered else ()
    return Turn((Text(asked),), answers, at=1.5)


def everything() -> Transcript:
    """Return a conversation with each kind of part in it."""
    call = ToolCall("call_1", "calculate", '{"expression": "1+1"}')
    whole = Step(
        "messages",
        "think",
        ORIGIN,
        (Reasoning("hm", complete=False), Text(AWKWARD), call, Refusal("no", "policy")),
        (ToolResult("call_1", "calculate", (Text("2"),), total_ms=1.25),),
        (Native("reasoning", {"signature": "x" * 40, "deep": [1, None, {"a": 0.1}]}),),
        prefix="abc",
        stop="tool",
        reported_model="think-2026",
        usage=Usage(input=10, output=5),
        cost_usd=0.0001,
        ttft_ms=12.5,
        at=1750000000.123456,
        notes=("asked once more",),
    )
    blob = Blob("ab" * 32, "image/png", "cat.png", 12, 3, 4)
    first = Turn(
        (Image(blob, blob), File(blob, None), Text("look: " + AWKWARD)),
        (Answer((whole, step("done"))), Answer((), Failure("rate", "Slow down.", "429", 2.5)), Answer(stopped=True)),
        chosen=1,
        at=1.0,
    )
    return Transcript("You are {model}.", (first, turn("and then?", "then this"), turn("unanswered")))

"""A long conversation is lowered in stretches; what comes of it is what comes of its turns one by one."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from aether.lowering import Omission, Target, lower
from aether.lowering.origins import own_or_foreign
from aether.lowering.shape import anchor_ends
from aether.lowering.stretches import LENGTH, Stretch, stretched
from aether.lowering.system import render_system
from aether.lowering.turns import joined, passages
from aether.profile import DEFAULTS, Protocol
from aether.transcript import (
    Answer,
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

PROTOCOLS: tuple[Protocol, ...] = ("openai-responses", "anthropic-messages")
TARGETS = [
    Target("service", Origin(protocol, "https://models.test", "a1b2c3", f"model-{number}"), DEFAULTS[protocol])
    for protocol in PROTOCOLS
    for number in (0, 1)
]
WORDS = 30
"""Of so many turns in a row each is of words alone, or one in four of something else."""


def grown(seed: int, *, length: int) -> Transcript:
    """Return a conversation in which the targets answered each other, each step bound to what its model was shown."""
    chance = random.Random(seed)
    transcript = Transcript("You are {model}.")
    for number in range(length):
        plain = (number // WORDS + seed) % 2 == 0 or chance.random() < 0.75
        prompt = (Text(f"question {number}"), *([] if plain else [SystemNote("a note")]))
        transcript = replace(transcript, turns=(*transcript.turns, Turn(prompt)))
        for _ in range(1 if plain or chance.random() < 0.6 else 2):
            step = _step(transcript, chance.choice(TARGETS), chance, kind="words" if plain else _kind(chance))
            answer = transcript.turns[-1].answer or Answer()
            turn = replace(transcript.turns[-1], answers=(Answer((*answer.steps, step)),))
            transcript = replace(transcript, turns=(*transcript.turns[:-1], turn))
    return replace(transcript, turns=(*transcript.turns, Turn((Text("and now?"),))))


def _kind(chance: random.Random) -> str:
    return chance.choice(["words", "thinks", "calls", "refuses", "imported", "dead"])


def _step(transcript: Transcript, target: Target, chance: random.Random, *, kind: str) -> Step:
    said = Text(f"said {chance.random()}")
    native = (Native("text", {"type": "text", "text": said.text}),)
    prefix = lower(transcript, target, strict=kind == "dead").prefix
    step = Step("service", target.origin.model, target.origin, (said,), native=native, prefix=prefix)
    match kind:
        case "thinks":
            thought = Native("reasoning", {"type": "thinking", "thinking": "hm", "signature": said.text})
            return replace(step, parts=(Reasoning("hm"), said), native=(thought, *native))
        case "calls":
            call = ToolCall(f"call_{chance.randrange(9)}", "read_file", "{}")
            own = Native("call", {"type": "tool_use", "id": call.id, "name": call.name, "input": {}})
            result = ToolResult(call.id, call.name, (Text("found"),))
            return replace(step, parts=(said, call), native=(*native, own), results=(result,))
        case "refuses":
            return replace(step, parts=(Refusal("I will not."),))
        case "imported":
            return replace(step, native=(), prefix="")
        case _:
            return step


def added(omissions: tuple[Omission, ...]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in omissions:
        counts[one.kind, one.reason] += one.count
    return counts


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.origin.model + t.origin.protocol)
@pytest.mark.parametrize("seed", range(12))
def test_what_stretches_show_is_what_the_turns_show_one_by_one(seed: int, target: Target) -> None:
    transcript = grown(seed, length=70)
    for strict in (False, True):
        view = lower(transcript, target, strict=strict)
        forms, prefix = own_or_foreign(
            transcript.turns,
            target,
            system=render_system(transcript.system, target),
            tools=view.tools,
            strict=strict,
        )
        told = passages(transcript.turns, forms, target.profile)
        assert view.prefix == prefix
        assert list(view.messages) == anchor_ends(joined(told)) or any(p.noted for p in told)
        assert added(view.omissions) == added(tuple(o for p in told for o in p.omissions))
        assert view.chars == sum(p.chars for p in told)


def test_long_plain_runs_are_stretches_and_the_newest_turns_are_not() -> None:
    transcript = grown(0, length=WORDS)
    items = stretched(transcript.turns, TARGETS[0])
    assert isinstance(items[0], Stretch)
    assert len(items[0].turns) == LENGTH
    assert items[-1] is transcript.turns[-1]


def test_a_stretch_is_made_anew_when_one_of_its_turns_is_another() -> None:
    transcript = grown(0, length=WORDS)
    before = lower(transcript, TARGETS[0])
    other = Turn((Text("asked in other words"),), transcript.turns[3].answers)
    edited = replace(transcript, turns=(*transcript.turns[:3], other, *transcript.turns[4:]))
    after = lower(edited, TARGETS[0])
    texts = [p.text for m in after.messages for p in m.parts if isinstance(p, Text)]
    assert "asked in other words" in texts
    assert "question 3" not in texts
    assert after.prefix != before.prefix
    assert lower(transcript, TARGETS[0]) == before

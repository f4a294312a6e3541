"""What swaps need of a long conversation is there before they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from aether import ahead
from aether.transcript import Answer, Text, Transcript, Turn
from tests.scripted import ScriptedProvider
from tests.scripted.reply import Call, Reply
from tests.swap.rig import Rig, say
from tests.wire.targets import BY_NAME, PEERS, Talk, foreign_step


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not fact():
            await asyncio.sleep(0.005)


def just_read(transcript: Transcript) -> Transcript:
    """Return an equal conversation of which nothing is known yet."""
    return Transcript.from_dict(transcript.to_dict())


def worked() -> Transcript:
    """Return a conversation with calls, thoughts and words of three models."""
    talk = Talk("You are {model}.")
    for name in ("anthropic-thinks", "chat-openai", "responses-openai"):
        talk.user(Text(f"ask {name}"))
        talk.says(name, "I look.", reasoning="hm", calls=[Call(name="read_file", arguments="{}", id="call_1")])
        talk.says(name, "It says a.")
        talk.user(Text("thanks"))
        talk.says(name, "Gladly.")
    return talk.transcript


def test_whoever_comes_next_finds_all_turns_derived() -> None:
    talk = just_read(worked())
    authors = [BY_NAME[n].target for n in ("anthropic-thinks", "chat-openai", "responses-openai")]
    ahead.derive(talk, [*authors, *ahead.STRANGERS])
    made = [{id(v) for v in turn.derived.values()} for turn in talk.turns]
    for peer in PEERS:
        peer.view(talk)
    assert [{id(v) for v in turn.derived.values()} for turn in talk.turns] == made


async def test_a_long_conversation_is_derived_when_it_is_read_and_a_turn_when_it_ends(
    rig: Rig, scripted: ScriptedProvider
) -> None:
    runtime = rig.runtime()
    turn = Turn((Text("q"),), (Answer((foreign_step(Text("a")),)),))
    runtime.load(Transcript(turns=(turn,) * (ahead.LONG - 1)))
    assert not turn.derived, "of few turns nothing is derived ahead"
    turns = tuple(replace(turn, at=float(n)) for n in range(ahead.LONG))
    runtime.load(Transcript(turns=turns))
    await until(lambda: all("weight" in t.derived for t in turns))
    scripted.script("echo-small", [Reply(text="so it is")])
    assert await say(runtime, "and now?") == "so it is"
    await until(lambda: "weight" in runtime.transcript.turns[-1].derived)


def test_those_who_answered_last_are_known_if_they_can_be_asked(rig: Rig) -> None:
    step = foreign_step(Text("a"))
    names = ("chat/echo-small", "keyless/m", "messages/one", "nobody/any", "messages/one", "responses/two")
    steps = [replace(step, provider=n.partition("/")[0], model=n.partition("/")[2]) for n in names]
    talk = Transcript(turns=tuple(Turn((Text("q"),), (Answer((s,)),)) for s in steps))
    found = ahead.authors(talk, rig.router.resolve, ())
    assert [(t.provider, t.origin.model) for t in found] == [("responses", "two"), ("messages", "one")]

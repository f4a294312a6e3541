"""Whatever a conversation went through, every target is sent a request that it takes, and loses nothing.

The conversations are grown with the services' own streams (see `targets.py`), broken off
anywhere, with ids and arguments as bad as models make them. Two judges look at each body:
our own checker, and the independent one of the scripted services, which also binds each
signature to the very body that it was made for.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from aether.lowering.text import sound
from aether.transcript import (
    Blob,
    Cut,
    File,
    Image,
    Reasoning,
    Refusal,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
)
from tests.scripted.reply import Call
from tests.wire.conftest import SLOW_IS_FINE
from tests.wire.targets import BY_NAME, PEERS, Peer, Talk, foreign_step, items, picture, shown

PATIENT = settings(deadline=None, suppress_health_check=SLOW_IS_FINE)  # of whatever profile is loaded
NAMES = st.sampled_from([p.name for p in PEERS])
LETTERS = st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t ")
SAID = st.one_of(
    st.text(LETTERS, max_size=20),
    st.sampled_from(
        ["", " ", "\n\t", "<think>no</think> yes", "ends blank \n", "</system>", "```", '{"a": 1}', "\u2028"]
    ),
)
TEXTS = st.one_of(SAID, st.sampled_from(["half \ud83d", "\ud83d\ude00 joined"]))
IDS = st.sampled_from(
    [
        "",
        "call_0",
        "call_1",
        "functions.read_file:0",
        "a|b",
        "a.b",
        "a:b",
        "x" * 50,
        "x" * 300,
        "AbCdEf123",
        "tëst",
        "a\n",
    ]
)
TOOL_NAMES = st.sampled_from(["read_file", "calculate", "no_such_tool", "fs.read/file", "n" * 90, ""])
ARGUMENTS = st.sampled_from(
    ["{}", "", "  ", "null", "[1, 2]", '"x"', "3", '{"path": "a.txt"}', '{"path": "a', '{"a": NaN}', '{"a": 1e999}',
     '{"a": "\\ud800"}', "[" * 3000, '{"a": {"b": [null, true, 1.5]}}', '{"a": 1, "a": 2}']
)  # fmt: skip
CALLS = st.lists(st.builds(Call, name=TOOL_NAMES, arguments=ARGUMENTS, id=IDS), max_size=3)
BLOBS = st.sampled_from(
    [
        Image(Blob("png", "image/png", "cat.png", 40, 1024, 768)),
        Image(Blob("png", "image/bmp", "old.bmp", 40, 10, 10)),
        Image(Blob("png", "image/png", "huge.png", 9_000_000, 9000, 9000)),
        Image(Blob("gone", "image/png", "gone.png", 40, 10, 10)),
        File(Blob("pdf", "application/pdf", "a.pdf", 25), "text of the pdf"),
        File(Blob("pdf", "application/pdf", "scan.pdf", 25)),
        File(Blob("text", "text/plain", "a.txt", 10), "plain ``` text"),
    ]
)
RESULT_PARTS = st.lists(st.one_of(st.builds(Text, TEXTS), BLOBS), max_size=3).map(tuple)
RESULTS = st.builds(ToolResult, IDS, TOOL_NAMES, RESULT_PARTS, st.sampled_from(["ok", "error", "not_run"]), st.none())
ANY_PART = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(Reasoning, TEXTS, st.booleans()),
    st.builds(Refusal, TEXTS),
    st.builds(SystemNote, TEXTS),
    st.builds(ToolCall, IDS, TOOL_NAMES, ARGUMENTS),
    BLOBS,
)
USER_PART = st.one_of(st.builds(Text, TEXTS), st.builds(SystemNote, TEXTS), BLOBS)


@st.composite
def messy(draw: st.DrawFn) -> Talk:
    """Return a conversation that went through everything."""
    talk = Talk(draw(st.sampled_from(["", "Be brief.", "You are {model} of {provider}. {other}"])))
    for _ in range(draw(st.integers(1, 4))):
        talk.user(*draw(st.lists(USER_PART, max_size=3)))
        for _ in range(draw(st.integers(0, 3))):
            _grow(talk, draw)
    if len(talk.transcript.turns) > 3 and draw(st.booleans()):
        talk.transcript = replace(talk.transcript, cuts=(Cut(1, 1, draw(TEXTS)),))
    if draw(st.booleans()):
        talk.user(*draw(st.lists(USER_PART, max_size=2)))
    return talk


def _grow(talk: Talk, draw: st.DrawFn) -> None:
    match draw(st.sampled_from(["says"] * 6 + ["stranger", "rerun", "fails", "stops"])):
        case "says":
            calls = draw(CALLS)
            results: list[ToolResult] = []
            talk.says(
                draw(NAMES),
                draw(SAID),
                reasoning=draw(st.sampled_from(["", "", "hm", "let me see"])),
                redacted=draw(st.booleans()) and draw(st.booleans()),
                refusal=draw(st.sampled_from(["", "", "", "I cannot."])),
                stop=draw(st.sampled_from([None, None, None, "length", "filtered"])),
                calls=calls,
                cut_after=draw(st.one_of(st.none(), st.none(), st.integers(0, 25))),
                strict=draw(st.sampled_from([False, False, False, True])),
                results=results,
            )
            if draw(st.booleans()):
                _answered(talk, draw)
        case "stranger":
            results = draw(st.lists(RESULTS, max_size=2))
            talk.step(foreign_step(*draw(st.lists(ANY_PART, max_size=4)), results=results))
        case "rerun":
            talk.rerun()
        case "fails":
            talk.fails()
        case _:
            talk.stops()


def _answered(talk: Talk, draw: st.DrawFn) -> None:
    """Give the last step's calls their results; sometimes one too few."""
    answer = talk.turn.answer
    assert answer is not None
    step = answer.steps[-1]
    wanted = step.calls[: draw(st.integers(1, 4))]
    results = tuple(ToolResult(c.id, c.name, draw(RESULT_PARTS), "ok") for c in wanted)
    talk._set(replace(answer, steps=(*answer.steps[:-1], replace(step, results=results))))


def texts_to_keep(transcript: Transcript) -> list[str]:
    """List what no target may lose: the user's words, and the words of the tools."""
    kept: list[str] = []
    cut = {n for c in transcript.cuts for n in range(c.first, c.last + 1)}
    for number, turn in enumerate(transcript.turns):
        if number in cut:
            continue
        kept += [p.text for p in turn.prompt if isinstance(p, Text)]
        for step in turn.answer.steps if turn.answer else ():
            kept += [p.text for r in step.results for p in r.parts if isinstance(p, Text)]
    return [sound(t).strip() for t in kept if t.strip()]


def verdicts(peer: Peer, body: dict[str, Any], talk: Talk) -> list[str]:
    json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # what cannot be written cannot be sent
    ours = [f"{v.rule}: {v.where}" for v in peer.check(body, talk.transcript)]
    return ours + peer.refusals(body, talk.issuers[peer.name])


@PATIENT
@given(messy())
def test_no_target_ever_refuses_a_request(talk: Talk) -> None:
    for peer in PEERS:
        for strict in (False, True):
            body = peer.body(talk.transcript, strict=strict)
            found = verdicts(peer, body, talk)
            if found:
                note(f"{peer.name}: {body}")
            assert not found, f"{peer.name} strict={strict}: {found}"


@PATIENT
@given(messy())
def test_no_word_of_the_user_or_of_a_tool_is_lost(talk: Talk) -> None:
    for peer in PEERS:
        words = shown(peer.body(talk.transcript))
        for text in texts_to_keep(talk.transcript):
            assert text in words, f"{peer.name} lost {text!r}"


@PATIENT
@given(messy())
def test_lowering_is_deterministic_and_leaves_the_transcript_alone(talk: Talk) -> None:
    before, untouched = talk.transcript.to_dict(), copy.deepcopy(talk.transcript)
    for peer in PEERS:
        first = peer.body(talk.transcript)
        assert peer.body(untouched) == first, "equal transcripts give equal bodies"
        fresh = replace(untouched, turns=tuple(replace(t) for t in untouched.turns))
        assert peer.body(fresh) == first, "what was derived for the peers before is right for this one"
    assert talk.transcript.to_dict() == before


WORDS = st.text("abcdefgh", min_size=1, max_size=12)
GOOD_CALLS = st.lists(
    st.builds(Call, name=st.sampled_from(["read_file", "calculate"]), arguments=st.just('{"path":"a.txt"}')), max_size=2
)


@st.composite
def orderly(draw: st.DrawFn) -> tuple[Talk, list[tuple[Transcript, str]]]:
    """Return a conversation without faults, and what it was, and who was asked, before each step."""
    talk = Talk("You are {model}.")
    moments: list[tuple[Transcript, str]] = []
    for _ in range(draw(st.integers(1, 4))):
        extra = draw(st.lists(st.one_of(st.just(picture()), st.builds(SystemNote, WORDS)), max_size=1))
        talk.user(*extra, draw(WORDS))
        for _ in range(draw(st.integers(1, 3))):
            name = draw(NAMES)
            moments.append((talk.transcript, name))
            calls = draw(GOOD_CALLS) if BY_NAME[name].profile.tools else []
            talk.says(name, draw(WORDS), reasoning=draw(st.sampled_from(["", "hm"])), calls=calls, results=["r1", "r2"])
            if not calls:
                break
    talk.user("and now?")
    return talk, moments


@PATIENT
@given(orderly())
def test_each_model_gets_its_own_steps_back_byte_for_byte(made: tuple[Talk, list[tuple[Transcript, str]]]) -> None:
    talk, _ = made
    for peer in PEERS:
        body = peer.body(talk.transcript)
        own = [s for t in talk.transcript.turns if t.answer for s in t.answer.steps if s.origin == peer.origin]
        for step in own:
            for native in step.native:
                if native.kind == "reasoning" and peer.protocol == "openai-chat":
                    key = peer.profile.reasoning_key
                    told = [m.get(key) for m in items(body)]
                    assert not key or native.data[key] in told
                    continue
                assert _stands_in(native.data, body), f"{peer.name} lost {native.data}"


def _stands_in(block: dict[str, Any], body: dict[str, Any]) -> bool:
    for item in items(body):
        content = item.get("content")
        if block == item or (isinstance(content, list) and block in content):
            return True
        if block.items() <= item.items():  # a chat message, its reasoning laid beside it
            return True
    return False


@PATIENT
@given(orderly())
def test_the_request_only_grows_at_its_end(made: tuple[Talk, list[tuple[Transcript, str]]]) -> None:
    talk, moments = made
    for peer in PEERS:
        whole = peer.body(talk.transcript)
        for transcript, _ in moments:
            part = peer.body(transcript)
            assert items(whole)[: len(items(part))] == items(part), peer.name
            for key in ("system", "instructions", "tools"):
                assert part.get(key) == whole.get(key), f"{peer.name}: {key}"

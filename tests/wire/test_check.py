"""The checker: it takes what real services took, and finds each fault that is put into a sound body."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from aether.wire.check import Issued, check
from tests.replay import Recording
from tests.scripted.reply import Call
from tests.wire.recorded import all_of, peer_of
from tests.wire.targets import BY_NAME, JSON, Talk, blocks, items, picture

ACCEPTED = tuple(r for r in all_of("stream") + all_of("json") if r.status == 200)

STRICTER = {
    "C14": "that service took a call whose tool it was not offered; templates and Bedrock do not",
    "C20": "the tools came as an item of the input, which we never send",
    "C2": "a result of the service's own search for tools, which we never ask for",
    "I3": "Mistral writes its thoughts as parts of an assistant's content; only it reads them",
    "M1": "that service takes blank texts",
    "M4": "a continuation of the service's own tools",
    "M5": "that service takes an assistant, or nobody, at the beginning",
    "M6": "that service takes two system messages",
    "M7": "an assistant's content in Mistral's parts",
    "P6": "the request relied on the service's store",
    "T11": "DeepSeek's reasoning is not encrypted, and of no use elsewhere",
    "T8": "keys whose value is null",
}
"""Rules that are stricter than the service that took the request, and why they stay."""


def _opaque(value: object) -> set[str]:
    match value:
        case dict():
            own = [v for k, v in value.items() if k in ("id", "signature", "data", "encrypted_content")]
            return {o for o in own if isinstance(o, str)}.union(*(_opaque(v) for v in value.values()))
        case list():
            return set[str]().union(*(_opaque(v) for v in value))
        case _:
            return set()


def test_there_are_many_accepted_requests() -> None:
    assert len(ACCEPTED) > 150


@pytest.mark.parametrize("recording", ACCEPTED, ids=lambda r: r.name)
def test_what_a_real_service_took_is_taken(recording: Recording) -> None:
    profile = peer_of(recording).profile.with_fields({"extra_keys": list(recording.request)})
    issued = Issued(frozenset(_opaque(recording.request)))
    found = check(recording.protocol, recording.request, profile, issued)  # pyright: ignore[reportArgumentType]
    assert {v.rule.split()[0] for v in found} <= STRICTER.keys()


def test_every_exception_is_still_needed() -> None:
    rules: set[str] = set()
    for recording in ACCEPTED:
        profile = peer_of(recording).profile.with_fields({"extra_keys": list(recording.request)})
        issued = Issued(frozenset(_opaque(recording.request)))
        found = check(recording.protocol, recording.request, profile, issued)  # pyright: ignore[reportArgumentType]
        rules |= {v.rule.split()[0] for v in found}
    assert rules == STRICTER.keys()


def sound(name: str) -> tuple[Talk, JSON]:
    """Return a conversation with calls, results, an image and reasoning, and its clean body."""
    talk = (
        Talk()
        .user(picture(), "look")
        .says(
            name,
            "I read.",
            reasoning="hm",
            calls=[Call(name="read_file"), Call(name="calculate")],
            results=["one", "two"],
        )
    )
    talk.says(name, "Done.").user("thanks")
    return talk, talk.clean(name)


def _call(body: JSON) -> JSON:
    found = [*blocks(body, "tool_use"), *blocks(body, "function_call")]
    return found[0] if found else next(i for i in items(body) if i.get("tool_calls"))["tool_calls"][0]


def _a(change: Callable[[JSON], Any]) -> tuple[str, Callable[[JSON], Any]]:
    return "anthropic-new", change


def _c(change: Callable[[JSON], Any]) -> tuple[str, Callable[[JSON], Any]]:
    return "chat-openai", change


def _r(change: Callable[[JSON], Any]) -> tuple[str, Callable[[JSON], Any]]:
    return "responses-openai", change


def _set(body: JSON, number: int, **values: Any) -> None:
    items(body)[number].update(values)


def _image(body: JSON) -> JSON:
    return items(body)[0]["content"][0]["source"]


TWICE = [{"role": "user", "content": "again"}]
FAULTS: list[tuple[str, tuple[str, Callable[[JSON], Any]]]] = [
    ("P1", _a(lambda b: b.pop("max_tokens"))),
    ("P2", _c(lambda b: b.update(max_tokens=5, max_completion_tokens=5))),
    ("P4", _a(lambda b: b.update(temperature=1))),
    ("T8", _a(lambda b: b.update(reasoning_effort="low"))),
    ("C20", _a(lambda b: (b.pop("tools"), b.update(tool_choice={"type": "auto"})))),
    ("C14", _a(lambda b: b.pop("tools"))),
    ("C13", _a(lambda b: b["tools"][0].update(name="a.b"))),
    ("C5", _a(lambda b: _call(b).update(id="a|b"))),
    ("C9", _a(lambda b: _call(b).update(id="x" * 70))),
    ("C7", _a(lambda b: _call(b).update(id=blocks(b, "tool_use")[1]["id"]))),
    ("C1", _a(lambda b: items(b)[2]["content"].pop(0))),
    ("C3", _a(lambda b: items(b)[2]["content"].insert(0, {"type": "text", "text": "first"}))),
    ("C2", _a(lambda b: items(b)[0]["content"].append({"type": "tool_result", "tool_use_id": "x", "content": "r"}))),
    ("C11", _a(lambda b: _call(b).update(input="text"))),
    ("M1", _a(lambda b: items(b)[-1]["content"].append({"type": "text", "text": " "}))),
    ("M4", _a(lambda b: items(b).pop())),
    ("M5", _a(lambda b: items(b).pop(0))),
    ("M6", _a(lambda b: items(b).extend(TWICE))),
    ("M7", _a(lambda b: _set(b, 1, content=[]))),
    ("S2", _a(lambda b: items(b).insert(0, {"role": "system", "content": "x"}))),
    ("T1", _a(lambda b: blocks(b, "thinking")[0].update(signature="made up"))),
    ("T6", _a(lambda b: items(b)[3]["content"].append(blocks(b, "thinking")[0]))),
    ("T7", _a(lambda b: items(b)[1]["content"].insert(0, {"type": "redacted_thinking", "data": "x"}))),
    ("I4", _a(lambda b: _image(b).update(media_type="image/bmp"))),
    ("I5", _a(lambda b: _image(b).update(data="A" * 5_242_881))),
    ("I6", _a(lambda b: _image(b).update(type="url"))),
    ("S4", _c(lambda b: _set(b, 0, role="critic"))),
    ("T8", _c(lambda b: _set(b, 2, reasoning_content="hm"))),
    ("M7", _c(lambda b: _set(b, 5, content=""))),
    ("M1", _c(lambda b: _set(b, -1, content=" "))),
    ("M9", _c(lambda b: _set(b, 1, content=[{"type": "thinking", "text": "x"}]))),
    ("I2", _c(lambda b: _set(b, 3, content=[{"type": "text", "text": "x"}]))),
    ("I3", _c(lambda b: _set(b, 5, content=[{"type": "text", "text": "x"}]))),
    ("I6", _c(lambda b: items(b)[1]["content"][0]["image_url"].update(url="https://x.test/a.png"))),
    ("C1", _c(lambda b: items(b).pop(3))),
    ("C2", _c(lambda b: items(b).insert(1, {"role": "tool", "tool_call_id": "x", "content": "r"}))),
    ("C9", _c(lambda b: _call(b).update(id="x" * 41))),
    ("C11", _c(lambda b: _call(b)["function"].update(arguments="[1]"))),
    ("M6", _c(lambda b: items(b).extend(TWICE))),
    ("P6", _r(lambda b: b.update(store=True))),
    ("P6", _r(lambda b: items(b).insert(1, {"type": "item_reference"}))),
    ("T12", _r(lambda b: blocks(b, "function_call")[0].update(id="fc_of_a_stranger"))),
    ("T11", _r(lambda b: blocks(b, "reasoning")[0].update(encrypted_content="of a stranger"))),
    ("T10", _r(lambda b: items(b).insert(-1, blocks(b, "reasoning")[0]))),
    ("C1", _r(lambda b: items(b).remove(blocks(b, "function_call_output")[0]))),
    ("C2", _r(lambda b: items(b).insert(1, {"type": "function_call_output", "call_id": "x", "output": "r"}))),
    ("C11", _r(lambda b: _call(b).update(arguments="{"))),
    ("M1", _r(lambda b: _set(b, -1, content=" "))),
    ("M9", _r(lambda b: _set(b, 0, content=[{"type": "refusal", "refusal": "x"}]))),
]


@pytest.mark.parametrize(("rule", "fault"), FAULTS, ids=[f"{r}-{n}-{i}" for i, (r, (n, _)) in enumerate(FAULTS)])
def test_a_fault_in_a_sound_body_is_found(rule: str, fault: tuple[str, Callable[[JSON], Any]]) -> None:
    name, change = fault
    talk, body = sound(name)
    broken = copy.deepcopy(body)
    change(broken)
    assert rule in {v.rule.split()[0] for v in BY_NAME[name].check(broken, talk.transcript)}


ELSEWHERE = [
    ("chat-openai", "chat-text-only", "I1"),
    ("chat-openai", "chat-unknown", "C15"),
    ("chat-openai", "chat-mistral", "C5"),
    ("chat-text-only", "chat-mistral", "C16"),
    ("chat-text-only", "chat-deepseek", "T9"),
    ("chat-text-only", "chat-no-system", "S5"),
    ("anthropic-new", "anthropic-old", "I1"),
    ("responses-openai", "responses-local", "I1"),
]


@pytest.mark.parametrize(("made_for", "sent_to", "rule"), ELSEWHERE)
def test_a_body_for_one_target_is_no_body_for_another(made_for: str, sent_to: str, rule: str) -> None:
    talk, _ = sound("chat-openai")
    talk.says("chat-openai", "x", calls=[Call(name="read_file")]).user("next")
    body = BY_NAME[made_for].body(talk.transcript)
    assert rule in {v.rule.split()[0] for v in BY_NAME[sent_to].check(body)}

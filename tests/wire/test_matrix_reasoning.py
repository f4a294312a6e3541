"""The swap matrix, T: reasoning goes home, whole and in its place, or nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from aether.transcript import Native, Reasoning, Step, Text, Transcript
from tests.scripted.reply import Call
from tests.wire.matrix import each, every
from tests.wire.targets import (
    ANTHROPIC,
    BY_NAME,
    CHAT,
    JSON,
    PEERS,
    RESPONSES,
    Peer,
    Talk,
    blocks,
    items,
    read,
    shown,
    strings,
)

THOUGHT = "a secret thought"
READ = Call(name="read_file", arguments='{"path":"a.txt"}')
THINKERS = tuple(p for p in PEERS if p.protocol != "openai-chat" or p.profile.reasoning_key)
"""Models whose reasoning can go home."""


def thinking(source: Peer) -> Talk:
    """Return a conversation in which a model thought, used a tool, and answered."""
    talk = Talk().user("look").says(source.name, "I read.", reasoning=THOUGHT, calls=[READ], results=["content"])
    return talk.says(source.name, "Done.", reasoning=THOUGHT).user("and now?")


def opaque(body: JSON) -> Iterator[str]:
    """Yield everything in a body that only its issuer could have made."""
    for kind, key in (("thinking", "signature"), ("redacted_thinking", "data"), ("reasoning", "encrypted_content")):
        yield from (str(b.get(key)) for b in blocks(body, kind))


def last_step(transcript: Transcript) -> Step:
    """Return the last settled step."""
    return next(t.answer.steps[-1] for t in reversed(transcript.turns) if t.answer and t.answer.steps)


@every()
def test_T1_thinking_of_another_model_is_never_sent(source: Peer, target: Peer) -> None:
    talk = thinking(source)
    body = talk.clean(target.name)
    if source != target:
        assert THOUGHT not in "\n".join(strings(body))
        assert not list(opaque(body))
    strict = target.body(talk.transcript, strict=True)
    assert not list(opaque(strict)), "the second try goes without any"
    assert target.check(strict, talk.transcript) == []


@each(targets=ANTHROPIC)
def test_T1_altered_thinking_is_not_sent(target: Peer) -> None:
    talk = thinking(target)
    turn = talk.transcript.turns[0]
    altered = talk.transcript.replace_turn(0, replace(turn, prompt=(Text("look again"),)))
    body = target.body(altered)
    assert not list(opaque(body))
    assert target.refusals(body, talk.issuers[target.name]) == []


def _unsigned(event: JSON) -> JSON | None:
    return None if event.get("delta", {}).get("type") == "signature_delta" else event


@every(sources=ANTHROPIC)
def test_T2_thinking_without_its_signature_is_not_sent(source: Peer, target: Peer) -> None:
    talk = Talk().user("look").says(source.name, "Done.", reasoning=THOUGHT, edit=_unsigned).user("and now?")
    assert any(isinstance(p, Reasoning) for p in last_step(talk.transcript).parts), "it is kept and shown"
    body = talk.clean(target.name)
    assert not blocks(body, "thinking")
    assert "Done." in shown(body)


@every(sources=ANTHROPIC, targets=ANTHROPIC)
def test_T3_after_a_changed_prefix_thinking_is_left_out_and_the_rest_is_whole(source: Peer, target: Peer) -> None:
    talk = Talk().user("first").says(source.name, "One.", reasoning=THOUGHT).user("second")
    talk.says(target.name, "Two.", reasoning=THOUGHT).user("third")
    edited = talk.transcript.replace_turn(0, replace(talk.transcript.turns[0], prompt=(Text("first, edited"),)))
    for transcript in (talk.transcript, edited, replace(talk.transcript, system="Another system text.")):
        body = target.body(transcript)
        assert target.refusals(body, talk.issuers[target.name]) == []
        assert ("Two." in shown(body)) and ("One." in shown(body))
    assert not list(opaque(target.body(edited)))
    assert list(opaque(target.body(talk.transcript))), "with an unchanged prefix it goes along"


@every(targets=[BY_NAME["anthropic-thinks"]])
def test_T4_inside_a_tool_loop_of_another_model_thinking_is_not_demanded(source: Peer, target: Peer) -> None:
    talk = Talk().user("look").says(source.name, "I read.", reasoning=THOUGHT, calls=[READ], results=["content"])
    body = talk.clean(target.name, effort="high")
    began_with_own = source == target
    assert ("thinking" in body) == began_with_own
    talk.says(target.name, "Done.").user("next")
    assert talk.clean(target.name, effort="high")["thinking"]["type"] == "enabled", "the next turn thinks again"


@every(targets=ANTHROPIC)
def test_T5_without_thinking_no_answer_with_thinking_ends_the_request(source: Peer, target: Peer) -> None:
    talk = Talk().user("look").says(source.name, "Done.", reasoning=THOUGHT)
    body = talk.clean(target.name, effort="none")
    assert "thinking" not in body
    assert items(body)[-1]["role"] in ("user", "system")


@every(sources=THINKERS, targets=(*ANTHROPIC[:3], BY_NAME["responses-openai"]))
def test_T6_own_blocks_stand_in_the_order_in_which_they_came(source: Peer, target: Peer) -> None:
    talk = thinking(source)
    talk.says(target.name, "I read.", reasoning=THOUGHT, calls=[READ], results=["content"]).user("and?")
    body = talk.clean(target.name)
    own = [n.data for n in last_step(talk.transcript).native]
    if target.protocol == "anthropic-messages":
        assert own in [m["content"] for m in items(body)]
    else:
        start = items(body).index(own[0])
        assert items(body)[start : start + len(own)] == own


@every(sources=ANTHROPIC + RESPONSES)
def test_T7_redacted_thinking_is_kept_and_goes_home_alone(source: Peer, target: Peer) -> None:
    talk = Talk().user("look").says(source.name, "Done.", redacted=True).user("and now?")
    body = talk.clean(target.name)
    assert Reasoning("") in last_step(talk.transcript).parts
    if source != target:
        assert not list(opaque(body))
    elif target.protocol == "anthropic-messages":
        assert blocks(body, "redacted_thinking")


ASSISTANT_KEYS = {"role", "content", "tool_calls", "refusal"}


@every(targets=CHAT)
def test_T8_an_assistants_message_has_no_key_that_the_target_does_not_know(source: Peer, target: Peer) -> None:
    own = {target.profile.reasoning_key} - {""}
    for message in items(thinking(source).clean(target.name)):
        if message["role"] == "assistant":
            assert message.keys() <= ASSISTANT_KEYS | own


@every(targets=[BY_NAME["chat-deepseek"]])
def test_T9_each_call_carries_reasoning_where_the_target_demands_it(source: Peer, target: Peer) -> None:
    talk = thinking(source)
    talk.says(target.name, "", reasoning="own thought", calls=[READ], results=["again"]).user("and?")
    told = [m["reasoning_content"] for m in items(talk.clean(target.name)) if m.get("tool_calls")]
    assert told[-1] == "own thought"
    assert told[0] == (THOUGHT if source == target else target.profile.reasoning_placeholder)


@every(sources=RESPONSES, targets=RESPONSES)
def test_T10_reasoning_and_the_item_after_it_go_together_or_lose_their_ids(source: Peer, target: Peer) -> None:
    talk = thinking(source)
    body = talk.clean(target.name)
    bare = target.body(talk.transcript, strict=True)
    for sent in (body, bare):
        for number, item in enumerate(items(sent)):
            if item.get("type") == "reasoning":
                assert items(sent)[number + 1]["type"] in ("message", "function_call")
    assert not any("id" in i for i in items(bare) if i.get("type") in ("message", "function_call"))
    if source == target and target.profile.reasoning_key:
        assert blocks(body, "reasoning")


@every(sources=RESPONSES, targets=RESPONSES)
def test_T11_encrypted_reasoning_does_not_leave_its_account(source: Peer, target: Peer) -> None:
    talk = thinking(source)
    sent = [i["encrypted_content"] for i in blocks(target.body(talk.transcript), "reasoning")]
    moved = _with_account(talk.transcript, "another")
    body = target.body(moved)
    assert not blocks(body, "reasoning")
    assert target.check(body, moved) == []
    assert bool(sent) == (source == target and bool(target.profile.reasoning_key))


def _with_account(transcript: Transcript, account: str) -> Transcript:
    """Return the same conversation, had with another key."""
    turns = []
    for turn in transcript.turns:
        answers = tuple(
            replace(a, steps=tuple(replace(s, origin=replace(s.origin, account=account)) for s in a.steps))
            for a in turn.answers
        )
        turns.append(replace(turn, answers=answers))
    return replace(transcript, turns=tuple(turns))


@every(targets=RESPONSES)
def test_T12_no_item_bears_an_id_of_a_stranger(source: Peer, target: Peer) -> None:
    body = thinking(source).clean(target.name)
    ids = [i["id"] for i in items(body) if "id" in i]
    assert not ids or source == target
    assert all(i.split("_")[0] in ("rs", "msg", "fc") for i in ids)


@every(targets=[BY_NAME["chat-gemini"]])
def test_T13_each_call_shown_to_gemini_has_a_signature_or_the_documented_placeholder(
    source: Peer, target: Peer
) -> None:
    talk = Talk().user("look").says(source.name, "", calls=[READ, Call(name="calculate")], results=["1", "2"])
    body = talk.clean(target.name)
    calls = [c for m in items(body) for c in m.get("tool_calls", ())]
    signatures = [c["extra_content"]["google"]["thought_signature"] for c in calls]
    own = "own-signature-of-this-call" if source == target else "skip_thought_signature_validator"
    assert signatures == [own, own]


TAGGED = "<think>\na secret thought\n</think>\n\nthe answer"


@every(sources=CHAT)
def test_T14_tags_of_thinking_become_reasoning_and_are_never_sent(source: Peer, target: Peer) -> None:
    talk = (
        Talk().user("look").says(source.name, TAGGED).user("next").says(source.name, "<think>never closed", cut_after=4)
    )
    body = talk.user("and now?").clean(target.name)
    own = source == target
    assert "never closed" not in shown(body)
    assert own or ("<think>" not in shown(body) and THOUGHT not in shown(body))
    assert "the answer" in shown(body)


@every(sources=[BY_NAME["chat-openrouter"]])
def test_T15_reasoning_details_go_to_the_host_that_made_them(source: Peer, target: Peer) -> None:
    body = thinking(source).clean(target.name)
    found = [m["reasoning_details"] for m in items(body) if "reasoning_details" in m]
    assert bool(found) == (source == target)
    if found:
        assert "".join(d["text"] for d in found[0]) == THOUGHT


def _undisplayed(event: JSON) -> JSON | None:
    return None if event.get("delta", {}).get("type") == "thinking_delta" else event


@every(sources=ANTHROPIC)
def test_T16_thinking_that_is_not_displayed_still_goes_home(source: Peer, target: Peer) -> None:
    talk = Talk().user("look").says(source.name, "Done.", reasoning=THOUGHT, edit=_undisplayed).user("and now?")
    body = talk.clean(target.name)
    sent = blocks(body, "thinking")
    assert bool(sent) == (source == target)
    assert all(b["thinking"] == "" and b["signature"] for b in sent)


@pytest.mark.parametrize("kind", ["thinking", "redacted_thinking"])
def test_T7_a_block_that_only_its_maker_reads_is_named_in_the_receipt(kind: str) -> None:
    talk = (
        Talk().user("look").says("anthropic-new", "Done.", reasoning=THOUGHT, redacted=kind != "thinking").user("next")
    )
    told: list[dict[str, Any]] = [o.to_dict() for o in BY_NAME["chat-openai"].view(talk.transcript).omissions]
    assert [(o["kind"], o["count"]) for o in told] == [("reasoning", 1)]
    assert json.dumps(told)


def test_T6_the_blocks_of_an_issuer_are_kept_as_they_came() -> None:
    events = [
        {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}},
        *({"type": "content_block_start", "index": n, "content_block": b} for n, b in enumerate(INTERLEAVED)),
        *({"type": "content_block_stop", "index": n} for n in range(len(INTERLEAVED))),
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    assert [n.data for n in read("anthropic-messages", events).native] == INTERLEAVED
    assert isinstance(read("anthropic-messages", events).native[0], Native)


INTERLEAVED: list[JSON] = [
    {"type": "thinking", "thinking": "one", "signature": "s1"},
    {"type": "text", "text": "I read."},
    {"type": "thinking", "thinking": "", "signature": "s2"},
    {"type": "redacted_thinking", "data": "d"},
    {"type": "tool_use", "id": "toolu_1", "name": "read_file", "input": {}},
]

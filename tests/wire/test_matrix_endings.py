"""The swap matrix, X and E: windows, endings, counts, and what services say when they refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import pytest

from aether.catalog import Catalog
from aether.catalog.file import Provider
from aether.errors import (
    AuthError,
    BadHistoryError,
    ModelNotFoundError,
    OverloadedError,
    ProviderError,
    QuotaError,
    RateError,
    ServerError,
    TooLongError,
)
from aether.fit import cut_silently, leave_out, measure
from aether.profile import DEFAULTS
from aether.transcript import Reasoning, Refusal, StopReason, Text, Transcript
from aether.usage import Usage
from aether.wire.faults import classify
from tests.scripted import failures
from tests.scripted.ids import Issuer
from tests.scripted.reply import Call, Counts, Reply
from tests.scripted.strict.rules import Strictness
from tests.scripted.strict.size import overflow
from tests.wire.matrix import each, every
from tests.wire.targets import ANTHROPIC, BY_NAME, JSON, PEERS, Peer, Talk, calls_in, events_of, read, shown

READ = Call(name="read_file", arguments='{"path":"a.txt"}')


def said(target: Peer, body: object, status: int | None = 400) -> ProviderError:
    """Return what the words of a target's service mean."""
    return classify(status, body, label="It", model="the model", headers={})


def with_window(target: Peer, tokens: int) -> Peer:
    return replace(target, quirks=target.quirks | {"context_window": tokens})


@every()
def test_X1_what_does_not_fit_is_cut_by_whole_exchanges(source: Peer, target: Peer) -> None:
    talk = Talk()
    for number in range(12):
        talk.user(f"question {number} " + "word " * 200)
        talk.says(source.name, "", calls=[READ], results=[f"r{number}"]).says(source.name, f"answer {number}")
    talk.user("the last question")
    counted = _uncounted(talk.transcript)  # a service that counts nothing: the estimate decides
    small = with_window(target, 2500)
    fit = measure(small.view(counted), counted, small.profile)
    assert not fit.fits and fit.needed > 2500
    kept = leave_out(counted, fit)
    assert kept is not None
    talk.transcript = kept
    assert measure(small.view(kept), kept, small.profile).fits
    body = talk.clean(target.name)
    assert "question 0" in shown(body) and "the last question" in shown(body)
    assert "question 1 " not in shown(body)
    assert [o.count for o in target.view(kept).omissions if o.kind == "turns"] == [kept.cuts[0].last]
    assert len(kept.turns) == 13, "nothing is deleted"


def _uncounted(transcript: Transcript) -> Transcript:
    turns = tuple(
        replace(
            t, answers=tuple(replace(a, steps=tuple(replace(s, usage=Usage()) for s in a.steps)) for a in t.answers)
        )
        for t in transcript.turns
    )
    return replace(transcript, turns=turns)


@each()
def test_X2_a_window_that_an_error_names_is_remembered_for_the_endpoint(target: Peer) -> None:
    voice = "llama" if target.protocol == "openai-chat" else "openai"
    fault = overflow(
        {"messages": [{"role": "user", "content": "x" * 40_000}]},
        protocol=target.protocol,
        strictness=Strictness(voice=voice, context_tokens=2048),
    )
    assert fault is not None
    body = failures.refusal(fault, protocol=target.protocol, issuer=Issuer()).body
    error = said(target, body)
    assert isinstance(error, TooLongError)
    if target.protocol == "openai-responses":
        assert error.learnt == {}, "that service names no number"
        return
    assert error.learnt == {"context_window": 2048}
    provider = Provider(
        name="x", label="X", protocol=target.protocol, base_url="https://x.test", profile=DEFAULTS[target.protocol],
        custom_models=True,
    )  # fmt: skip
    catalog = Catalog([provider, replace(provider, name="same-address")], key=lambda _: None)
    catalog.learn("x", "m", **error.learnt)
    assert catalog.model("same-address", "m").profile.context_window == 2048
    assert catalog.model("x", "other").profile.context_window is None


@each()
def test_X3_a_count_far_below_what_was_sent_is_noticed(target: Peer) -> None:
    assert cut_silently(9000, Usage(input=2048))
    assert not cut_silently(9000, Usage(input=6000)), "an estimate is only an estimate"
    assert not cut_silently(9000, Usage()), "a service that counts nothing tells nothing"
    assert not cut_silently(100, Usage(input=3)), "a short text is no ground for it"
    assert target.profile.context_window is None


STOPS = ("done", "length", "tool", "refusal", "filtered", "paused", "context")
FOLDED = {
    "openai-chat": {"refusal": "done", "paused": "done", "context": "length"},
    "openai-responses": {"refusal": "done", "paused": "done", "context": "length"},
    "anthropic-messages": {"filtered": "refusal"},
}
"""Endings that a protocol has no word of its own for, and what they look like there."""


@each()
def test_E1_every_way_to_end_has_a_word_and_a_strange_one_is_kept(target: Peer) -> None:
    for stop in STOPS:
        calls = (READ,) if stop == "tool" else ()
        reply = Reply(text="x", stop=stop, calls=calls)  # pyright: ignore[reportArgumentType]
        got = read(target.protocol, events_of(target, reply, {"model": "m"}, Issuer()))
        assert got.stop == FOLDED[target.protocol].get(stop, stop)
        assert got.stop in get_args(StopReason)
        assert got.raw_stop
    strange = {
        "openai-chat": {"choices": [{"delta": {}, "finish_reason": "novel"}]},
        "openai-responses": {
            "type": "response.incomplete",
            "response": {"status": "incomplete", "incomplete_details": {"reason": "novel"}},
        },
        "anthropic-messages": {"type": "message_delta", "delta": {"stop_reason": "novel"}},
    }[target.protocol]
    got = read(target.protocol, [strange])
    assert (got.stop, got.raw_stop) == ("unknown", "novel")


@every()
def test_E2_a_refusal_is_kept_as_one_and_is_text_for_others(source: Peer, target: Peer) -> None:
    talk = Talk().user("do it").says(source.name, refusal="I cannot.").user("why?")
    step = talk.transcript.turns[0].answers[0].steps[0]
    assert step.stop == "refusal"
    assert any(isinstance(p, Refusal) for p in step.parts)
    assert "I cannot." in shown(talk.clean(target.name))
    silent = Talk().user("do it").says(source.name, stop="refusal").user("why?")
    assert "do it" in shown(silent.clean(target.name))


@every()
def test_E3_of_a_stopped_answer_the_text_is_kept_and_the_half_call_closed(source: Peer, target: Peer) -> None:
    for broken in _broken_off(source.name):
        body = broken.clean(target.name)
        assert "half a thought" not in shown(body)
    assert "Half an answer" in shown(body)


@cache
def _broken_off(name: str) -> list[Talk]:
    """Return conversations in which an answer of a peer broke off, at each of its events."""
    source = BY_NAME[name]
    reply = Reply(text="Half an answer", reasoning="half a thought", calls=(READ,))
    whole = events_of(source, reply, {"model": "m"}, Issuer())
    return [Talk().user("go").heard(source, whole[:cut]).stops().user("go on") for cut in range(len(whole))]


@every()
def test_E4_an_error_is_never_read_as_an_answer(source: Peer, target: Peer) -> None:
    talk = Talk().user("first").says(source.name, "half", cut_after=8).fails("The service is too busy.").user("second")
    body = talk.clean(target.name)
    assert "too busy" not in shown(body)
    assert "first" in shown(body) and "second" in shown(body)


@every(sources=ANTHROPIC)
def test_E5_a_paused_turn_can_be_gone_on_from(source: Peer, target: Peer) -> None:
    talk = Talk().user("look").says(source.name, "I am still looking", stop="paused")  # pyright: ignore[reportArgumentType]
    assert talk.turn.answers[0].steps[0].stop == "paused"
    body = talk.clean(target.name)
    assert "I am still looking" in shown(body)


@each()
def test_E6_counts_are_of_all_that_was_read_cached_or_not(target: Peer) -> None:
    counts = Counts(input=31, output=9, cache_read=24, cache_write=4)
    reply = Reply(text="x", usage=counts)
    got = read(
        target.protocol, events_of(target, reply, {"model": "m", "stream_options": {"include_usage": True}}, Issuer())
    )
    assert (got.usage.input, got.usage.output, got.usage.cache_read) == (31, 9, 24)
    assert got.usage.input - got.usage.cache_read >= 0


@each()
def test_E7_a_stream_without_counts_end_mark_or_known_events_is_read_to_its_end(target: Peer) -> None:
    reply = Reply(text="all of it", reasoning="a thought")
    events = events_of(target, reply, {"model": "m"}, Issuer())
    bare = [_without_usage(e) for e in events]
    strange: list[JSON] = [{"type": "novel", "x": 1}, {}, {"choices": []}]
    mixed = [x for e in bare for x in (e, *strange)]
    got = read(target.protocol, mixed)
    assert got.complete
    assert got.usage == Usage()
    assert "".join(p.text for p in got.parts if isinstance(p, Text)) == "all of it"
    assert [p.text for p in got.parts if isinstance(p, Reasoning)] in (["a thought"], [])


def _without_usage(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_usage(v) for k, v in value.items() if k != "usage"}
    return [_without_usage(v) for v in value] if isinstance(value, list) else value


KINDS: dict[int, type[ProviderError]] = {
    401: AuthError, 403: AuthError, 404: ModelNotFoundError, 429: RateError, 500: ServerError, 502: ServerError,
    503: OverloadedError, 529: OverloadedError, 413: TooLongError, 402: QuotaError,
}  # fmt: skip


@each()
def test_E8_every_refusal_has_a_kind_and_a_plain_sentence(target: Peer) -> None:
    for status, kind in KINDS.items():
        reply = failures.failure(status, protocol=target.protocol, model="m", issuer=Issuer())
        error = said(target, reply.body, status)
        assert isinstance(error, kind), f"{status}: {error!r}"
        assert str(error).endswith(".")
    assert isinstance(said(target, failures.no_credit(protocol=target.protocol, issuer=Issuer()).body, 429), QuotaError)


OF_HISTORY = (
    "messages.1.content.0: Invalid `signature` in `thinking` block",
    "The encrypted content gAAA could not be verified.",
    "Item 'rs_1' of type 'reasoning' was provided without its required following item",
    "messages.0: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.",
    "Unexpected role 'user' after role 'tool'",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.",
    "unknown variant `image_url`, expected `text`",
    "The `reasoning_content` in the thinking mode must be passed back",
    "Function call is missing a thought_signature in functionCall parts",
    "text content blocks must be non-empty",
    "final assistant content cannot end with trailing whitespace",
)


@pytest.mark.parametrize("words", OF_HISTORY)
def test_E8_words_about_the_history_are_understood_in_every_protocol(words: str) -> None:
    for target in PEERS:
        body = {"error": {"type": "invalid_request_error", "message": words}}
        assert isinstance(said(target, body), BadHistoryError), words


def test_E3_a_half_call_is_shown_with_what_came_of_it() -> None:
    peer = BY_NAME["anthropic-old"]
    call = Call(name="read_file", arguments='{"path": "a very long name"}')
    events = events_of(peer, Reply(text="I read.", calls=(call,)), {"model": "m"}, Issuer())
    starts = [i for i, e in enumerate(events) if e.get("content_block", {}).get("type") == "tool_use"]
    talk = Talk().user("go").heard(peer, events[: starts[0] + 3]).stops().user("go on")
    inputs = [c["input"] for c in calls_in(talk.clean("anthropic-new"))]
    assert list(inputs[0]) == ["_raw_arguments"]
    assert call.arguments.startswith(inputs[0]["_raw_arguments"])
    assert json.dumps(inputs)

"""The readers, on what real services streamed: nothing lost, nothing made up, wherever the stream breaks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aether.events import CallDelta, ReasoningDelta, TextDelta
from aether.lowering import ToolSpec, lower
from aether.lowering.calls import valid_name
from aether.profile import Protocol
from aether.transcript import Answer, Reasoning, Step, Text, ToolCall, ToolResult, Transcript, Turn
from aether.usage import Usage
from aether.wire import WIRES, InBandError
from aether.wire.intake import Intake
from aether.wire.think import ThinkSplitter
from tests.replay import Recording
from tests.scripted.ids import Issuer
from tests.scripted.reply import Call, Reply
from tests.wire.recorded import all_of, events, peer_of, plain_text
from tests.wire.targets import BY_NAME, PEERS, Peer, events_of, read

BROKEN = tuple(r for r in all_of("stream") if any(e.get("error") for e in events(r)))
"""Streams that began well and ended in an error."""
STREAMS = tuple(r for r in all_of("stream") if r not in BROKEN)
ANSWERS = STREAMS + tuple(r for r in all_of("json") if '"status":"queued"' not in r.response.replace(" ", ""))


def _name(recording: Recording) -> str:
    return recording.name


def test_there_are_recordings_of_all_protocols() -> None:
    assert {r.protocol for r in STREAMS} == set(WIRES)
    assert len(STREAMS) >= 40


def _with_thinking_in_tags(text: str) -> bool:
    return text.lstrip().startswith("<think>")


@pytest.mark.parametrize("recording", ANSWERS, ids=_name)
def test_the_text_is_that_of_an_independent_reading(recording: Recording) -> None:
    reply, plain = read(recording.protocol, events(recording)), plain_text(recording)
    text = "".join(p.text for p in reply.parts if isinstance(p, Text))
    if _with_thinking_in_tags(plain):
        thought, _, plain = plain.lstrip().removeprefix("<think>").partition("</think>")
        assert thought in "".join(p.text for p in reply.parts if isinstance(p, Reasoning))
        plain = plain.lstrip()
    assert text.strip() == plain.strip()
    assert reply.complete


@pytest.mark.parametrize("recording", STREAMS, ids=_name)
def test_the_deltas_add_up_to_the_reply(recording: Recording) -> None:
    reader = WIRES[recording.protocol].reader()  # pyright: ignore[reportArgumentType]
    told = [e for event in events(recording) for e in reader.feed(event)]
    reply = reader.reply()
    texts = "".join(e.text for e in told if isinstance(e, TextDelta))
    assert texts == "".join(p.text for p in reply.parts if isinstance(p, Text))
    thoughts = "".join(e.text for e in told if isinstance(e, ReasoningDelta))
    # Between two summaries stands a blank line, told or not.
    kept = "".join(p.text for p in reply.parts if isinstance(p, Reasoning))
    assert thoughts.split() == kept.split()
    calls = [p for p in reply.parts if isinstance(p, ToolCall)]
    for number, call in enumerate(calls):
        pieces = [e for e in told if isinstance(e, CallDelta) and e.index == number]
        assert "".join(p.name for p in pieces) == call.name
        assert "".join(p.arguments for p in pieces) or call.arguments == "{}"


@pytest.mark.parametrize("recording", STREAMS, ids=_name)
def test_a_stream_cut_after_any_event_gives_a_sane_reply(recording: Recording) -> None:
    whole = events(recording)
    reader = WIRES[recording.protocol].reader()  # pyright: ignore[reportArgumentType]
    before, completed = "", False
    for event in whole:
        reader.feed(event)
        reply = reader.reply()
        text = "".join(p.text for p in reply.parts if isinstance(p, Text))
        assert text.startswith(before.rstrip()) or _with_thinking_in_tags(plain_text(recording))
        assert reply.complete or not reply.native
        assert reply.complete >= completed, "an end is not taken back"
        before, completed = text, reply.complete
    assert completed
    assert reader.reply() == read(recording.protocol, whole), "asking for the reply on the way changes nothing"


@pytest.mark.parametrize("recording", STREAMS, ids=_name)
def test_unknown_events_and_keys_are_passed_over(recording: Recording) -> None:
    strange: list[dict[str, Any]] = [
        {"type": "something_new", "index": 0, "delta": {"type": "novel_delta", "x": 1}},
        {"type": "content_block_delta", "index": 99, "delta": {"type": "novel_delta"}} if "anthropic" in recording.name
        else {"type": "response.novel.delta", "output_index": 99, "delta": "x"},
        {},
    ]  # fmt: skip
    mixed = [e for event in events(recording) for e in (*strange[::2], event | {"novel_key": {"a": [None]}})]
    assert read(recording.protocol, mixed) == read(recording.protocol, events(recording))
    read(recording.protocol, [*events(recording), *strange])


@pytest.mark.parametrize("recording", ANSWERS, ids=_name)
def test_usage_is_what_the_service_counted(recording: Recording) -> None:
    usage = read(recording.protocol, events(recording)).usage
    counted = _counts(recording)
    assert (usage.input, usage.output) == counted
    assert usage.input >= usage.cache_read + usage.cache_write
    assert usage.output >= usage.reasoning or recording.provider == "xai"


def _counts(recording: Recording) -> tuple[int, int]:
    """Return the tokens in and out by a reading of its own: the last numbers of each kind that were sent."""
    last: dict[str, int] = {}
    for event in events(recording):
        for holder in (event, event.get("message"), event.get("response"), event.get("x_groq")):
            usage = (holder or {}).get("usage") if isinstance(holder, dict) else None
            last |= {k: v for k, v in (usage or {}).items() if isinstance(v, int)}
    if recording.protocol == "openai-chat":
        return last.get("prompt_tokens", 0), last.get("completion_tokens", 0)
    cached = ("cache_read_input_tokens", "cache_creation_input_tokens")
    read_in = last.get("input_tokens", 0) + sum(last.get(k, 0) for k in cached)
    return read_in, last.get("output_tokens", 0)


def _step(recording: Recording, peer: Peer) -> Step:
    reply = read(recording.protocol, events(recording))
    return Step(peer.name, peer.origin.model, peer.origin, reply.parts, native=reply.native, stop=reply.stop)


def _history(recording: Recording, peer: Peer, *, with_results: bool) -> Transcript:
    step = _step(recording, peer)
    answer = Answer((step,))
    if with_results and step.calls:
        results = tuple(ToolResult(c.id, c.name, (Text("the result"),)) for c in step.calls)
        answer = Answer((Step(step.provider, step.model, step.origin, step.parts, results, step.native),))
    return Transcript("Be brief.", (Turn((Text("ask"),), (answer,)), Turn((Text("and now?"),))))


@pytest.mark.parametrize("recording", ANSWERS, ids=_name)
def test_what_was_recorded_is_shown_to_every_target_without_fault(recording: Recording) -> None:
    issuer = peer_of(recording)
    for with_results in (False, True):
        transcript = _history(recording, issuer, with_results=with_results)
        for peer in PEERS:
            body = peer.body(transcript)
            assert peer.check(body, transcript) == []
            assert peer.refusals(body) == []


@pytest.mark.parametrize("recording", ANSWERS, ids=_name)
def test_what_was_recorded_goes_home_as_it_came(recording: Recording) -> None:
    peer = peer_of(recording)
    transcript = _history(recording, peer, with_results=True)
    step = transcript.turns[0].answer.steps[0]  # pyright: ignore[reportOptionalMemberAccess]
    peer = replace(peer, tools=tuple(ToolSpec(valid_name(c.name), "A tool.", {"type": "object"}) for c in step.calls))
    asked = Transcript(transcript.system, (Turn(transcript.turns[0].prompt),))
    kept = replace(step, prefix=lower(asked, peer.target).prefix)
    whole = transcript.replace_turn(0, replace(transcript.turns[0], answers=(Answer((kept,)),)))
    shown = [n for m in peer.view(whole).messages for n in m.native]
    assert shown == list(step.native)
    body = peer.body(whole)
    assert peer.check(body, whole) == []
    if any(n.kind == "other" for n in step.native):
        return  # the service's own tools: newer than the types that the judge goes by
    found = peer.refusals(body, Issuer(trusts_all=True))
    assert [f for f in found if recording.provider == "openai" or "Expected an ID that begins" not in f] == []


@pytest.mark.parametrize(
    ("protocol", "event"),
    [
        ("anthropic-messages", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        ("openai-chat", {"error": {"message": "The server had an error", "code": 502}}),
        ("openai-responses", {"type": "error", "code": "server_error", "message": "no"}),
        ("openai-responses", {"type": "response.failed", "response": {"error": {"code": "server_error"}}}),
    ],
)
def test_an_error_inside_the_stream_is_raised_and_what_came_before_is_kept(protocol: Protocol, event: Any) -> None:
    peer = next(p for p in PEERS if p.protocol == protocol)
    sent = events_of(peer, Reply(text="half an answer that goes on"), {"model": "m"}, Issuer())
    reader = WIRES[protocol].reader()
    deltas = [e for e in sent[: len(sent) // 2] for e in reader.feed(e)]
    with pytest.raises(InBandError) as caught:
        reader.feed(event)
    assert caught.value.body == event
    reply = reader.reply()
    assert not reply.complete
    assert "".join(p.text for p in reply.parts if isinstance(p, Text)) == "".join(
        d.text for d in deltas if isinstance(d, TextDelta)
    )


@pytest.mark.parametrize("recording", BROKEN, ids=_name)
def test_a_recorded_error_inside_a_stream_is_raised(recording: Recording) -> None:
    reader = WIRES[recording.protocol].reader()  # pyright: ignore[reportArgumentType]
    *sound, last = events(recording)
    for event in sound:
        reader.feed(event)
    with pytest.raises(InBandError):
        reader.feed(last)
    assert not reader.reply().complete


TAGGED = [
    "<think>step one</think>the answer",
    "\n <think>\nstep one\n</think>\n\nthe answer",
    "<think>never closed",
    "<think></think>only text",
    "no tags at all",
    "a <think>later</think> tag is text",
    "<thin",
    "<",
    " ",
    "<think>a < b </ c</thinker></think>x",
]


@pytest.mark.parametrize("text", TAGGED)
def test_reasoning_in_tags_is_split_alike_wherever_it_is_cut(text: str) -> None:
    def split(*pieces: str) -> dict[str, str]:
        splitter, out = ThinkSplitter(), {"reasoning": "", "text": ""}
        for kind, span in [s for p in pieces for s in splitter.feed(p)] + splitter.flush():
            out[kind] += span
        return out

    whole = split(text)
    assert all(split(text[:cut], text[cut:]) == whole for cut in range(len(text) + 1))
    assert split(*text) == whole


@given(st.text("<think/> a", max_size=40))
def test_text_without_an_opening_tag_is_left_alone(text: str) -> None:
    splitter = ThinkSplitter()
    spans = [*splitter.feed(text), *splitter.flush()]
    if not text.lstrip().startswith("<think>"):
        assert "".join(t for _, t in spans) == text
        assert {k for k, _ in spans} <= {"text"}


def test_reasoning_that_was_never_closed_is_reasoning_and_not_complete() -> None:
    chunks = [{"choices": [{"index": 0, "delta": {"content": "<think>half a thought"}}]}]
    reply = read("openai-chat", chunks)
    assert reply.parts == (Reasoning("half a thought", complete=False),)


def _chunk(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}


@pytest.mark.parametrize("ids", [("a", "b"), ("", ""), ("same", "same"), ("", "call_0"), ("call_1", ""), ("x", "")])
@pytest.mark.parametrize("indices", [(0, 1), (0, 0), (None, None)])
def test_two_calls_stay_two_whatever_their_ids_and_indices(ids: tuple[str, str], indices: Any) -> None:
    if indices[0] == indices[1] and (not all(ids) or ids[0] == ids[1]):
        pytest.skip("nothing tells them apart")
    calls = [
        {"id": i, "function": {"name": f"tool_{n}", "arguments": "{}"}} | ({} if at is None else {"index": at})
        for n, (i, at) in enumerate(zip(ids, indices, strict=True))
    ]
    reply = read("openai-chat", [*(_chunk(tool_calls=[c]) for c in calls), END])
    found = [p for p in reply.parts if isinstance(p, ToolCall)]
    assert [c.name for c in found] == ["tool_0", "tool_1"]
    assert len({c.id for c in found} - {""}) == 2
    native = reply.native[-1].data["tool_calls"]
    assert [c["id"] for c in native] == [c.id for c in found]


def test_arguments_that_come_as_an_object_are_kept() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "t", "arguments": {"path": "a"}}}
    reply = read("openai-chat", [_chunk(tool_calls=[call]), END])
    assert [json.loads(p.arguments) for p in reply.parts if isinstance(p, ToolCall)] == [{"path": "a"}]


def test_asking_for_the_reply_amid_a_tag_does_not_break_the_tag() -> None:
    reader = WIRES["openai-chat"].reader()
    for piece in ("<th", "ink>why", "</thi", "nk>", "because"):
        reader.feed(_chunk(content=piece))
        reader.reply()
    assert reader.reply().parts == (Reasoning("why"), Text("because"))


def test_asking_for_the_reply_before_an_id_came_does_not_hide_it() -> None:
    reader = WIRES["openai-chat"].reader()
    reader.feed(_chunk(tool_calls=[{"index": 0, "function": {"name": "t", "arguments": ""}}]))
    reader.reply()
    reader.feed(_chunk(tool_calls=[{"index": 0, "id": "late", "function": {"arguments": "{}"}}]))
    assert [p.id for p in reader.reply().parts if isinstance(p, ToolCall)] == ["late"]


@pytest.mark.parametrize("arguments", ['{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}', "[" * 5000, '{"a'])
@pytest.mark.parametrize("name", ["anthropic-old", "chat-openai", "responses-openai"])
def test_arguments_that_no_body_can_carry_do_not_go_home(name: str, arguments: str) -> None:
    peer = BY_NAME[name]
    reply = Reply(calls=(Call(name="read_file", arguments=arguments),))
    assert read(peer.protocol, events_of(peer, reply, {"model": "m"}, Issuer())).native == ()


def test_usage_in_a_delta_replaces_and_does_not_add() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 7, "cache_read_input_tokens": 24}}}
    deltas = [{"type": "message_delta", "delta": {}, "usage": {"output_tokens": n}} for n in (3, 9)]
    assert read("anthropic-messages", [start, *deltas]).usage == Usage(31, 9, cache_read=24)


def _pieces(protocol: Protocol, pieces: list[str]) -> list[dict[str, Any]]:
    """Return the events of an answer whose text comes in these pieces, with thoughts and a call that do as well."""
    match protocol:
        case "openai-chat":
            told = [{"choices": [{"delta": {"content": p, "reasoning_content": p}}]} for p in pieces]
            call = [
                {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": p}}]}}]} for p in pieces
            ]
            return [*told, *call, {"choices": [{"delta": {}, "finish_reason": "stop"}]}]
        case "openai-responses":
            kinds = ("output_text", "reasoning_text", "function_call_arguments")
            told = [
                {"type": f"response.{k}.delta", "output_index": n, "delta": p}
                for n, k in enumerate(kinds)
                for p in pieces
            ]
            call = {
                "type": "response.output_item.added",
                "output_index": 2,
                "item": {"type": "function_call", "name": "f"},
            }
            return [call, *told, {"type": "response.completed", "response": {"status": "completed"}}]
        case "anthropic-messages":
            kinds = (("text_delta", "text", "text"), ("thinking_delta", "thinking", "thinking"))
            kinds = (*kinds, ("input_json_delta", "partial_json", "tool_use"))
            told: list[dict[str, Any]] = []
            for n, (kind, key, block) in enumerate(kinds):
                told.append({"type": "content_block_start", "index": n, "content_block": {"type": block}})
                told += [{"type": "content_block_delta", "index": n, "delta": {"type": kind, key: p}} for p in pieces]
            return [*told, {"type": "message_stop"}]


@pytest.mark.parametrize("protocol", list(WIRES))
def test_a_character_that_comes_in_halves_is_joined_and_a_lone_half_is_replaced(protocol: Protocol) -> None:
    pieces = ["a", "\ud83d", "\ude00b", "\ud83dc", "\ude00", "d\ud83d"]
    reader, intake = WIRES[protocol].reader(), Intake()
    told = [e for event in _pieces(protocol, pieces) for e in reader.feed(intake.take(event))]
    told += [e for event in intake.rest() for e in reader.feed(event)]
    for kind in (TextDelta, ReasoningDelta):
        assert "".join(e.text for e in told if isinstance(e, kind)) == "a\U0001f600b\ufffdc\ufffdd\ufffd"
    assert "".join(e.arguments for e in told if isinstance(e, CallDelta)) == "a\U0001f600b\ufffdc\ufffdd\ufffd"
    for part in reader.reply().parts:
        json.dumps(vars(part), ensure_ascii=False).encode()


@pytest.mark.parametrize("protocol", list(WIRES))
def test_a_block_that_could_not_be_written_again_is_not_kept_for_the_way_home(protocol: Protocol) -> None:
    for odd in (json.loads("[" * 400 + "]" * 400), float("nan"), "\ud800", {"\ud800": 1}):
        match protocol:
            case "openai-chat":
                event = {
                    "choices": [{"delta": {"content": "x", "reasoning_details": [{"a": odd}]}, "finish_reason": "stop"}]
                }
                told = [event]
            case "openai-responses":
                item = {"type": "message", "content": [{"type": "output_text", "text": "x", "a": odd}]}
                told = [{"type": "response.output_item.done", "output_index": 0, "item": item}]
                told.append({"type": "response.completed", "response": {"status": "completed"}})
            case "anthropic-messages":
                block = {"type": "text", "text": "x", "citations": odd}
                told = [{"type": "content_block_start", "index": 0, "content_block": block}, {"type": "message_stop"}]
        reply = read(protocol, told)
        assert (reply.native, [p.text for p in reply.parts if isinstance(p, Text)]) == ((), ["x"])

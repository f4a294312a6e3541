"""The swap matrix, C: every call has one valid id and one result, whoever made it and however it ended."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

from aether.transcript import Text, ToolCall, ToolResult
from tests.scripted.reply import Call
from tests.wire.matrix import every
from tests.wire.targets import (
    BY_NAME,
    CHAT,
    JSON,
    PEERS,
    TOOLS,
    WITH_TOOLS,
    Peer,
    Talk,
    blocks,
    calls_in,
    foreign_step,
    items,
    picture,
    results_in,
    shown,
    strings,
)

READ = Call(name="read_file", arguments='{"path":"a.txt"}')
WITHOUT_TOOLS = tuple(p for p in PEERS if not p.profile.tools)
NINE = re.compile(r"[A-Za-z0-9]{9}")


def called(source: Peer, *calls: Call, results: int = 2) -> Talk:
    """Return a conversation in which a model made calls; results after them are `r0`, `r1`, …"""
    talk = Talk().user("look")
    return talk.says(source.name, "I look.", calls=calls, results=[f"r{n}" for n in range(results)])


def paired(body: JSON) -> list[tuple[str, str]]:
    """Return name and result of each call in a body, after proving that each has exactly one."""
    calls, results = calls_in(body), results_in(body)
    assert [c["id"] for c in calls] == [i for i, _ in results]
    assert len({c["id"] for c in calls}) == len(calls)
    return [(c["name"], text) for c, (_, text) in zip(calls, results, strict=True)]


def told(body: JSON, target: Peer, *words: str) -> None:
    """Prove that the words stand in the body."""
    for word in words:
        assert word in shown(body), f"{target.name} is not told {word!r}"


@every()
def test_C1_a_call_without_a_result_is_answered_as_not_run(source: Peer, target: Peer) -> None:
    talk = called(source, READ, Call(name="calculate"), results=1).stops().user("go on")
    body = talk.clean(target.name)
    told(body, target, "r0", "This call was not run")
    if target.profile.tools:
        assert [n for n, _ in paired(body)] == ["read_file", "calculate"]


@every()
def test_C2_a_result_without_its_call_is_kept_as_text(source: Peer, target: Peer) -> None:
    talk = Talk().user("look").says(source.name, "Done.")
    orphan = ToolResult("gone", "read_file", (_text("look"),))
    talk.step(foreign_step(results=[orphan])).user("next")
    told(talk.clean(target.name), target, "[result of read_file] look")


@every()
def test_C3_what_the_user_says_while_a_tool_runs_comes_after_its_result(source: Peer, target: Peer) -> None:
    talk = called(source, READ, results=1).stops().user("wait, also this")
    body = talk.clean(target.name)
    told(body, target, "r0", "wait, also this")
    assert shown(body).index("r0") < shown(body).index("wait, also this")


@every(targets=WITH_TOOLS)
def test_C4_the_results_of_parallel_calls_stand_together_in_the_order_of_the_calls(source: Peer, target: Peer) -> None:
    talk = called(source, READ, Call(name="calculate"), Call(name="read_file"), results=3)
    body = talk.clean(target.name)
    assert [text for _, text in paired(body)] == ["r0", "r1", "r2"]
    if target.protocol == "anthropic-messages":
        assert sum("tool_result" in [b["type"] for b in m["content"]] for m in items(body)) == 1


@every(targets=WITH_TOOLS)
def test_C5_ids_of_any_letters_become_valid(source: Peer, target: Peer) -> None:
    talk = called(source, Call(name="read_file", id="functions.read_file:0|x ü"), results=1)
    assert paired(talk.clean(target.name)) == [("read_file", "r0")]


@every(targets=WITH_TOOLS)
def test_C6_ids_that_look_alike_when_cleaned_stay_two(source: Peer, target: Peer) -> None:
    talk = called(source, Call(name="read_file", id="a.b"), Call(name="calculate", id="a:b"))
    assert paired(talk.clean(target.name)) == [("read_file", "r0"), ("calculate", "r1")]


@every(targets=WITH_TOOLS)
def test_C7_an_id_used_again_in_a_later_turn_becomes_another(source: Peer, target: Peer) -> None:
    talk = called(source, replace(READ, id="call_0"), results=1).says(source.name, "Done.")
    talk.user("again").says(source.name, "", calls=[replace(READ, id="call_0")], results=["r1"]).user("next")
    talk.says(target.name, "", calls=[replace(READ, id="call_0")], results=["r2"])
    assert [text for _, text in paired(talk.clean(target.name))] == ["r0", "r1", "r2"]


@every(targets=WITH_TOOLS)
def test_C8_calls_without_ids_keep_their_own_results(source: Peer, target: Peer) -> None:
    def without_id(event: JSON) -> JSON:
        text = re.sub(r'"(id|call_id)": "EMPTY"', r'"\1": ""', json.dumps(event))
        return json.loads(text)

    talk = Talk().user("look")
    calls = [Call(name="read_file", id="EMPTY"), Call(name="calculate", id="EMPTY")]
    talk.says(source.name, "", calls=calls, edit=without_id)
    made = _calls(talk)
    assert all(c.id for c in made)
    talk.answered(*(ToolResult(c.id, c.name, (_text(f"of {c.name}"),)) for c in made))
    assert paired(talk.clean(target.name)) == [("read_file", "of read_file"), ("calculate", "of calculate")]


@every(targets=WITH_TOOLS)
def test_C9_ids_of_any_length_fit(source: Peer, target: Peer) -> None:
    talk = called(source, Call(name="read_file", id="x" * 391), Call(name="calculate", id="x" * 392))
    assert paired(talk.clean(target.name)) == [("read_file", "r0"), ("calculate", "r1")]


@every(targets=WITH_TOOLS)
def test_C10_ids_of_others_are_nine_alphanumerics(source: Peer, target: Peer) -> None:
    talk = called(source, READ, Call(name="calculate"))
    ids = [c["id"] for c in calls_in(talk.clean(target.name))]
    if source != target or target.profile.id_rule == "nine":
        assert all(NINE.fullmatch(i) for i in ids)
    assert len(set(ids)) == 2


@every()
def test_C11_broken_arguments_are_shown_as_they_were(source: Peer, target: Peer) -> None:
    talk = called(source, Call(name="read_file", arguments='{"path": "a.t'), results=1)
    body = talk.clean(target.name)
    if target.profile.tools:
        assert [c["input"] for c in calls_in(body)] == [{"_raw_arguments": '{"path": "a.t'}]
    else:
        told(body, target, json.dumps('{"path": "a.t'))


@every(targets=WITH_TOOLS)
def test_C12_arguments_that_are_no_object_become_one(source: Peer, target: Peer) -> None:
    calls = [Call(name="read_file", arguments=a) for a in ("", "null", "[1, 2]", "3", '"x"')]
    body = called(source, *calls, results=5).clean(target.name)
    raw = "_raw_arguments"
    assert [c["input"] for c in calls_in(body)] == [{}, {}, {raw: "[1, 2]"}, {raw: "3"}, {raw: '"x"'}]


@every(targets=WITH_TOOLS)
def test_C13_names_of_any_letters_become_valid_and_stay_different(source: Peer, target: Peer) -> None:
    talk = called(source, Call(name="fs.read/file"), Call(name="fs:read:file"), Call(name="n" * 90), results=3)
    names = [n for n, _ in paired(talk.clean(target.name))]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", n) for n in names)


@every(targets=WITH_TOOLS)
def test_C14_tools_that_are_off_are_still_explained_and_cannot_be_called(source: Peer, target: Peer) -> None:
    talk = called(source, READ, results=1)
    off = replace(target, tools=())
    body = off.body(talk.transcript)
    assert off.check(body, talk.transcript) == []
    assert off.refusals(body, talk.issuers[target.name]) == []
    assert "read_file" in strings(body["tools"])
    assert "none" in strings(body["tool_choice"])


@every(targets=WITHOUT_TOOLS)
def test_C15_a_model_without_tools_is_told_of_them_in_words(source: Peer, target: Peer) -> None:
    body = called(source, READ, results=1).clean(target.name)
    told(body, target, '[called read_file({"path":"a.txt"})]', "[result of read_file] r0")
    assert not body.keys() & {"tools", "tool_choice"}
    assert not calls_in(body)


@every(targets=[p for p in CHAT if p.profile.strict_tool_user and p.profile.tools])
def test_C16_between_a_tool_and_a_user_stands_an_assistant(source: Peer, target: Peer) -> None:
    talk = called(source, READ, results=1).stops().user("next")
    roles = [m["role"] for m in items(talk.clean(target.name))]
    assert "tool" in roles
    assert ("tool", "user") not in pairwise(roles)


@every(targets=[BY_NAME["chat-gemini"]])
def test_C17_a_call_comes_right_after_a_user_or_a_result(source: Peer, target: Peer) -> None:
    talk = Talk().user().says(source.name, "", calls=[READ], results=["r0"])
    talk.says(source.name, "", calls=[READ], results=["r1"]).user("next")
    messages = [m for m in items(talk.clean(target.name)) if m["role"] != "system"]
    assert messages[0]["role"] == "user"
    for before, message in pairwise(messages):
        if message.get("tool_calls"):
            assert before["role"] in ("user", "tool")


@every()
def test_C18_a_failed_call_is_told_as_failed(source: Peer, target: Peer) -> None:
    talk = called(source, READ, results=0)
    failed = ToolResult(_calls(talk)[0].id, "read_file", (_text("no such file"),), "error")
    body = talk.answered(failed).user("next").clean(target.name)
    if target.protocol == "anthropic-messages" and target.profile.tools:
        assert [b.get("is_error") for b in blocks(body, "tool_result")] == [True]
        told(body, target, "no such file")
    else:
        told(body, target, "Error: no such file")


@every()
def test_C19_an_empty_result_says_so(source: Peer, target: Peer) -> None:
    talk = called(source, READ, results=0)
    empty = ToolResult(_calls(talk)[0].id, "read_file", (_text(" \n"),))
    told(talk.answered(empty).clean(target.name), target, "(no output)")


@every()
def test_C20_a_choice_of_tools_is_sent_with_tools_alone(source: Peer, target: Peer) -> None:
    for tools in (TOOLS, ()):
        peer = replace(target, tools=tools)
        body = peer.body(called(source, READ, results=1).transcript)
        assert "tool_choice" not in body or body.get("tools")
        assert ("tool_choice" in body) == (not tools and target.profile.tools)


@every()
def test_C21_parallel_calls_are_neither_asked_for_nor_forbidden(source: Peer, target: Peer) -> None:
    body = called(source, READ, READ).clean(target.name)
    assert "parallel_tool_calls" not in body
    assert "disable_parallel_tool_use" not in strings(body.get("tool_choice"))


SERVER_BLOCKS: list[JSON] = [
    {"type": "text", "text": "I search."},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
    {"type": "text", "text": "Found it.", "citations": None},
]


def _searched(source: Peer, stop: str = "end_turn") -> Talk:
    """Return a conversation in which a service used a tool of its own."""
    events: list[JSON] = [
        {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}},
        *({"type": "content_block_start", "index": n, "content_block": b} for n, b in enumerate(SERVER_BLOCKS)),
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    return Talk().user("look").heard(source, events).user("next")


@every(sources=[p for p in PEERS if p.protocol == "anthropic-messages"])
def test_C22_the_services_own_tools_stay_at_home(source: Peer, target: Peer) -> None:
    talk = _searched(source)
    body = target.body(talk.transcript)
    assert target.check(body, talk.transcript) == []
    told(body, target, "I search.", "Found it.")
    assert bool(blocks(body, "server_tool_use")) == (source == target)
    opaque = [o for o in target.view(talk.transcript).omissions if o.kind == "native"]
    assert bool(opaque) == (source != target)


@every()
def test_C23_a_swap_between_call_and_result_finishes_the_result_first(source: Peer, target: Peer) -> None:
    talk = called(source, READ, results=1)  # the loop goes on with another model
    body = talk.clean(target.name)
    told(body, target, "r0")
    talk.says(target.name, "I go on.", calls=[READ] if target.profile.tools else [], results=["r1"])
    for peer in (source, target):
        talk.clean(peer.name)


def _calls(talk: Talk) -> tuple[ToolCall, ...]:
    """Return the calls of the last step."""
    answer = talk.turn.answer
    assert answer is not None
    return answer.steps[-1].calls


def _text(words: str) -> Text:
    return Text(words)


def test_C2_pictures_of_a_lost_result_are_kept_as_well() -> None:
    orphan = ToolResult("gone", "camera", (_text("a cat"), picture()))
    talk = Talk().user("look").step(foreign_step(results=[orphan])).user("next")
    assert blocks(talk.clean("anthropic-new"), "image")

"""The swap matrix, M and S: the order of messages, nothing blank, system texts in their place."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

from aether.transcript import Answer, Failure, Refusal, SystemNote, Text
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
    foreign_step,
    items,
    picture,
    shown,
)

READ = Call(name="read_file", arguments='{"path":"a.txt"}')
LEADING = tuple(p for p in PEERS if p.profile.system == "lead")
ANYWHERE = tuple(p for p in PEERS if p.profile.system == "any")
SEEING = tuple(p for p in PEERS if p.profile.vision)


def spoken(body: JSON) -> list[str]:
    """Return who speaks, system texts left out."""
    roles = ["tool" if str(i.get("type", "")).endswith("_output") else i.get("role", "assistant") for i in items(body)]
    return [r for r in roles if r not in ("system", "developer")]


@every()
def test_M1_blank_texts_are_left_out(source: Peer, target: Peer) -> None:
    talk = Talk().user("", " \n").says(source.name, " \t").user("one", "", "  ").says(source.name, "two").user("three")
    body = talk.clean(target.name)
    assert "one" in shown(body) and "two" in shown(body) and "three" in shown(body)


@every()
def test_M3_no_request_ends_in_an_answer_with_blanks_behind_it(source: Peer, target: Peer) -> None:
    body = Talk().user("begin").says(source.name, "An answer, and then  \n").clean(target.name)
    assert spoken(body)[-1] == "user"


@every()
def test_M4_after_a_stopped_answer_the_request_ends_with_the_user(source: Peer, target: Peer) -> None:
    talk = Talk().user("tell me").says(source.name, "Once upon a time there", cut_after=7).stops()
    body = talk.clean(target.name)
    assert spoken(body)[-1] == "user"
    assert "Continue exactly where you stopped." in shown(body)


@every()
def test_M5_a_conversation_that_begins_with_the_assistant_gets_a_user_before_it(source: Peer, target: Peer) -> None:
    body = Talk().user().says(source.name, "Welcome!").user("hi").clean(target.name)
    assert spoken(body)[0] == "user"
    assert "Welcome!" in shown(body) and "hi" in shown(body)


@every()
def test_M6_neighbours_of_one_role_become_one(source: Peer, target: Peer) -> None:
    talk = Talk().user("first").fails().user("second").says(source.name, "One.").says(source.name, "Two.").user("third")
    roles = spoken(talk.clean(target.name))
    assert not [r for r, after in pairwise(roles) if r == after]
    for word in ("first", "second", "One.", "Two.", "third"):
        assert word in shown(talk.clean(target.name))


@every()
def test_M7_an_answer_with_nothing_left_is_left_out(source: Peer, target: Peer) -> None:
    talk = Talk().user("first").says(source.name, "", reasoning="only a thought").user("second")
    talk.says(source.name, "").user("third")
    body = talk.clean(target.name)
    assert all(word in shown(body) for word in ("first", "second", "third"))
    if source != target:
        assert "only a thought" not in shown(body)


@every(targets=CHAT)
def test_M8_text_alone_is_a_string(source: Peer, target: Peer) -> None:
    body = Talk().user("one", "two").says(source.name, "three").user("four").clean(target.name)
    assert all(isinstance(m["content"], str) for m in items(body))


@every()
def test_M9_a_refusal_is_text_on_the_wire(source: Peer, target: Peer) -> None:
    talk = Talk().user("do").step(foreign_step(Refusal("I would rather not."))).user("please")
    talk.says(source.name, refusal="Still no.").user("why?")
    body = talk.clean(target.name)
    assert "I would rather not." in shown(body)
    assert "Still no." in shown(body)
    assert not blocks(body, "refusal") or source == target


@every()
def test_M10_no_message_bears_a_name(source: Peer, target: Peer) -> None:
    body = Talk().user("look").says(source.name, "", calls=[READ], results=["r"]).user("next").clean(target.name)
    assert not [m for m in items(body) if "name" in m and m.get("type") != "function_call"]


@every(targets=ANTHROPIC)
def test_S1_the_leading_system_text_is_no_message(source: Peer, target: Peer) -> None:
    body = Talk("Be brief.").user("hi").says(source.name, "Hello.").user("next").clean(target.name)
    assert body["system"] == "Be brief."
    assert "Be brief." not in json.dumps(items(body))


@every(targets=ANTHROPIC + RESPONSES)
def test_S2_a_note_in_mid_chat_keeps_its_place(source: Peer, target: Peer) -> None:
    _note_keeps_its_place(source, target)


@every(targets=CHAT)
def test_S3_a_system_text_stands_first_or_where_the_target_takes_it(source: Peer, target: Peer) -> None:
    body = _note_keeps_its_place(source, target)
    later = [m["role"] for m in items(body)[1:] if m["role"] in ("system", "developer")]
    assert bool(later) == (target.profile.system == "any")


def _note_keeps_its_place(source: Peer, target: Peer) -> JSON:
    talk = Talk("Lead.").user("one").says(source.name, "two").user("three", SystemNote("Answer in French."))
    body = talk.says(source.name, "quatre").user("five").clean(target.name)
    place = [shown(body).index(word) for word in ("one", "two", "three", "Answer in French.", "quatre", "five")]
    tagged = "<system>Answer in French.</system>" in shown(body)
    assert place == sorted(place)
    assert tagged == (target.profile.system != "any")
    return body


@every()
def test_S4_the_role_developer_is_for_those_who_know_it(source: Peer, target: Peer) -> None:
    talk = Talk("Lead.").user("one", SystemNote("Note.")).says(source.name, "two").user("three")
    roles = {i.get("role") for i in items(talk.clean(target.name))}
    assert ("developer" in roles) == (target.profile.developer_role and target.profile.system == "any")
    assert not target.profile.developer_role or "system" not in roles


@every(targets=[BY_NAME["chat-no-system"]])
def test_S5_without_a_system_role_its_text_leads_the_first_message(source: Peer, target: Peer) -> None:
    body = Talk("Be brief.").user("hi").says(source.name, "Hello.").user("next").clean(target.name)
    assert items(body)[0]["role"] == "user"
    assert items(body)[0]["content"].startswith("Be brief.")
    assert {m["role"] for m in items(body)} == {"user", "assistant"}


@every()
def test_S6_the_system_text_names_the_model_that_is_asked(source: Peer, target: Peer) -> None:
    talk = Talk("You are {model} of {provider}.").user("who?").says(source.name, "Me.").user("and now?")
    body = talk.clean(target.name)
    assert f"You are {target.origin.model} of {target.name}." in shown(body)
    if source != target:
        assert f"You are {source.origin.model}" not in shown(body)


@each()
def test_M6_an_error_between_two_questions_leaves_no_gap(target: Peer) -> None:
    talk = Talk().user("first")
    failed = Answer(failure=Failure("server", "An error that nobody may read as an answer."))
    talk.transcript = talk.transcript.replace_turn(0, replace(talk.turn, answers=(failed,)))
    body = talk.user("second").clean(target.name)
    assert spoken(body) == ["user"]
    assert "nobody may read" not in shown(body)


@each(targets=SEEING)
def test_M8_a_text_beside_a_picture_is_a_part(target: Peer) -> None:
    body = Talk().user(picture(), "what is this?").clean(target.name)
    content = items(body)[-1]["content"]
    assert isinstance(content, list)
    assert [c["type"] for c in content][-1] in ("text", "input_text")


@each(targets=LEADING)
def test_S2_tags_are_explained_once(target: Peer) -> None:
    talk = Talk().user("one", SystemNote("A."), SystemNote("B.")).says(target.name, "x").user("two", SystemNote("C."))
    assert shown(talk.clean(target.name)).count("comes from the application") == 1


@each(targets=ANYWHERE)
def test_S3_a_note_alone_still_ends_the_request_with_a_user(target: Peer) -> None:
    talk = Talk().user("one").says(target.name, "two").user(SystemNote("Only a note."))
    assert spoken(talk.clean(target.name))[-1] == "user"


@each()
def test_M4_an_empty_conversation_is_still_a_request(target: Peer) -> None:
    for talk in (Talk("").user(), Talk("").user(Text("")), Talk(" ").user(" ")):
        assert spoken(talk.clean(target.name)) == ["user"]

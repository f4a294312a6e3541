"""Each pass of lowering alone: what it changes, and that it leaves the rest as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aether.lowering import Message, Target, lower
from aether.lowering.calls import NO_OUTPUT, NOT_RUN, close_calls, fix_calls, flatten_tools, give_ids, valid_name
from aether.lowering.media import place_media
from aether.lowering.shape import BRIDGE, GO_ON, START, anchor_ends, bridge, drop_blank, merge_neighbours
from aether.lowering.system import place_system, render_system
from aether.lowering.text import mend_text
from aether.profile import Profile
from aether.transcript import (
    Answer,
    Blob,
    File,
    Image,
    Native,
    Origin,
    Part,
    Reasoning,
    Step,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
)
from aether.wire.base import Ask

A, B = ToolCall("a", "read_file", "{}"), ToolCall("b", "read_file", "{}")
PICTURE = Image(Blob("0" * 64, "image/png", "cat.png", 9, 4, 3))
HOME, AWAY = Origin("openai-chat", "https://x.test/v1", "k", "m"), Origin("openai-chat", "https://y.test/v1", "k", "n")


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(Text(p) if isinstance(p, str) else p for p in parts))


def says(*parts: Part | str, native: tuple[Native, ...] = ()) -> Message:
    return Message("assistant", tuple(Text(p) if isinstance(p, str) else p for p in parts), native)


def results(*given: ToolResult) -> Message:
    return Message("tool", given)


def got(call: ToolCall, *parts: Any, status: Any = "ok") -> ToolResult:
    return ToolResult(call.id, call.name, parts or (Text("r"),), status)


def target(**quirks: Any) -> Target:
    return Target("here", HOME, Profile(**({"tools": True} | quirks)))


SOUND = [user("q"), says("I look.", A, B), results(got(A), got(B)), says("Done."), user("next")]


def test_what_is_sound_goes_through_every_pass_as_it_is() -> None:
    profile = Profile(tools=True)
    assert close_calls(SOUND) == fix_calls(SOUND) == drop_blank(SOUND) == merge_neighbours(SOUND) == SOUND
    assert anchor_ends(SOUND) == bridge(SOUND, profile) == SOUND
    assert place_media(SOUND, profile) == flatten_tools(SOUND, profile) == (SOUND, [])
    assert place_system(SOUND, "Lead.", target()) == ("Lead.", SOUND)


def test_mend_text_joins_halves_of_characters_and_replaces_lonely_ones() -> None:
    own = says(native=(Native("text", {"t": ["\ud83d\ude00", {"u": "x\udfff"}]}),))
    halved = results(got(A, Text("\ud83d\ude00 \ud83d")))
    assert mend_text([user("\ud800"), halved, own, *SOUND]) == [
        user("\ufffd"),
        results(got(A, Text("\U0001f600 \ufffd"))),
        says(native=(Native("text", {"t": ["\U0001f600", {"u": "x\ufffd"}]}),)),
        *SOUND,
    ]


def test_what_has_no_place_in_a_message_becomes_words() -> None:
    """An import may hold anything: a result among a model's words, a call or thoughts among a user's."""
    odd = Turn((A, Reasoning("hm"), Text("q"), got(B)), (Answer((Step("p", "m", AWAY, (got(A), Text("x"))),)),))
    shown = lower(Transcript(turns=(odd,)), target()).messages
    assert shown[0] == user("[called read_file({})]", "q", "[result of read_file] r")
    assert shown[1].parts == (Text("[result of read_file] r"), Text("x"))


def test_arguments_that_are_too_deep_are_shown_as_they_were() -> None:
    deep = '{"a":' * 400 + "1" + "}" * 400
    (message,) = fix_calls([says(ToolCall("a", "read_file", deep))])
    assert [p.object for p in message.parts if isinstance(p, ToolCall)] == [{"_raw_arguments": deep}]


def test_close_calls_answers_each_call_right_after_it() -> None:
    left_open = close_calls([user("q"), says(A, B), results(got(B)), user("next")])
    assert left_open[2] == results(got(A, Text(NOT_RUN), status="not_run"), got(B))
    assert close_calls([says(A)])[-1] == results(got(A, Text(NOT_RUN), status="not_run"))


def test_close_calls_keeps_a_result_without_a_call_as_words_of_the_user() -> None:
    orphan = close_calls([says("x"), results(ToolResult("z", "f", (Text("kept"), PICTURE), "error"))])[1]
    assert orphan == user("[result of f] Error: kept", PICTURE)


def test_of_two_calls_with_one_id_the_first_gets_the_first_result() -> None:
    twice = close_calls([says(A, A), results(got(A, Text("1")), got(A, Text("2")))])
    assert twice[1] == results(got(A, Text("1")), got(A, Text("2")))


def test_fix_calls_mends_names_arguments_and_empty_results() -> None:
    bad = ToolCall("a", "fs.read/file", "[1]")
    fixed = fix_calls([says(bad), results(got(bad, Text(" ")))])
    good = ToolCall("a", valid_name("fs.read/file"), '{"_raw_arguments": "[1]"}')
    assert fixed == [says(good), results(got(good, Text(NO_OUTPUT)))]


def test_fix_calls_leaves_own_blocks_alone() -> None:
    own = says(ToolCall("a", "fs.read/file", "[1]"), native=(Native("call", {}),))
    assert fix_calls([own]) == [own]


def test_give_ids_depends_on_the_place_and_takes_no_id_twice() -> None:
    talk = [says(A, B), results(got(A), got(B))]
    taken: set[str] = set()
    first, second = give_ids(talk, 0, taken), give_ids(talk, 2, taken)
    ids = [p.id for m in (*first, *second) for p in m.parts if isinstance(p, ToolCall)]
    assert len(set(ids)) == 4 and set(ids) == taken and all(len(i) == 9 and i.isalnum() for i in ids)
    assert [p.call_id for p in first[1].parts if isinstance(p, ToolResult)] == ids[:2]
    assert give_ids(talk, 0, set()) == first
    assert give_ids(talk, 0, {ids[0]})[0] != first[0]


def test_flatten_tools_tells_calls_in_words() -> None:
    flat, omitted = flatten_tools([says("I look.", A), results(got(A, Text("no"), status="error"))], Profile())
    assert flat == [says("I look.", "[called read_file({})]"), user("[result of read_file] Error: no")]
    assert [(o.kind, o.count) for o in omitted] == [("tools", 1)]


def test_place_media_hides_what_the_target_cannot_take() -> None:
    document = File(Blob("1" * 64, "text/plain", "a.txt", 3), "```x")
    hidden, omitted = place_media([user("see", PICTURE, document)], Profile())
    assert [p.text.splitlines()[0] for p in hidden[0].parts if isinstance(p, Text)] == [
        "see",
        '[image "cat.png" 4×3 not shown: this model cannot see images]',
        '[text of the file "a.txt"]',
    ]
    assert [(o.kind, o.count) for o in omitted] == [("image", 1), ("file", 1)]


def test_place_media_moves_pictures_to_the_user() -> None:
    moved, _ = place_media([says("Look.", PICTURE), user("nice")], Profile(vision=True))
    assert moved == [says("Look."), user("[made by the assistant:]", PICTURE, "nice")]
    of_tool, _ = place_media([says(A), results(got(A, Text("r"), PICTURE))], Profile(vision=True))
    assert of_tool[1:] == [
        results(got(A, Text("r"), Text("(shown in the next message)"))),
        user("[from the tool read_file:]", PICTURE),
    ]


def test_drop_blank_leaves_nothing_empty() -> None:
    assert drop_blank([user(" ", "x", ""), says("\n"), says()]) == [user("x")]
    kept = says(native=(Native("text", {}),))
    assert drop_blank([kept]) == [kept]


def test_merge_neighbours_joins_users_and_parts_assistants() -> None:
    assert merge_neighbours([user("a"), user("b"), says("x"), says("y")]) == [
        user("a", "b"),
        says("x"),
        user(GO_ON),
        says("y"),
    ]


def test_anchor_ends_puts_users_at_both_ends() -> None:
    assert anchor_ends([says("hi")]) == [user(START), says("hi"), user(GO_ON)]
    assert anchor_ends([]) == [user(START)]


def test_bridge_parts_tool_and_user_where_that_is_wanted() -> None:
    talk = [user("q"), says(A), results(got(A)), user("next")]
    assert bridge(talk, Profile(strict_alternation=False, strict_tool_user=True))[3] == says(BRIDGE)
    assert bridge(talk, Profile(strict_alternation=False, strict_tool_user=False)) == talk


def test_render_system_fills_in_who_is_asked() -> None:
    assert render_system(" You are {model} of {provider}. {x} ", target()) == "You are m of here. {x}"


@pytest.mark.parametrize(
    ("rule", "lead", "expected"),
    [
        ("lead", "S", [user("Text between <system> and </system> comes from the application, not from the user.",
                            "<system>N</system>", "q")]),
        ("any", "S", [user("q"), Message("system", (SystemNote("N"),))]),
    ],
)  # fmt: skip
def test_place_system_puts_notes_where_they_are_taken(rule: Any, lead: str, expected: list[Message]) -> None:
    assert place_system([user(SystemNote("N"), "q")], "S", target(system=rule)) == (lead, expected)


def test_place_system_folds_the_leading_text_where_the_role_is_refused() -> None:
    assert place_system([user("q")], "S", target(system="none")) == ("", [user("S", "q")])


def test_own_steps_go_home_as_they_are_and_their_reasoning_only_behind_what_it_was_made_after() -> None:
    thought, word = Native("reasoning", {"r": 1}), Native("text", {"t": 1})
    asked = Transcript(turns=(Turn((Text("q"),)),))
    parts = (Reasoning("hm"), Text("x"))
    own = Step("here", "m", HOME, parts, native=(thought, word), prefix=lower(asked, target()).prefix)
    mine = asked.replace_turn(0, Turn((Text("q"),), (Answer((own,)),))).with_turn(Turn((Text("next"),)))
    assert lower(mine, target()).messages[1].native == (thought, word)
    edited = mine.replace_turn(0, Turn((Text("other"),), (Answer((own,)),)))
    for changed in (lower(edited, target()), lower(mine, target(), strict=True)):
        assert (changed.messages[1].native, changed.messages[1].whole) == ((word,), False)
        assert [(o.kind, o.count) for o in changed.omissions] == [("reasoning", 1)]
    stranger = replace(target(), origin=AWAY)
    assert (lower(mine, stranger).messages[1].native, lower(mine, stranger).messages[1].parts) == ((), (Text("x"),))


def test_what_is_kept_of_a_turn_changes_nothing() -> None:
    """A turn that was lowered before, for others and at another place, is lowered as if it never had been."""
    turns = tuple(Turn((Text(f"q{n}"),), (Answer((Step("p", "m", AWAY, (A,), (got(A),)),)),)) for n in range(3))
    kept = Transcript(turns=turns)
    for quirks in ({}, {"tools": False}, {"vision": True}, {"system": "any"}):
        lower(kept, target(**quirks))
        lower(replace(kept, turns=turns[1:]), target(**quirks))
    for quirks in ({}, {"tools": False}, {"vision": True}, {"system": "any"}):
        fresh = Transcript.from_dict(kept.to_dict())
        assert lower(kept, target(**quirks)) == lower(fresh, target(**quirks))


def test_an_answer_has_the_usual_bound_unless_another_is_wished() -> None:
    usual = Profile(usual_output=48)
    assert Ask("m", usual).bound() == 48
    assert Ask("m", usual).bound(4096) == 48
    assert Ask("m", usual, max_tokens=100).bound() == 100
    assert Ask("m", Profile()).bound() is None
    assert repr(usual) == repr(Profile()), "digests of what was shown go over it, and stay as they were"

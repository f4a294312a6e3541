"""Branches: every way that a conversation went still stands, whatever is done to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aether import branches
from aether.lowering import Target, lower
from aether.profile import Profile
from aether.transcript import Answer, Branch, Cut, Failure, Origin, Step, Text, Transcript, TranscriptError, Turn

ORIGIN = Origin("openai-chat", "http://peer.test/v1", "a1", "m")


def turn(name: str, *answers: str, chosen: int = 0) -> Turn:
    told = tuple(Answer((Step("p", "m", ORIGIN, (Text(words),)),)) for words in answers or (f"re {name}",))
    return Turn((Text(name),), told, chosen)


def said(transcript: Transcript) -> str:
    return " ".join(t.text for t in transcript.turns)


ABC = Transcript("s", (turn("a"), turn("b"), turn("c")))


def test_a_fork_keeps_the_way_that_it_left_and_walking_back_restores_it() -> None:
    forked = branches.fork(ABC, 1, turn("B"))
    assert said(forked) == "a B"
    assert forked.branches == (Branch(1, ABC.turns[1:]),)
    assert replace(branches.walk(forked, 0), branches=()) == ABC
    assert branches.walk(branches.walk(forked, 0), 0) == forked


def test_branches_of_branches_are_found_again_from_anywhere() -> None:
    third = branches.fork(branches.fork(ABC, 1, turn("B"), turn("C")), 2, turn("D"))
    assert said(third) == "a B D"
    assert sorted(" ".join(t.text for t in way) for way, _ in branches.ways(third)) == ["a B C", "a B D", "a b c"]
    for number in range(2):
        walked = branches.walk(third, number)
        assert {w for w, _ in branches.ways(walked)} == {w for w, _ in branches.ways(third)}


def test_going_on_from_an_earlier_cell_and_back_leaves_no_trace() -> None:
    short = branches.fork(ABC, 1)
    assert said(short) == "a"
    assert branches.siblings(short, 1) == [0]
    assert branches.walk(short, 0) == ABC


def test_another_answer_sets_later_turns_aside_and_coming_back_brings_them() -> None:
    two = Transcript("s", (turn("a", "x", "y"), turn("b")))
    other = branches.choose(two, 0, 1)
    assert (said(other), other.turns[0].answer) == ("a", two.turns[0].answers[1])
    assert branches.siblings(other, 0) == []
    grown = other.with_turn(turn("c"))
    assert branches.choose(grown, 0, 0).turns == two.turns
    assert branches.choose(branches.choose(grown, 0, 0), 0, 1).turns == grown.turns


def test_an_answer_that_came_later_is_known_on_the_way_back() -> None:
    other = branches.choose(Transcript("s", (turn("a", "x", "y"), turn("b"))), 0, 1)
    third = other.replace_turn(0, turn("a", "x", "y", "z", chosen=1))
    back = branches.choose(third, 0, 0)
    assert [a.text for a in back.turns[0].answers] == ["x", "y", "z"]
    assert said(back) == "a b"


def test_a_deleted_turn_is_gone_from_every_way_through_it_and_cuts_move_along() -> None:
    cut = replace(ABC, cuts=(Cut(0, 1, "sum"),))
    gone = branches.without(branches.fork(cut, 2, turn("C")), 0)
    assert (said(gone), gone.cuts) == ("b C", ())
    assert branches.walk(gone, 0).turns == ABC.turns[1:]
    assert branches.walk(gone, 0).cuts == ()
    plain = replace(ABC, cuts=(Cut(0, 1), Cut(2, 2, "sum")))
    assert branches.without(plain, 0).cuts == (Cut(0, 0), Cut(1, 1, "sum"))


def test_the_first_form_of_the_file_still_loads() -> None:
    old = ABC.to_dict() | {"version": 1}
    del old["branches"]
    assert Transcript.from_dict(old) == ABC


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("branches", [{"first": 9, "turns": []}]),
        ("branches", [{"first": -1, "turns": []}]),
        ("cuts", [{"first": 0, "last": 9}]),
        ("cuts", [{"first": 1, "last": 0}]),
        ("turns", [{"prompt": [], "chosen": 3}]),
        ("turns", [{"prompt": [], "chosen": -1}]),
        ("version", True),
        ("version", 0),
        ("version", 99),
    ],
)
def test_an_index_that_points_nowhere_is_refused(field: str, value: object) -> None:
    with pytest.raises(TranscriptError):
        Transcript.from_dict(ABC.to_dict() | {field: value})


ANYONE = Target("anyone", Origin("openai-chat", "https://anyone.test", "", "m"), Profile())
DEEDS = st.lists(
    st.tuples(st.sampled_from(["ask", "fork", "walk", "choose", "answer"]), st.integers(0, 9), st.integers(0, 3)),
    max_size=14,
)


@settings(deadline=None)
@given(DEEDS)
def test_no_way_is_ever_lost_and_models_are_shown_one_way_alone(deeds: list[tuple[str, int, int]]) -> None:
    transcript, asked = Transcript("s", (turn("t0"),)), ["t0"]
    for deed, at, which in deeds:
        index = at % len(transcript.turns)
        fresh = replace(turn(f"t{len(asked)}"), at=float(len(asked)))
        match deed:
            case "ask":
                transcript = transcript.with_turn(fresh)
                asked.append(fresh.text)
            case "fork":
                transcript = branches.fork(transcript, index, fresh)
                asked.append(fresh.text)
            case "walk" if transcript.branches:
                transcript = branches.walk(transcript, at % len(transcript.branches))
            case "choose":
                transcript = branches.choose(transcript, index, which % len(transcript.turns[index].answers))
            case "answer":
                known = transcript.turns[index]
                more = turn("", f"again {len(known.answers)}").answers
                transcript = transcript.replace_turn(index, replace(known, answers=known.answers + more))
        assert {t.text for way, _ in branches.ways(transcript) for t in way} == set(asked)
        *shown, _go_on = [p.text for m in lower(transcript, ANYONE).messages for p in m.parts if isinstance(p, Text)]
        assert shown == [w for t in transcript.turns if t.answer for w in (t.text, t.answer.text)]
        assert Transcript.from_dict(transcript.to_dict()) == transcript


def test_many_answers_of_one_cell_are_compared_by_their_digests() -> None:
    compared = 0

    class Counted(Answer):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return super().__eq__(other)

        __hash__ = None  # pyright: ignore[reportAssignmentType]

    def cell(number: int) -> Turn:
        made = (Counted(failure=Failure("x", f"{number} {n}")) for n in range(50))
        return Turn((Text("q"),), tuple(made))

    talk = Transcript("", (cell(0),), branches=tuple(Branch(0, (cell(n % 10),)) for n in range(1, 20)))
    assert len(branches.answers(talk)) == 500
    assert branches.siblings(talk, 0) == [*range(9)]
    assert not compared

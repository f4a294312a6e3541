"""What a conversation took."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aether import branches, exports
from aether.transcript import Answer, Origin, Step, Text, Transcript, Turn
from aether.ui import panels, stamp, usage
from aether.usage import Usage

ORIGIN = Origin("openai-chat", "http://peer.test/v1", "a1", "m")


def step(model: str, out: int, *, at: float, cost_usd: float | None = 0.5) -> Step:
    return Step(
        "p", model, ORIGIN, (Text("x"),), usage=Usage(10, out), cost_usd=cost_usd, ttft_ms=100.0, total_ms=1100.0, at=at
    )


def test_every_answer_of_every_way_is_counted_once() -> None:
    one = Turn((Text("a"),), (Answer((step("m", 20, at=1.0),)), Answer((step("n", 40, at=2.0),))), at=1.0)
    two = Turn((Text("b"),), (Answer((step("m", 30, at=3.0, cost_usd=None),)),), at=2.0)
    transcript = branches.fork(Transcript("s", (one, two)), 1)
    transcript = branches.choose(transcript, 0, 1)
    assert len(branches.answers(transcript)) == 3
    shown = usage.show(transcript)
    for words in ("<dd>3</dd>", "<dd>90</dd>", "$1.00 or more", "p/m", "p/n", "100 ms"):
        assert words in shown


def test_speed_is_that_of_the_time_in_which_text_came() -> None:
    assert usage.Figures((step("m", 20, at=1.0), step("m", 40, at=2.0))).speed == pytest.approx(30.0)
    assert usage.Figures((Step("p", "m", ORIGIN),)).speed == 0.0


def test_nothing_was_used_yet() -> None:
    assert "Nothing was used" in usage.show(Transcript("s"))


def test_what_came_in_a_file_was_not_spent_here_and_bears_a_mark() -> None:
    claimed = replace(step("m", 20, at=1.0, cost_usd=99.0), imported=True)
    own = step("n", 40, at=2.0)
    transcript = Transcript("s", tuple(Turn((Text("a"),), (Answer((s,)),), at=s.at) for s in (claimed, own)))
    for shown in (usage.show(transcript), panels.usage(transcript)):
        assert "99" not in shown
        assert "$0.50" in shown
    for said in (stamp.stamp(transcript.turns[0].answers[0]), exports.document(transcript, "md").data.decode()):
        assert "Aether did not see this answer being given" in said
    assert "imported" not in stamp.stamp(transcript.turns[1].answers[0])

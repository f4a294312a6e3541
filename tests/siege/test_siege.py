"""A short siege: a stranger makes as many attacks as fit into a quarter of a minute, and no honest answer is lost."""

from __future__ import annotations

from tests.siege.__main__ import siege


def test_a_stranger_takes_nothing_from_five_honest_visitors() -> None:
    report = siege(quiet_s=2, attack_s=15, seed=1)
    assert len(report.attacks) >= 2
    assert report.attacked.first_s, "nobody was answered"
    assert not report.faults, "\n".join([*report.faults, str(report)])

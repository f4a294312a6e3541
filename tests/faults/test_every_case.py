"""The list of threats is whole: each of its forty cases is the name of a test."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
NAMED = re.compile(r"^(?:async )?def (test_cases?_\w+)", re.MULTILINE)
CASES = range(1, 41)


def numbers(name: str) -> set[int]:
    """Return the cases that a test names: `case_07`, `cases_05_and_21`, `cases_01_to_07`."""
    told = re.match(r"test_cases?_((?:\d\d[a-z]?_(?:and_|to_)?)+)", name)
    found = [int(n) for n in re.findall(r"\d\d", told[1])] if told else []
    if told and "_to_" in told[1]:
        return set(range(found[0], found[-1] + 1))
    return set(found)


def test_each_case_has_a_test_of_its_name() -> None:
    names = [name for file in TESTS.rglob("test_*.py") for name in NAMED.findall(file.read_text())]
    held = set[int]().union(*map(numbers, names))
    assert sorted(set(CASES) - held) == []


def test_names_are_read_as_they_are_meant() -> None:
    assert numbers("test_case_07_an_export") == {7}
    assert numbers("test_cases_05_and_21_x") == {5, 21}
    assert numbers("test_cases_26_27_and_28_x") == {26, 27, 28}
    assert numbers("test_cases_01_to_03_x") == {1, 2, 3}

"""What a service says that an answer took is cleaned at the door, in each protocol."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aether.usage import Usage
from aether.wire.counts import MOST_TOKENS, added, usage_of

JUNK: list[Any] = [True, False, 4000.0, "40", -1, -(10**18), 10**18, 1e18, float("nan"), [], {}, MOST_TOKENS + 1]


def test_reasoning_outside_the_answer_is_counted() -> None:
    assert usage_of(input=10, output=9, reasoning=4000, total=4019, spoke=True).output == 4009
    assert usage_of(input=10, output=9, reasoning=4000, spoke=True).output == 4009
    assert usage_of(input=10, output=0, total=50, spoke=True).output == 40


def test_reasoning_inside_the_answer_is_counted_once() -> None:
    assert usage_of(input=10, output=4009, reasoning=4000, total=4019, spoke=True).output == 4009


@pytest.mark.parametrize("part", ["input", "output", "total", "cache_read", "cache_write", "reasoning"])
@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_a_report_with_one_unsound_number_is_none(part: str, junk: Any) -> None:
    assert usage_of(**({"input": 10, "output": 5} | {part: junk}), spoke=True) == Usage()


def test_a_report_of_nothing_is_none() -> None:
    assert usage_of(input=None, output=None, spoke=True) == Usage()
    assert usage_of(input=10, output=0, spoke=True) == Usage()
    assert usage_of(input=10, output=0, spoke=False) == Usage(10)
    assert added(5, "x") == -1


@given(*[st.one_of(st.none(), st.integers(-5, 10**7), st.sampled_from(JUNK)) for _ in range(6)])
def test_no_report_leads_to_a_count_that_cannot_be(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> None:
    usage = usage_of(input=a, output=b, total=c, cache_read=d, cache_write=e, reasoning=f, spoke=True)
    counts = usage.to_dict().values()
    assert all(type(n) is int and 0 <= n <= 4 * MOST_TOKENS for n in counts)
    assert usage.cache_read + usage.cache_write <= usage.input
    assert usage.reasoning <= usage.output

"""What a model costs: rates of long requests, fees, and claims that are none."""

from __future__ import annotations

from typing import Any

import pytest

from aether.catalog.file import Provider
from aether.catalog.live import models_of
from aether.catalog.prices import known_facts
from aether.guard.cost import true_nano_usd, worst_nano_usd
from aether.usage import Price, Rates, Usage

TIERED = Price(1.0, 2.0, tiers=((100_000, Rates(5.0, 10.0)),), request=0.01, image=0.001)
LISTS = Provider("acme", "Acme", "openai-chat", "http://acme.test/v1")


def listed(**pricing: Any) -> Price | None:
    return models_of(LISTS, [{"id": "m", "pricing": pricing}])[0].price


def test_the_table_tells_the_dearer_rates_of_long_requests() -> None:
    _, price = known_facts("anthropic", "claude-sonnet-4-5")
    assert price is not None
    assert price.tiers
    above, rates = price.tiers[0]
    assert rates.input > price.input
    assert price.cost_usd(Usage(above, 0)) == pytest.approx(above * price.input / 1e6)
    assert price.cost_usd(Usage(above + 1, 0)) == pytest.approx((above + 1) * rates.input / 1e6)


def test_the_table_tells_fees_and_what_nothing_bounds() -> None:
    sonar, deep = known_facts("perplexity", "sonar")[1], known_facts("perplexity", "sonar-deep-research")[1]
    assert sonar is not None and sonar.request > 0 and not sonar.unbounded
    assert deep is not None and deep.unbounded


@pytest.mark.parametrize("tokens", [1, 99_999, 100_000, 100_001, 160_000])
def test_nothing_costs_more_than_was_set_aside(tokens: int) -> None:
    worst = worst_nano_usd(tokens, 100, TIERED, pictures=2)
    for read_in in {1, tokens // 2, tokens}:
        assert true_nano_usd(Usage(read_in, 100), TIERED, pictures=2) <= worst


def test_a_list_tells_each_part_of_a_price() -> None:
    told = {"prompt": "0.000001", "completion": "0.000002", "request": "0.005", "internal_reasoning": "0.000009"}
    assert listed(**told, image="0.01") == Price(1.0, 9.0, request=0.005, image=0.01)


@pytest.mark.parametrize(
    "told",
    [
        {"prompt": "0", "completion": "0"},
        {"prompt": "-1", "completion": "-1"},
        {"prompt": "nan", "completion": "0.000001"},
        {"prompt": "0.000001", "completion": "nan"},
        {"prompt": "0.000001", "completion": "inf"},
        {"prompt": "0.000001", "completion": True},
        {"prompt": "0.000001", "completion": "0.000001", "request": "-1"},
        {"prompt": "0.000001", "completion": "0.000001", "image": "nan"},
        {"prompt": "0.000001"},
        {"prompt": "1e300", "completion": "1e300"},
    ],
)
def test_a_claim_that_is_no_price_is_none(told: dict[str, Any]) -> None:
    assert listed(**told) is None

"""Tokens of one LLM request, and what they cost. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Usage:
    """Count tokens. `input` includes `cache_read` and `cache_write`; `output` includes `reasoning`."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.reasoning + other.reasoning,
        )

    def to_dict(self) -> dict[str, int]:
        """Return the counts by their names."""
        return asdict(self)


@dataclass(frozen=True)
class Rates:
    """What tokens cost, in USD for a million; a cache price that is None counts as `input`."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None

    @property
    def dearest_input(self) -> float:
        """Return the highest rate that a token of input can have."""
        return max(self.input, self.cache_read or 0.0, self.cache_write or 0.0)

    def of(self, usage: Usage) -> float:
        """Return what `usage` costs, in USD."""
        plain = max(0, usage.input - usage.cache_read - usage.cache_write)
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        total = plain * self.input + usage.cache_read * read + usage.cache_write * write + usage.output * self.output
        return total / 1_000_000


@dataclass(frozen=True)
class Price(Rates):
    """What a model costs. `tiers`: rates for all tokens of a request with more input than that, in rising order.

    `request` and `image` are fees in USD, for each request and for each picture that it shows. `unbounded`: there are
    other fees, such as for searches or pictures that the model makes, which nothing in a request bounds.
    """

    tiers: tuple[tuple[int, Rates], ...] = ()
    request: float = 0.0
    image: float = 0.0
    unbounded: bool = False

    def cost_usd(self, usage: Usage) -> float:
        """Return what `usage` costs, in USD, without the fees for pictures."""
        tier = next((rates for above, rates in reversed(self.tiers) if usage.input > above), self)
        return tier.of(usage) + (self.request if usage.input else 0.0)

    def worst_usd(self, tokens: int, answer_tokens: int, images: int = 0) -> float:
        """Return the most that a request costs which has no more than these tokens and pictures, in USD."""
        reached = [self, *(rates for above, rates in self.tiers if tokens > above)]
        most_in, most_out = max(r.dearest_input for r in reached), max(r.output for r in reached)
        return (tokens * most_in + answer_tokens * most_out) / 1_000_000 + self.request + images * self.image

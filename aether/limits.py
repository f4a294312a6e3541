"""What one turn may take: requests, tokens, money, time. Pure.

Nothing is counted beside the answer: what was spent is read from its steps. The time in
which a person thinks about a call is nobody's. Each limit is an error of its own, met
between two requests, so that the results are there and the next turn goes on from them.
"""

from __future__ import annotations

from dataclasses import dataclass

from aether.errors import CostLimit, StepLimit, TimeLimit, TokenLimit
from aether.transcript import Answer, Step


@dataclass(frozen=True)
class Limits:
    """Bounds of one turn: LLM requests, tokens in and out, US dollars where the price is known, seconds.

    `answer_tokens` bounds what a model writes to one request; None leaves it to the service.
    """

    steps: int = 24
    tokens: int = 1_000_000
    usd: float = 1.0
    seconds: float = 600.0
    answer_tokens: int | None = None

    def check(self, answer: Answer) -> None:
        """Raise a LimitError if the steps of `answer` have used one of them up."""
        if not (steps := answer.steps):
            return  # the first request is always sent
        if len(steps) >= self.steps:
            raise StepLimit(f"The model asked for tools {self.steps} times in a row, which is the most for one turn.")
        if (tokens := sum(s.usage.input + s.usage.output for s in steps)) >= self.tokens:
            raise TokenLimit(f"This turn has used {tokens:,} tokens; {self.tokens:,} are allowed for one turn.")
        if (usd := sum(s.cost_usd or 0.0 for s in steps)) >= self.usd > 0:
            raise CostLimit(f"This turn has cost ${usd:.2f}; ${self.usd:.2f} are allowed for one turn.")
        if sum(map(_ms, steps)) >= self.seconds * 1000:
            raise TimeLimit(f"This turn has worked for {self.seconds:g} seconds, which is the most for one turn.")


def _ms(step: Step) -> float:
    """Return the time of a step: that of the model, and of the slowest of the calls, which run side by side."""
    return (step.total_ms or 0.0) + max((r.total_ms or 0.0 for r in step.results), default=0.0)

"""Answer → its stamp: who answered, how it ended, how long it took, what it cost. Pure.

Everything is read from the steps; nothing is stored for the screen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from aether.transcript import Answer, Step, StopReason
from aether.ui import words
from aether.ui.markdown import text
from aether.usage import Usage

STOPS: dict[StopReason, str] = {
    "done": "",
    "tool": "",
    "unknown": "",
    "length": "stamp.length",
    "refusal": "stamp.refusal",
    "filtered": "stamp.filtered",
    "paused": "stamp.paused",
    "context": "stamp.context",
    "stopped": "stamp.stopped",
    "error": "stamp.failed",
}


def stamp(answer: Answer) -> str:
    """Say who answered, how fast, and for how much. One for each settled answer."""
    facts = [_models(answer.steps)] if answer.steps else [f"<b>{text(words.say('stamp.nobody'))}</b>"]
    if any(step.imported for step in answer.steps):
        title, mark = (text(words.say(key)) for key in ("stamp.imported_title", "stamp.imported"))
        facts.append(f'<span class="flag imported" title="{title}">{mark}</span>')
    if flag := _end(answer):
        facts.append(f'<span class="flag">{text(flag)}</span>')
    facts.extend(flag for step in answer.steps if (flag := _reported(step)))
    if answer.steps:
        facts.extend(f"<span>{text(fact)}</span>" for fact in _figures(answer))
    return f'<div class="stamp {answer.status}">{"".join(dict.fromkeys(facts))}</div>'


def _models(settled: tuple[Step, ...]) -> str:
    names = dict.fromkeys(step.reference for step in settled)
    return '<b class="model">' + " → ".join(text(name) for name in names) + "</b>"


def _end(answer: Answer) -> str:
    match answer.status:
        case "error":
            limited = answer.failure is not None and answer.failure.kind.startswith("limit")
            return words.say("call.limit" if limited else STOPS["error"])
        case "stopped":
            return words.say(STOPS["stopped"])
        case "done":
            key = STOPS[answer.steps[-1].stop] if answer.steps else ""
            return words.say(key) if key else ""
        case _:
            assert_never(answer.status)


def _reported(step: Step) -> str:
    """Flag an answer whose service names another model; a dated name of the same one is only told."""
    said = step.reported_model
    if not said or said == step.model:
        return ""
    asked = step.model.rsplit("/", 1)[-1]
    if said.rsplit("/", 1)[-1].startswith(asked):
        title, served = (text(words.say(key, model=said)) for key in ("stamp.served_title", "stamp.served"))
        return f'<span class="served" title="{title}">{served}</span>'
    return f'<span class="flag mismatch" role="alert">{text(words.say("stamp.other", model=said))}</span>'


def _figures(answer: Answer) -> Iterable[str]:
    settled = answer.steps
    usage = sum((step.usage for step in settled), Usage())
    times = [step.total_ms for step in settled if step.total_ms is not None]
    if times:
        yield words.duration(sum(times))
    if first := words.duration(settled[0].ttft_ms):
        yield words.say("stamp.first", time=first)
    if usage.input or usage.output:
        yield words.say("stamp.tokens", input=words.tokens(usage.input), output=words.tokens(usage.output))
    if pace := words.speed(usage.output, writing_ms(settled)):
        yield pace
    if usage.cache_read:
        yield words.say("stamp.cached", count=words.tokens(usage.cache_read))
    if answer.failure is None or usage.input or usage.output:
        yield spent(settled)


def paid(settled: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps that were paid for here: not those that came in a file."""
    return tuple(step for step in settled if not step.imported)


def spent(settled: Iterable[Step]) -> str:
    """Say what some steps have cost together; where the price of one is not known, that it is more."""
    costs = [step.cost_usd for step in settled]
    known = [cost for cost in costs if cost is not None]
    said = words.money(sum(known) if known else None)
    return words.say("totals.more", money=said) if 0 < len(known) < len(costs) else said


def writing_ms(settled: Iterable[Step]) -> float:
    """Return how long text was coming, in milliseconds: the time after the first of each step."""
    return sum((s.total_ms or 0) - (s.ttft_ms or 0) for s in settled if s.total_ms and s.ttft_ms is not None)

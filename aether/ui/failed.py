"""How an answer ended that failed → markup: what happened in plain words, and the ways on. Pure; `failed.js` hears it.

The text that came before is kept and stands over it. The service's own words stay folded away.
"""

from __future__ import annotations

from collections.abc import Sequence

from aether.transcript import Answer, Failure
from aether.ui import words
from aether.ui.fragments import code, translated
from aether.ui.markdown import text
from aether.ui.words import say

OTHER_FIRST = ("auth", "quota", "not_found", "moved", "unpriced", "too_long")
"""Kinds for which the same request would fail again: another model is offered first."""
HOPELESS = ("allowance", "elsewhere", "unpriced", "too_long")
"""Kinds for which asking the same model again is not offered at all."""
GOES_ON = ("limit", "limit_steps", "limit_tokens", "limit_cost", "limit_time", "interrupted")
"""Kinds after which `continue` goes on where the answer ended."""


def notice(answer: Answer, *, cell: int | None = None) -> str:
    """Say how an answer failed, and offer what to do in the cell `cell`; None: nothing yet."""
    failure = answer.failure
    if failure is None:
        return ""
    tone, role = ("limit", "status") if failure.kind.startswith("limit") else ("error", "alert")
    detail = f"<details><summary>{text(say('failed.said'))}</summary>{code(failure.detail)}</details>"
    return (
        f'<div class="notice {tone}" role="{role}" data-kind="{text(failure.kind)}">'
        f"<p>{text(translated(failure.message))}</p>{_wait(answer, failure)}"
        f"{_ways(answer, failure, cell) if cell is not None else ''}{detail if failure.detail else ''}</div>"
    )


def _wait(answer: Answer, failure: Failure) -> str:
    """Say how long the service asks to wait; with the moment, in seconds since the epoch, if it is known."""
    wait_s = failure.retry_after_s
    if not wait_s:
        return ""
    step = answer.steps[-1] if answer.steps else None
    ends = f' data-until="{step.at + (step.total_ms or 0) / 1000 + wait_s:.1f}"' if step and step.at else ""
    said = say("failed.wait", time=words.duration(wait_s * 1000).replace(".0 s", " s"))
    return f'<p class="countdown" data-wait="{wait_s:g}"{ends}>{text(said)}</p>'


def _ways(answer: Answer, failure: Failure, cell: int) -> str:
    if failure.kind == "elsewhere":
        return ""
    reference = answer.steps[-1].reference if answer.steps else ""
    again = f'<button type="button" class="way retry" data-reference="{text(reference)}">{text(say("failed.again"))}'
    other = (
        f'<button type="button" class="way pick" data-pick="rerun" data-cell="{cell}" '
        f'data-without="{text(reference)}">{text(say("failed.other"))}'
    )
    go_on = f'<button type="button" class="way go-on" data-message="continue">{text(say("call.go_on"))}'
    own_key = f'<button type="button" class="way own-key">{text(say("guard.own_key"))}'
    ways = [other, again] if failure.kind in OTHER_FIRST else [again, other]
    if failure.kind in HOPELESS:
        ways.remove(again)
    if failure.kind == "allowance":
        ways.insert(0, own_key)
    if failure.kind in GOES_ON:
        ways = [go_on] if failure.kind.startswith("limit") else [go_on, *ways]
    return f'<div class="ways-on">{"</button>".join(ways)}</button></div>'


def spent(answers: Sequence[Answer], *, chosen: int) -> frozenset[int]:
    """Return which answers failed without a word and are not gone on from: they need no place of their own."""
    return frozenset(n for n, a in enumerate(answers) if n != chosen and a.failure and not _said_anything(a))


def _said_anything(answer: Answer) -> bool:
    return any(step.parts or step.results for step in answer.steps)


def reason(answer: Answer) -> str:
    """Say in one line why an answer failed."""
    return f'<p class="why">{text(translated(answer.failure.message))}</p>' if answer.failure else ""


def attempts(stamps: Sequence[str]) -> str:
    """Fold the answers away that failed without a word."""
    if not stamps:
        return ""
    title = say("failed.one") if len(stamps) == 1 else say("failed.several", count=len(stamps))
    return f'<details class="spent"><summary>{text(title)}</summary>{"".join(stamps)}</details>'

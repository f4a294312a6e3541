"""Badge, receipt and running totals → markup. Pure: it knows neither Gradio nor the runtime."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from aether.branches import answers
from aether.fit import Fit
from aether.lowering.view import Omission
from aether.transcript import Transcript
from aether.ui import words
from aether.ui.markdown import one_line, text
from aether.ui.sentences import told
from aether.ui.stamp import paid, spent
from aether.ui.words import say
from aether.usage import Usage


def badge(
    reference: str,
    *,
    state: Literal["ready", "pending", "error"],
    hue: int,
    word: int = 0,
) -> str:
    """Name the model that the next request goes to.

    `word` tells one word of the server from the next. The page writes a choice into the badge
    before the server has answered, and markup that is equal to the last is not shown again.
    """
    shown = text(reference or say("state.none"))
    title = text(say("said.swap", model=reference)) if reference else shown
    return one_line(
        f'<span id="active-model" class="hue-{hue}" data-state="{state}" data-word="{word}" '
        f'role="status" aria-live="polite" title="{title}">{shown}</span>'
    )


def receipt(
    lines: Sequence[str],
    *,
    omissions: Iterable[Omission] = (),
    tone: Literal["ok", "aloud", "error"] = "ok",
    key_for: str = "",
) -> str:
    """Say what a change of model means: that it happened, and what the new model is not shown.

    What is `aloud` is told to a screen reader alone: it stands on the screen elsewhere.
    `key_for` names the provider for which a key can be entered at once.
    """
    if not lines:
        return ""
    left_out = "".join(f"<li><b>{_counted(item)}</b> {text(told(item.reason))}</li>" for item in omissions)
    listed = (
        f"<details><summary>{text(say('receipt.left_out'))}</summary><ul>{left_out}</ul></details>" if left_out else ""
    )
    said = "".join(f"<span>{text(told(line))}</span>" for line in lines)
    enter = f'<button type="button" class="own-key" data-provider="{text(key_for)}">{text(say("guard.enter"))}</button>'
    return one_line(f'<div class="receipt {tone}" role="status"><p>{said}</p>{listed}{enter if key_for else ""}</div>')


def preflight(fit: Fit | None, cost_usd: float | None) -> tuple[str, ...]:
    """Say what the next turn needs of the window, and what it may cost: nothing where the conversation is empty."""
    if fit is None:
        return ()
    price = words.money(cost_usd)
    price = say("receipt.about", money=price) if cost_usd else price
    needed, window = words.tokens(fit.needed), words.tokens(fit.window or 0)
    return (say("receipt.next_of" if fit.window else "receipt.next", needed=needed, window=window, price=price),)


def _counted(item: Omission) -> str:
    return text(words.count(item.count, item.kind.removesuffix("s")))


def settled(turn: int, *, word: int) -> str:
    """Stand in the place of the answer in progress when there is none: the page may write again.

    `turn` is the newest that has begun in this session: a page that has begun another since knows that it is not meant.
    """
    return f'<i class="settled" data-turn="{turn}" data-word="{word}"></i>'


def begun(turn: int) -> str:
    """Stand in the place of the answer in progress: the turn `turn` of this session has begun."""
    return f'<i class="begun" data-turn="{turn}"></i>'


def unbegun(*, word: int) -> str:
    """Stand in the place of the answer in progress: none has begun, but the history may be another."""
    return f'<i class="unbegun" data-word="{word}"></i>'


def line(key: str) -> str:
    """Tell the page the key of its line."""
    return f'<i data-key="{text(key)}"></i>'


def usage(transcript: Transcript) -> str:
    """Say the running totals of the conversation."""
    steps = paid([*(step for answer in answers(transcript) for step in answer.steps), *transcript.beside])
    total = sum((step.usage for step in steps), Usage())
    figures = [say("totals.count", count=words.tokens(total.input + total.output)), *([spent(steps)] if steps else [])]
    facts = {"input": f"{total.input:,}", "output": f"{total.output:,}", "cached": f"{total.cache_read:,}"}
    title = text(say("totals.title", **facts))
    return f'<span class="totals" title="{title}">{"".join(f"<span>{text(f)}</span>" for f in figures)}</span>'

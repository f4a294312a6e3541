"""What the conversation took, by model and by cell: tokens, cost, time to the first text, speed.

Steps that came in a file are not counted: nobody paid for them here.

The bars are plain markup. Gradio's own plots compile expressions in the browser, which the
page's policy forbids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import gradio as gr

from aether.branches import answers
from aether.runtime import AgentRuntime
from aether.services import Services
from aether.transcript import Answer, Step, Transcript
from aether.ui import render, words
from aether.ui.markdown import one_line, text
from aether.ui.plain import MARKUP, QUICK
from aether.ui.stamp import paid, spent, writing_ms
from aether.ui.words import say
from aether.usage import Usage

if TYPE_CHECKING:
    from aether.ui.layout import Page

CELLS = 60
"""Cells that are listed, the newest first."""


def build(page: Page, services: Services) -> None:
    """Put the panel into the tab Usage; it is made anew when the drawer is opened or an answer is done."""
    with page.place("panel-usage"):
        panel = gr.Markdown("", elem_id="usage-panel", **MARKUP)
    page.inspect.click(refresh, page.runtime, panel, **QUICK)


async def refresh(runtime: AgentRuntime) -> str:
    """Show what the conversation took so far: usage panel."""
    return show(runtime.transcript)


@dataclass(frozen=True)
class Figures:
    """What some steps took together."""

    steps: tuple[Step, ...]

    @property
    def usage(self) -> Usage:
        """Return their tokens, added up."""
        return sum((s.usage for s in self.steps), Usage())

    @property
    def cost(self) -> str:
        """Say what they have cost."""
        return spent(self.steps)

    @property
    def first_ms(self) -> float:
        """Return the median time to the first text; 0 if it is not known."""
        times = [s.ttft_ms for s in self.steps if s.ttft_ms is not None]
        return median(times) if times else 0.0

    @property
    def speed(self) -> float:
        """Return tokens a second while text was coming; 0 if it is not known."""
        took = writing_ms(self.steps)
        return self.usage.output / took * 1000 if took >= 50 else 0.0


def show(transcript: Transcript) -> str:
    """Render the panel."""
    every = answers(transcript)
    steps = paid((*(s for a in every for s in a.steps), *transcript.beside))
    if not steps:
        return f'<p class="empty">{text(say("used.none"))}</p>'
    colours = render.hues(transcript, also=[s.reference for s in steps])
    models = {
        r: Figures(tuple(s for s in steps if s.reference == r)) for r in dict.fromkeys(s.reference for s in steps)
    }
    return one_line(
        f'<div class="usage">{_total(Figures(steps), sum(bool(paid(a.steps)) or not a.steps for a in every))}'
        f"<h4>{_said('used.by_model')}</h4>{_models(models, colours)}"
        f"<h4>{_said('used.by_cell')}</h4>{_cells(transcript, colours)}</div>"
    )


def _total(all_: Figures, count: int) -> str:
    used = all_.usage
    facts = {
        "used.answers": f"{count:,}",
        "used.in": words.tokens(used.input),
        "used.cached": words.tokens(used.cache_read),
        "used.out": words.tokens(used.output),
        "used.cost": all_.cost,
    }
    return (
        f"<dl>{''.join(f'<div><dt>{_said(name)}</dt><dd>{text(said)}</dd></div>' for name, said in facts.items())}</dl>"
    )


def _models(models: dict[str, Figures], colours: render.Hues) -> str:
    most = max(f.usage.input + f.usage.output for f in models.values())
    slowest = max(f.first_ms for f in models.values())
    fastest = max(f.speed for f in models.values())
    shown = [
        f'<section class="hue-{colours.get(name, 0)}"><h5>{text(name)} <small>{text(f.cost)}</small></h5>'
        + _bar("used.tokens", f.usage.input + f.usage.output, most, words.tokens(f.usage.input + f.usage.output))
        + _bar("used.first", f.first_ms, slowest, words.duration(f.first_ms))
        + _bar("used.speed", f.speed, fastest, f"{f.speed:,.0f}" if f.speed else say("used.unknown"))
        + "</section>"
        for name, f in models.items()
    ]
    return "".join(shown)


def _bar(name: str, value: float, most: float, said: str) -> str:
    width = 100 * value / most if most > 0 else 0
    bar = f'<i><b style="width:{width:.1f}%"></b></i>'
    return f'<div class="meter"><span>{_said(name)}</span>{bar}<em>{text(said)}</em></div>'


def _said(key: str) -> str:
    return text(say(key))


def _cells(transcript: Transcript, colours: render.Hues) -> str:
    listed = list(enumerate(transcript.turns))[-CELLS:]
    most = max((_size(a) for _, turn in listed for a in turn.answers), default=0)
    rows = [
        _row(index, answer, most, colours)
        for index, turn in reversed(listed)
        for answer in turn.answers
        if paid(answer.steps)
    ]
    names = ("used.cell", "used.tokens", "", "used.cost", "used.first", "used.speed")
    head = f"<tr>{''.join(f'<th>{_said(name) if name else name}</th>' for name in names)}</tr>"
    return f'<div class="table"><table>{head}{"".join(rows)}</table></div>'


def _row(index: int, answer: Answer, most: int, colours: render.Hues) -> str:
    figures = Figures(paid(answer.steps))
    name = answer.steps[-1].reference
    width = 100 * _size(answer) / most if most else 0
    cells: Sequence[str] = (
        f"[{index + 1}]",
        f'<i class="hue-{colours.get(name, 0)}"><b style="width:{width:.1f}%"></b></i>',
        words.tokens(_size(answer)),
        text(figures.cost),
        words.duration(figures.first_ms) if figures.first_ms else "",
        f"{figures.speed:,.0f}" if figures.speed else "",
    )
    return f'<tr title="{text(name)}">{"".join(f"<td>{c}</td>" for c in cells)}</tr>'


def _size(answer: Answer) -> int:
    return sum(s.usage.input + s.usage.output for s in answer.steps)

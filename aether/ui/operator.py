"""The operator's page: what is spent, who is there, and the switch of the link; no word of what is said."""

from __future__ import annotations

from dataclasses import dataclass

from aether.ui import bare
from aether.ui.markdown import text
from aether.ui.words import say

_LOOK = """
main { text-align: start; text-wrap: wrap; }
.wordmark { justify-content: start; }
h2 { margin: var(--space-2) 0 var(--space-5); font-size: var(--text-base); font-weight: 400; color: var(--soft); }
section {
  padding: var(--space-5); border: 1px solid var(--line); border-radius: var(--round-l);
  background: var(--sheet); box-shadow: var(--shade);
}
.state { display: flex; align-items: center; gap: var(--space-2); margin: 0; font-weight: 600; color: var(--good); }
.state::before { content: ""; flex: none; width: 10px; height: 10px; border-radius: 50%; background: currentColor; }
.paused .state { color: var(--warn); }
.means { margin: var(--space-1) 0 var(--space-4); font-size: var(--text-m); }
dl { margin: 0; font-size: var(--text-m); }
dl > div {
  display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 var(--space-4);
  padding: var(--space-2) 0; border-top: 1px solid var(--line);
}
dt { color: var(--soft); }
dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
meter {
  appearance: none; flex: 1 0 100%; height: 6px; margin: var(--space-1) 0; border: 0;
  border-radius: var(--round-full); background: var(--tint); overflow: hidden;
}
meter::-webkit-meter-bar { height: 6px; border: 0; border-radius: var(--round-full); background: var(--tint); }
meter::-webkit-meter-inner-element { display: block; height: 6px; }
meter::-webkit-meter-optimum-value { background: var(--good); }
meter::-webkit-meter-suboptimum-value { background: var(--warn); }
meter::-moz-meter-bar { background: var(--good); }
meter:-moz-meter-sub-optimum::-moz-meter-bar { background: var(--warn); }
form { margin: var(--space-4) 0 0; }
button {
  width: 100%; min-height: 44px; padding: var(--space-2) var(--space-4); border: 1px solid var(--strong);
  border-radius: var(--round-m); background: var(--strong); color: var(--on-strong);
  font: 600 var(--text-m)/1.4 var(--sans); text-wrap: balance; cursor: pointer;
}
button:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
"""


@dataclass(frozen=True, kw_only=True)
class Link:
    """How a shared link does. `cap_usd` None: money has no cap."""

    paused: bool
    spent_usd: float
    cap_usd: float | None
    unsettled: int
    overruns: int
    running: int
    waiting: int


def page(sessions: int, link: Link | None) -> str:
    """Return the page; without a link that is counted it tells the sessions alone."""
    rows = [_row("sessions", f"{sessions:,}")]
    if link is None:
        body = f'<section><p class="means">{text(say("operator.alone"))}</p><dl>{rows[0]}</dl></section>'
    else:
        counts = {"running": link.running, "waiting": link.waiting, "unsettled": link.unsettled}
        counts |= {"overruns": link.overruns} if link.overruns else {}
        rows = [_money(link), *rows, *(_row(name, f"{number:,}") for name, number in counts.items())]
        state, deed = ("paused", "resume") if link.paused else ("open", "pause")
        body = (
            f'<section class="{state}"><p class="state" role="status">{text(say(f"operator.{state}"))}</p>'
            f'<p class="means">{text(say(f"operator.{state}_means"))}</p><dl>{"".join(rows)}</dl></section>'
            f'<form method="post" action="/operator/{deed}"><button>{text(say(f"operator.{deed}"))}</button></form>'
        )
    title = text(say("operator.title"))
    return bare.page(f"<h2>{title}</h2>{body}", title=f"{title} · Aether", look=bare.FONTS + _LOOK)


def _row(name: str, value: str, more: str = "") -> str:
    return f'<div data-fact="{name}"><dt>{text(say(f"operator.{name}"))}</dt><dd>{text(value)}</dd>{more}</div>'


def _money(link: Link) -> str:
    """Say what is spent, and show it against the cap."""
    if link.cap_usd is None:
        return _row("spent", f"${link.spent_usd:,.4f}")
    said = say("operator.of", spent=f"${link.spent_usd:,.4f}", cap=f"${link.cap_usd:,.2f}")
    most = link.cap_usd or 1
    label = text(say("operator.spent"))
    bar = f'<meter max="{most}" high="{most * 0.8}" optimum="0" value="{link.spent_usd}" aria-label="{label}"></meter>'
    return _row("spent", said, bar)

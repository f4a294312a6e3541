"""Verdicts → the page `docs/swap-peers.md`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.peers.cases import CASES
from bench.peers.judge import Verdict

HEAD = """# Side by side

The same histories, given to three builders of requests: Aether, [pydantic-ai](https://ai.pydantic.dev) and
[litellm](https://docs.litellm.ai). They are the eighteen of the eighty cases of the [swap matrix](swap-matrix.md) in
which such libraries differ, and two more. This page is written by `make bench-peers`; nobody edits it.

Each library gets the history in the form that its own documentation gives it (Aether a transcript, pydantic-ai its
`ModelMessage`s through `Agent.run(message_history=…)`, litellm OpenAI messages through `completion`, once as it is and
once with `modify_params`), and sends its request over HTTP to a server that keeps the body. One judge looks at all
bodies: `aether/wire/check.py`, with a profile of what Anthropic and OpenAI themselves take. Two neighbours of one role,
and a call in the history whose tool is not offered, are not held against anyone. Beside the rules it is looked for
every word of the user and of the tools.

✔ valid, and nothing lost · ◐ valid, but something is lost · ✘ the service would refuse it, or there is no request.
All cases but T8 ask Anthropic.

"""


def page(columns: Mapping[str, Sequence[Verdict]]) -> str:
    """Return the page for what each library did, case by case."""
    head = "| case | history | " + " | ".join(columns) + " |"
    lines = [head, "|---|---|" + "---|" * len(columns)]
    for number, case in enumerate(CASES):
        if case.extra and not CASES[number - 1].extra:
            lines.append(_totals(columns))
        lines.append(f"| {case.id} | {case.about} | " + " | ".join(_cell(v[number]) for v in columns.values()) + " |")
    return HEAD + "\n".join(lines) + "\n\n## Why\n\n" + "\n".join(_reasons(columns)) + "\n"


def _cell(verdict: Verdict) -> str:
    if verdict.faults:
        return "✘"
    return "◐" if verdict.lost else "✔"


def _totals(columns: Mapping[str, Sequence[Verdict]]) -> str:
    """Count what is valid of the eighteen, and what is whole."""
    counted = [n for n, case in enumerate(CASES) if not case.extra]
    cells: list[str] = []
    for verdicts in columns.values():
        valid = sum(not verdicts[n].faults for n in counted)
        whole = sum(verdicts[n].is_clean for n in counted)
        cells.append(f"**{valid} valid, {whole} whole**")
    return f"| | **of {len(counted)}** | " + " | ".join(cells) + " |"


def _reasons(columns: Mapping[str, Sequence[Verdict]]) -> list[str]:
    found: list[str] = []
    for number, case in enumerate(CASES):
        for name, verdicts in columns.items():
            verdict = verdicts[number]
            if not verdict.is_clean:
                why = "; ".join(" ".join(w.split())[:160] for w in (*verdict.faults, *verdict.lost))
                found.append(f"- {case.id}, {case.about} · {name}: {why}")
    return found

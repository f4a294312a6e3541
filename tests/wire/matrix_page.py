"""The swap matrix as a page: what passed in this run → `docs/swap-matrix.md`."""

from __future__ import annotations

from collections.abc import Collection

from tests.wire.matrix import ANY, TITLES, Tick
from tests.wire.targets import PEERS

HEAD = """# The swap matrix

Which histories are carried to which model, and proven so: eighty cases in which a history from one
service breaks the request to another, as named tests. This page is written by `make matrix` from a
run of these tests; nobody edits it.

Each case is played for every ordered pair of the models below that it concerns. The first model
answers, with its service's own event stream, in the way that the case names; the request that is
then built for the second is judged twice: by the strict checker of the app (`aether/wire/check.py`),
and by the scripted services of `tests/scripted`, which share no code with it. The tests are
`tests/wire/test_matrix_*.py`; a case's number stands in the test's name. How often a case passed is
told as *pairs passed / pairs concerned*; `all` means that only the model which is asked plays a part.
What other libraries make of the cases in which they differ stands in [Side by side](swap-peers.md).

"""


def page(ticks: Collection[Tick], concerned: Collection[Tick]) -> str:
    """Return the page for the pairs that passed, out of those that were played."""
    return HEAD + _models() + _cases(set(ticks), set(concerned)) + _pairs(set(ticks), set(concerned))


def _models() -> str:
    rows = "".join(f"| `{p.name}` | {p.protocol} | {_quirks(p.quirks)} |\n" for p in PEERS)
    head = "## The models\n\n| model | protocol | profile beyond the strictest default |\n|---|---|---|\n"
    return f"{head}{rows}\n"


def _quirks(quirks: dict[str, object]) -> str:
    told = [f"{key}" if value is True else f"{key}={value}" for key, value in quirks.items() if value is not False]
    told += [f"no {key}" for key, value in quirks.items() if value is False]
    return ", ".join(told).replace("|", "\\|") or "none"


def _cases(ticks: set[Tick], concerned: set[Tick]) -> str:
    names = [p.name for p in PEERS]
    lines = ["## Case by model asked\n", "| case | what it is about | " + " | ".join(names) + " |"]
    lines.append("|---|---|" + "---|" * len(names))
    for case, title in TITLES.items():
        cells = [_cell(case, name, ticks, concerned) for name in names]
        lines.append(f"| {case} | {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\n"


def _cell(case: str, target: str, ticks: set[Tick], concerned: set[Tick]) -> str:
    """Tell how a case went with one model asked: the pairs, or `all`."""
    played = {t for t in concerned if t[0] == case and t[2] == target}
    if not played:
        return "·"
    mark = "✔" if played <= ticks else "✘"
    pairs = {t for t in played if t[1] != ANY}
    return f"{mark} {len(pairs & ticks)}/{len(pairs)}" if pairs else f"{mark} all"


def _pairs(ticks: set[Tick], concerned: set[Tick]) -> str:
    """Count, for every ordered pair, the cases that passed of those that concern it."""
    names = [p.name for p in PEERS]
    lines = [
        "## Every ordered pair\n",
        "Cases passed of those that concern the pair; rows answer, columns are asked.\n",
    ]
    lines += ["| from \\ to | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for source in names:
        cells = [_count(source, target, ticks, concerned) for target in names]
        lines.append(f"| `{source}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _count(source: str, target: str, ticks: set[Tick], concerned: set[Tick]) -> str:
    played = {t for t in concerned if t[1] in (source, ANY) and t[2] == target}
    cases, passed = {t[0] for t in played}, {t[0] for t in played} - {t[0] for t in played - ticks}
    return f"{len(passed)}/{len(cases)}"

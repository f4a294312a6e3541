"""Several answers to one turn, side by side: how they grow, what each took, where they differ. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from aether.transcript import Answer, Step
from aether.ui import failed, render
from aether.ui.markdown import text
from aether.ui.stamp import stamp
from aether.ui.toolcell import Waiting


class LiveLike(Protocol):
    """One of the answers that are being written at once."""

    @property
    def steps(self) -> Iterable[Step]: ...
    @property
    def draft(self) -> render.DraftLike | None: ...
    @property
    def finished(self) -> bool: ...
    def answer(self) -> Answer: ...


def growing(live: LiveLike, *, label: str, hue: int, waiting: Waiting | None = None) -> str:
    """Render one of several answers in progress; one that is done already shows its stamp."""
    if not live.finished:
        return render.growing(live.steps, live.draft, label=label, hue=hue, waiting=waiting)
    done = live.answer()
    return (
        f'<article class="answer done hue-{hue}" data-reference="{text(label)}">'
        f"{render.steps(done.steps)}{failed.notice(done)}<footer>{stamp(done)}</footer></article>"
    )

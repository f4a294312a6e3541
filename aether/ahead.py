"""What swaps need of each turn, derived before they are asked for.

What a turn looks like to a model is kept with the turn (`lowering/turns.py`). Of a long
conversation that was just read nothing is known yet, and to derive it takes ten times as
long as a swap; of a turn that has just ended nothing is known but what its own model needs.
A thread derives it for the models that answered last, and for one that never did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from aether.errors import SwapError
from aether.fit import measure
from aether.llm import LLM
from aether.lowering import Target, ToolSpec, lower
from aether.profile import DEFAULTS
from aether.transcript import Origin, Transcript, Turn

LONG = 20
"""Turns of which a thread is worth its while: fewer are derived in some milliseconds."""
AUTHORS = 3
"""The models that a conversation is derived for, of those that answered last."""

_SAFE = DEFAULTS["anthropic-messages"]
STRANGERS = tuple(Target("", Origin("", "", "", ""), replace(_SAFE, tools=tools)) for tools in (True, False))
"""Models that never answered. What a turn without media looks like to one hangs on no more than this."""


def read(transcript: Transcript, resolve: Callable[[str], LLM], tools: tuple[ToolSpec, ...]) -> None:
    """Derive a conversation that was just read, in a thread."""
    if len(transcript.turns) >= LONG:
        _begin(transcript, [*authors(transcript, resolve, tools), *STRANGERS])


def ended(turn: Turn) -> None:
    """Derive a turn that has just ended, in a thread."""
    _begin(Transcript(turns=(turn,)), STRANGERS)


def derive(transcript: Transcript, targets: Iterable[Target]) -> None:
    """Derive what a conversation is to some targets: each finds it with the turns."""
    for target in targets:
        measure(lower(transcript, target), transcript, target.profile)


def authors(transcript: Transcript, resolve: Callable[[str], LLM], tools: tuple[ToolSpec, ...]) -> list[Target]:
    """List the models that answered last, the last first, if they can be asked."""
    answers = (turn.answer for turn in reversed(transcript.turns))
    references = dict.fromkeys(s.reference for a in answers if a for s in reversed(a.steps))
    targets: list[Target] = []
    for reference in list(references)[:AUTHORS]:
        with suppress(SwapError):
            targets.append(resolve(reference).target(tools))
    return targets


def _begin(transcript: Transcript, targets: Iterable[Target]) -> None:
    asyncio.get_running_loop().run_in_executor(None, derive, transcript, targets)

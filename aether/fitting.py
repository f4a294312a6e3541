"""A conversation that does not fit the model: what it needs, and what a person may do about it.

Whole exchanges are left out, the oldest first, or summarised by the model that knew them.
Nothing is deleted: a `Cut` says which turns a model is not shown, and is taken back at any
time. Nothing is sent before a person has chosen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from aether import ahead
from aether.agent import Draft
from aether.asking import asking
from aether.errors import CellError, GarbledError
from aether.events import Retried
from aether.fit import Fit, leave_out, measure
from aether.guard import Pass, Permit
from aether.limits import Limits
from aether.llm import LLM
from aether.lowering import ToolSpec, View, lower
from aether.notebook import Notebook
from aether.tools.base import Toolbox
from aether.transcript import Cut, Step, Text, Transcript, Turn
from aether.wire.check import check, issued_to

WISH = (
    "Summarise our conversation so far for someone who goes on with it and has not read it. Keep what was asked, "
    "decided and found out: names, numbers, file names, code that matters, open questions. Write plain text, at most "
    "400 words, and nothing but the summary."
)


class Paid(TypedDict):
    """Who pays for a request, and how much it may take."""

    permit: Pass
    limits: Limits


Sent = Callable[[LLM, dict[str, Any], View], None]
"""Told of a request that is about to be sent."""


@dataclass(frozen=True)
class Standing:
    """How a conversation stands to a model: the estimate, and how many exchanges would have to go. None: none would do.

    `cuts` is what is left out already.
    """

    reference: str
    fit: Fit
    surplus: int | None
    cuts: tuple[Cut, ...]


def standing(transcript: Transcript, llm: LLM, tools: tuple[ToolSpec, ...]) -> Standing:
    """Tell how the conversation stands to a model."""
    fit = _fit(transcript, llm, tools)
    shorter = None if fit.fits else shortened(transcript, llm, tools)
    surplus = left_out(shorter) - left_out(transcript) if shorter else None
    return Standing(llm.reference, fit, surplus, transcript.cuts)


def shortened(transcript: Transcript, llm: LLM, tools: tuple[ToolSpec, ...]) -> Transcript | None:
    """Return the transcript with the fewest oldest exchanges left out that fits the model; None if none does."""
    fit = _fit(transcript, llm, tools)
    while not fit.fits:
        shorter = leave_out(transcript, fit)
        if shorter is None:
            return None
        transcript, fit = shorter, _fit(shorter, llm, tools)
    return transcript


async def summary(
    transcript: Transcript, cut: Cut, llm: LLM, sent: Sent, *, permit: Pass, limits: Limits
) -> tuple[Cut, Step]:
    """Return the cut with a summary that `llm` writes of what it leaves out, and the step that this took.

    Raises ProviderError or GuardError.
    """
    told = replace(transcript, turns=(*transcript.turns[: cut.last + 1], Turn((Text(WISH),))), branches=(), cuts=())
    view = lower(told, llm.target())
    body = llm.wire.lower(view, llm.settings(max_tokens=limits.answer_tokens))
    broken = check(llm.provider.protocol, body, llm.model.profile, issued_to(told, llm.origin))
    draft = Draft(llm, body, view, llm.ask(body), violations=tuple(broken))
    cost = asking(draft, limits)
    try:
        await permit.enter()
        await permit.reserve(cost)
        sent(llm, body, view)
        async with aclosing(draft.exchange.events()) as events:
            async for event in events:
                draft.take(event)
                if isinstance(event, Retried):
                    await permit.reserve(cost)
        step = draft.settle()
        await permit.settle(step.usage)
    finally:
        await permit.leave()
    if not draft.text.strip():
        raise GarbledError(f"{llm.model.label} wrote no summary.")
    counted = replace(step, parts=(), native=(), prefix="")
    return replace(cut, summary=draft.text.strip(), author=llm.reference), counted


class Fitting(Notebook, ABC):
    """Cut a conversation to fit the model that is chosen, and take that back. Know what other models need of it."""

    llm: LLM | None
    toolbox: Toolbox
    _resolve: Callable[[str], LLM]
    _took: Callable[[Sequence[Step]], None]

    def load(self, transcript: Transcript) -> None:
        """Put another conversation in the place of this one; what models need of it is derived meanwhile."""
        super().load(transcript)
        ahead.read(transcript, self._resolve, self.toolbox.specs)

    def _with_answers(self, index: int, turn: Turn) -> Transcript:
        grown = super()._with_answers(index, turn)
        ahead.ended(grown.turns[index])
        return grown

    async def shorten(self, *, summarised: bool, permit: Permit | None = None) -> int:
        """Leave the oldest exchanges out, and return how many more those are.

        A summary of them is written by the model that knew them all, with the leave of `permit`. Raises CellError,
        BusyError, NotReady, and for a summary SwapError and ProviderError.
        """
        self._ready()
        assert self.llm is not None
        before, llm = self.transcript, self.llm
        shorter = shortened(before, llm, self.toolbox.specs)
        if shorter is None:
            raise CellError("The first and the last exchange alone are too long for this model. Choose another one.")
        if shorter is before:
            raise CellError("The conversation fits, so nothing has to be left out.")
        if summarised:
            by = self._resolve(last_author(before, but=llm.reference) or llm.reference)
            # What was left out before is summarised anew, with the rest.
            cut, step = await summary(
                replace(before, cuts=()), replace(shorter.cuts[-1], summary=""), by, self._sent, **self._paid(permit)
            )
            self._took([step])
            if self.transcript is not before:
                self._become(replace(self.transcript, beside=(*self.transcript.beside, step)))
                raise CellError("The conversation went on meanwhile, so nothing was left out.")
            shorter = replace(before, cuts=(cut,), beside=(*before.beside, step))
        self._become(shorter)
        return left_out(shorter) - left_out(before)

    def show_all(self) -> None:
        """Show every exchange to models again."""
        self._idle()
        self._become(replace(self.transcript, cuts=()))

    @abstractmethod
    def _ready(self) -> None:
        """Raise what stands against a request now."""

    @abstractmethod
    def _paid(self, permit: Permit | None) -> Paid:
        """Return what a request is counted and paid with."""

    @abstractmethod
    def _sent(self, llm: LLM, body: dict[str, Any], view: View) -> None:
        """Take note of a request that leaves."""


def last_author(transcript: Transcript, *, but: str) -> str:
    """Return the model that wrote last and is not `but`, which is the one that knew it all; empty if there is none."""
    return next((s.reference for s in _steps_backwards(transcript) if s.reference != but), "")


def _steps_backwards(transcript: Transcript) -> Iterator[Step]:
    for turn in reversed(transcript.turns):
        yield from reversed(turn.answer.steps if turn.answer else ())


def _fit(transcript: Transcript, llm: LLM, tools: tuple[ToolSpec, ...]) -> Fit:
    return measure(lower(transcript, llm.target(tools)), transcript, llm.model.profile)


def left_out(transcript: Transcript) -> int:
    """Return how many exchanges models are not shown."""
    return sum(c.last - c.first + 1 for c in transcript.cuts)

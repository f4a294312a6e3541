"""The loop: request → tool calls → results → request, until the model is done or a limit is met.

A plain async generator over values. It asks for the current model before each request,
so that a swap takes effect between two steps. It holds no task, no lock and no screen.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from aether.bounds import ID_CHARS, PARTS_PER_STEP
from aether.errors import BadHistoryError, BadRequestError, ProviderError, TooLongError
from aether.events import CallDelta, ReasoningDelta, Retried, StreamEvent, TextDelta
from aether.fit import cut_silently, measure
from aether.limits import Limits
from aether.llm import LLM, Exchange
from aether.lowering import View, lower
from aether.tools.base import Toolbox
from aether.tools.running import run_calls
from aether.transcript import Answer, Blob, Step, StopReason, Transcript, Turn
from aether.wire.base import no_blobs
from aether.wire.check import Violation, check, issued_to

STRICTER = "The service refused the history as it was; it was sent again without data that only it can read."
TOLD = "The service told what this model cannot take; it was asked again without that."
CUT_SILENTLY = "The service counted {:,} tokens of about {:,} that were sent: it may have read only a part of them."

MEDIA_BYTES = 24_000_000
"""Bytes of pictures and files in one body: 32 MB in base64, the most that a service takes (Anthropic)."""
MOST_PAUSES = 5
"""How often an answer is asked to go on after its service paused it."""


@dataclass
class Draft:
    """The step that is being written: what the screen shows before it is settled. Times in seconds.

    `needed` estimates in tokens what is sent; `violations` are rules that the body breaks
    after all: a defect of ours, told and sent all the same.
    """

    llm: LLM
    body: dict[str, Any]
    view: View
    exchange: Exchange
    needed: int = 0
    violations: tuple[Violation, ...] = ()
    notes: list[str] = field(default_factory=list[str])
    at: float = field(default_factory=time.time)
    began: float = field(default_factory=time.perf_counter)
    first: float | None = None
    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @property
    def reference(self) -> str:
        """Return the reference of the model that is asked."""
        return self.llm.reference

    def take(self, event: StreamEvent) -> None:
        """Add what the model just said."""
        if self.first is None and not isinstance(event, Retried):
            self.first = time.perf_counter()
        match event:
            case TextDelta(text):
                self.text += text
            case ReasoningDelta(text):
                self.reasoning += text
            case CallDelta(index, name, arguments):
                self.calls += [("", "")] * (index + 1 - len(self.calls))
                self.calls[index] = (self.calls[index][0] + name, self.calls[index][1] + arguments)
            case Retried(reason):
                self.notes.append(f"{reason} It was asked once more.")

    def settle(self, *, stop: StopReason | None = None) -> Step:
        """Return the step as far as it came; `stop` overrides what the model said of its end."""
        now, reply = time.perf_counter(), self.exchange.reply()
        price = self.llm.model.price
        if cut_silently(self.needed, reply.usage):
            self.notes.append(CUT_SILENTLY.format(reply.usage.input, self.needed))
        return Step(
            provider=self.llm.provider.name,
            model=self.llm.model.id,
            origin=self.llm.origin,
            parts=reply.parts[:PARTS_PER_STEP],
            native=reply.native if reply.complete else (),
            prefix=self.view.prefix,
            stop=stop or reply.stop,
            raw_stop=reply.raw_stop[:ID_CHARS],
            reported_model=reply.reported_model[:ID_CHARS],
            usage=reply.usage,
            cost_usd=price.cost_usd(reply.usage) if price else None,
            ttft_ms=_ms(self.began, self.first) if self.first else None,
            total_ms=_ms(self.began, now),
            at=self.at,
            notes=tuple(self.notes),
        )


@dataclass(frozen=True)
class Asked:
    """A request is about to be sent."""

    draft: Draft


@dataclass(frozen=True)
class Stepped:
    """A step is settled: complete, or complete but for the results of its calls."""

    step: Step


@dataclass(frozen=True)
class Resulted:
    """The last step has one more of the results of its calls."""

    step: Step


AgentEvent = Asked | StreamEvent | Stepped | Resulted


async def run(
    transcript: Transcript,
    *,
    llm: Callable[[], LLM],
    toolbox: Toolbox,
    limits: Limits,
    learn: Callable[[LLM, ProviderError], None],
    read_blob: Callable[[Blob], bytes] = no_blobs,
) -> AsyncGenerator[AgentEvent, None]:
    """Answer the last turn of `transcript`; raise AetherError where that cannot be done, LimitError at a limit.

    A history that the service refuses is sent once more: with regard to what its words have
    told about the model, or else without what only the service can read. An answer that the
    service paused is asked to go on, a few times.
    """
    answer, strict, told, notes = Answer(), False, False, list[str]()
    await toolbox.prepare()
    while True:
        limits.check(answer)
        asked = answering(transcript, answer)
        wishes = {"read_blob": bounded(read_blob), "max_tokens": limits.answer_tokens}
        draft = _draft(asked, llm(), toolbox, strict=strict, notes=notes, wishes=wishes)
        yield Asked(draft)
        try:
            async with aclosing(draft.exchange.events()) as events:
                async for event in events:
                    yield event
        except ProviderError as error:
            learn(draft.llm, error)
            if strict or draft.first is not None or not _mendable(error):
                raise
            if error.learnt and not told:
                told, notes = True, [*draft.notes, TOLD]
            else:
                strict, notes = True, [*draft.notes, STRICTER]
            continue
        step, notes = draft.settle(), []
        yield Stepped(step)
        if not step.calls and (step.stop != "paused" or _pauses(answer) >= MOST_PAUSES):
            return
        async with aclosing(run_calls(toolbox, step.calls)) as gathered:
            async for results in gathered:
                step = replace(step, results=results)
                yield Resulted(step)
        answer = replace(answer, steps=(*answer.steps, step))


def bounded(read_blob: Callable[[Blob], bytes], *, most: int = MEDIA_BYTES) -> Callable[[Blob], bytes]:
    """Return a reader for one body, which raises TooLongError for more bytes than a body may carry, repeats counted."""
    left = most

    def read(blob: Blob) -> bytes:
        nonlocal left
        data = read_blob(blob)
        left -= len(data)
        if left < 0:
            raise TooLongError("The pictures and files of this conversation are too large to be sent together.")
        return data

    return read


def _pauses(answer: Answer) -> int:
    return sum(s.stop == "paused" for s in answer.steps)


def _mendable(error: ProviderError) -> bool:
    """Tell whether another form of the same history may be taken: the old one was refused, or facts were told."""
    return isinstance(error, BadHistoryError) or (isinstance(error, BadRequestError) and bool(error.learnt))


def answering(transcript: Transcript, answer: Answer) -> Transcript:
    """Return the transcript with `answer` as the one and only answer of its last turn."""
    last = len(transcript.turns) - 1
    turn = transcript.turns[last]
    return transcript.replace_turn(last, Turn(turn.prompt, (answer,), at=turn.at))


def _draft(
    transcript: Transcript,
    llm: LLM,
    toolbox: Toolbox,
    *,
    strict: bool,
    notes: list[str],
    wishes: dict[str, Any],
) -> Draft:
    view = lower(transcript, llm.target(toolbox.specs), strict=strict)
    fit = measure(view, transcript, llm.model.profile)
    if not fit.fits:
        raise TooLongError(
            f"This conversation needs about {fit.needed:,} tokens; {llm.model.label} takes {fit.window:,}.",
            needed=fit.needed,
            window=fit.window,
        )
    body = llm.wire.lower(view, llm.settings(**wishes))
    found = check(llm.provider.protocol, body, llm.model.profile, issued_to(transcript, llm.origin))
    return Draft(llm, body, view, llm.ask(body), fit.needed, tuple(found), notes=list(notes))


def _ms(begin: float, end: float) -> float:
    return round((end - begin) * 1000, 1)

"""The answer being written, or several to one turn, as the screen and the API see them grow.

One writer for each answer (its task) and any number of readers, on one event loop. A reader
asks for news beyond a version that it knows: news that comes in a burst is taken at once.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from aether.agent import Draft
from aether.transcript import Answer, Failure, Step, Text, ToolResult, Turn


class News(ABC):
    """What a reader can wait for: a version that grows until all is finished."""

    def __init__(self) -> None:
        self.version = 0
        self._news = asyncio.Event()
        self._over = asyncio.Event()

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Tell whether no more news can come."""

    @property
    @abstractmethod
    def has_words(self) -> bool:
        """Tell whether there is something to read."""

    def touch(self) -> None:
        """Tell the readers that there is news."""
        self.version += 1
        self._news.set()
        self._news.clear()
        if self.is_over:
            self._over.set()

    async def changed(self, version: int, timeout_s: float) -> int:
        """Wait for news beyond `version`, or `timeout_s` seconds; return the version now."""
        if self.version == version and not self.is_over:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
        return self.version

    async def over(self, timeout_s: float) -> None:
        """Wait until all is finished, or `timeout_s` seconds; news in between wakes nobody."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._over.wait()


class Live(News):
    """One answer in progress. `turn` is the index of its turn in the transcript.

    `named` is the reference of the model that it was begun with; if empty, it asks the one
    that the session has chosen, whichever that is by then. `waiting`: for a place among all answers.
    """

    def __init__(self, turn: int, *, named: str = "") -> None:
        super().__init__()
        self.turn = turn
        self.named = named
        self.steps: list[Step] = []
        self.draft: Draft | None = None
        self.failure: Failure | None = None
        self.waiting = False
        self.stopped = False
        self.finished = False
        self.all: News | None = None

    @property
    def is_over(self) -> bool:
        return self.finished

    @property
    def has_words(self) -> bool:
        draft = self.draft
        return bool(self.steps) or (draft is not None and bool(draft.text or draft.reasoning or draft.calls))

    def touch(self) -> None:
        super().touch()
        if self.all is not None:
            self.all.touch()

    @property
    def asked(self) -> str:
        """Return the reference of the model that was asked last; empty before the first request."""
        if self.draft is not None:
            return self.draft.reference
        return self.steps[-1].reference if self.steps else ""

    def answer(self) -> Answer:
        """Return the answer as far as it is settled."""
        return Answer(tuple(self.steps), self.failure, self.stopped)

    def snapshot(self) -> dict[str, Any]:
        """Return the value of the API's `/chat` stream."""
        text = "\n\n".join(t for t in (*(s.text for s in self.steps), self.draft.text if self.draft else "") if t)
        return {
            "turn": self.turn,
            "status": self.answer().status if self.finished else "streaming",
            "text": text,
            "steps": [step_dict(s) for s in self.steps] + ([_draft_dict(self.draft)] if self.draft else []),
            "error": failure_dict(self.failure),
        }


class Lives(News):
    """All answers to one turn that are written at once.

    `before` counts those that it had already; `number` grows with each time that a turn begins in a session.
    """

    def __init__(self, turn: int, answers: Sequence[Live], *, before: int, number: int = 1) -> None:
        super().__init__()
        self.number = number
        self.turn = turn
        self.answers = tuple(answers)
        self.before = before
        for live in self.answers:
            live.all = self

    @property
    def is_over(self) -> bool:
        return all(live.finished for live in self.answers)

    @property
    def has_words(self) -> bool:
        return any(live.has_words for live in self.answers)

    def settled(self, turn: Turn) -> Turn:
        """Return `turn` with the answers that are finished, in the order in which they were asked for."""
        done = tuple(live.answer() for live in self.answers if live.finished)
        return replace(turn, answers=turn.answers[: self.before] + done)


class Turns:
    """The turns of a session, as its page follows them: each is handed out once.

    `followed`: the answers that were handed out last; `told`: those of which the page was told last
    that they began. `refused`: the last wish was not done, and why stays to be read.
    """

    def __init__(self) -> None:
        self.refused = False
        self.newest: Lives | None = None
        self.followed: Lives | None = None
        self.told: Lives | None = None
        self._asked = 0
        self._begun = asyncio.Event()

    def begin(self, turn: int, answers: Sequence[Live], *, before: int) -> Lives:
        """Put the answers to a turn together, and wake who waits for them."""
        number = self.newest.number + 1 if self.newest else 1
        self.newest = Lives(turn, answers, before=before, number=number)
        self._begun.set()
        self._begun.clear()
        return self.newest

    def take(self) -> None:
        """Hand the newest answers out to who began them: no word of them is waited for."""
        self.followed = self.told = self.newest

    def touch(self) -> None:
        """Tell who paints the newest answers that there is news of their calls."""
        if self.newest is not None:
            self.newest.touch()

    async def next(self, timeout_s: float) -> Lives | None:
        """Hand out the newest answers, once; wait for a turn to begin if there are none.

        Only who asked last gets them: who asked before may be gone, without having been missed yet.
        """
        self._asked += 1
        mine = self._asked
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.newest is self.followed:
                    await self._begun.wait()
        if self.newest is self.followed or mine != self._asked:
            return None
        self.followed = self.newest
        return self.newest


def step_dict(step: Step) -> dict[str, Any]:
    """Return a settled step in the form of the API."""
    return {
        "provider": step.provider,
        "model": step.model,
        "reported_model": step.reported_model,
        "stop_reason": step.stop,
        "usage": step.usage.to_dict(),
        "cost_usd": step.cost_usd,
        "ttft_ms": step.ttft_ms,
        "total_ms": step.total_ms,
        "tool_calls": [_call_dict(c.name, c.arguments, result) for c, result in step.answered],
    }


def _call_dict(name: str, arguments: str, result: ToolResult | None) -> dict[str, Any]:
    text = "\n".join(p.text for p in result.parts if isinstance(p, Text)) if result else ""
    return {"name": name, "arguments": arguments, "status": result.status if result else "running", "result": text}


def _draft_dict(draft: Draft) -> dict[str, Any]:
    first = None if draft.first is None else round((draft.first - draft.began) * 1000, 1)
    return {
        "provider": draft.llm.provider.name,
        "model": draft.llm.model.id,
        "reported_model": "",
        "stop_reason": "",
        "usage": None,
        "cost_usd": None,
        "ttft_ms": first,
        "total_ms": None,
        "tool_calls": [_call_dict(name, arguments, None) for name, arguments in draft.calls],
    }


def failure_dict(failure: Failure | None) -> dict[str, Any] | None:
    """Return a failure in the form of the API."""
    if failure is None:
        return None
    return {"kind": failure.kind, "message": failure.message, "retry_after_s": failure.retry_after_s}

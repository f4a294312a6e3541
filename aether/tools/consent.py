"""The questions of one session that wait for its person: may this call run?

A question is asked while its call waits, and answered once, by an id that nobody can guess
and that is known to its own session alone. It decides nothing about tools and knows no screen.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, cast, get_args

from aether.transcript import ToolCall

Approval = Literal["once", "session", "refused", "nobody"]
"""What came of a question; `nobody`: there was nobody to ask, or nobody answered."""
Choice = Literal["once", "session", "refused"]
PATIENCE_S = 600.0


@dataclass(frozen=True)
class Question:
    """A call that waits to be allowed."""

    id: str
    call: ToolCall


class Consent:
    """Ask the person of one session. One event loop.

    `attended` tells whether there is a page that can show a question: a client of the API
    shows none. `on_change` is told whenever a question comes or goes.
    """

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self.attended = False
        self.on_change: Callable[[], None] = lambda: None
        self._patience_s = patience_s
        self._asked: dict[str, tuple[Question, asyncio.Future[Choice]]] = {}

    @property
    def waiting(self) -> tuple[Question, ...]:
        """Return what waits to be answered, the oldest first."""
        return tuple(question for question, answer in self._asked.values() if not answer.done())

    async def ask(self, call: ToolCall) -> Approval:
        """Put a call to the person and wait for the answer."""
        if not self.attended:
            return "nobody"
        question = Question(secrets.token_urlsafe(12), call)
        answer: asyncio.Future[Choice] = asyncio.get_running_loop().create_future()
        self._asked[question.id] = (question, answer)
        self.on_change()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience_s):
                    return await answer
            return "nobody"
        finally:
            del self._asked[question.id]
            self.on_change()

    def answer(self, question_id: str, choice: str) -> bool:
        """Answer a question; tell whether it was waiting. A second answer, or one to another session's, is none."""
        _, answer = self._asked.get(question_id, (None, None))
        if answer is None or answer.done() or choice not in get_args(Choice):
            return False
        answer.set_result(cast(Choice, choice))
        self.on_change()
        return True

"""Visitors who ask and swap at a human pace: what they waited for the first word, and what they lost."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from random import Random

import httpx2

from tests.app_process import AppProcess
from tests.faults.sharing import Visitor

PROVIDERS = ("chat", "responses", "messages")
PAUSE_S = (3.0, 6.0)
"""Between two questions: within what a link takes from one visitor in a minute."""


@dataclass
class Log:
    """What the visitors saw: seconds to the first word of each answer, and each that did not come whole."""

    first_s: list[float] = field(default_factory=list[float])
    lost: list[str] = field(default_factory=list[str])
    reconnects: int = 0


class Honest(threading.Thread):
    """One visitor. Ends after the answer that is being waited for once `leave` is set."""

    def __init__(self, app: AppProcess, number: int, log: Log, leave: threading.Event) -> None:
        super().__init__(daemon=True)
        self._visitor = Visitor(app, session=f"honest-{number}")
        self._rng, self._number, self.log, self._leave = Random(number), number, log, leave

    def run(self) -> None:
        asked = 0
        while not self._leave.is_set():
            asked += 1
            question = f"question {asked} of visitor {self._number}"
            try:
                if asked % 3 == 0:
                    self._visitor.choose(self._rng.choice(PROVIDERS), "echo-small")
                self._ask(question)
                if asked % 15 == 0:
                    self._visitor.call("new_conversation")
            except Exception as error:
                self.log.lost.append(f"{question}: {type(error).__name__}: {str(error)[:200]}")
            self._leave.wait(self._rng.uniform(*PAUSE_S))

    def _begun(self, question: str) -> str:
        """Begin a turn; over a fresh connection where one that lay idle was closed, as a browser does."""
        try:
            return self._visitor.join("chat", question)
        except (httpx2.ReadError, httpx2.RemoteProtocolError, httpx2.WriteError):
            self.log.reconnects += 1
            return self._visitor.join("chat", question)

    def _ask(self, question: str) -> None:
        began, first, last = time.monotonic(), 0.0, ""
        event = self._begun(question)
        with self._visitor.http.stream("GET", f"/gradio_api/call/chat/{event}") as answer:
            for line in answer.iter_lines():
                if line.startswith("data: ["):
                    last = line
                    if not first and '"text": ""' not in line and '"text":""' not in line:
                        first = time.monotonic() - began
        value = json.loads(last[6:])[0]
        if value["status"] != "done" or value["text"] != f"You said: {question}":
            self.log.lost.append(f"{question}: {value['status']} {value['text'][:60]!r} {value['error']}")
        else:
            self.log.first_s.append(first)


def quantile(values: list[float], share: float) -> float:
    """Return the value below which that share of them lies; 0 of none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0

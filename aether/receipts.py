"""What a session keeps to show: the receipt of a swap, and the requests that were sent. Pure values."""

from __future__ import annotations

import json
import reprlib
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aether.fit import Fit, measure
from aether.llm import LLM
from aether.lowering import Omission, ToolSpec, lower
from aether.transcript import Transcript
from aether.usage import Usage

MAX_RECORDS = 40
"""Requests of one session that the inspector keeps."""
SESSION_BYTES = 4_000_000
"""Bytes of JSON that they may come to; the newest one is kept whatever its size."""
PROCESS_BYTES = 200_000_000
"""Bytes that the records of all sessions may come to; those of the session that asked longest ago go first."""
USUAL_ANSWER = 500
"""Tokens of an answer where none was counted yet."""


@dataclass(frozen=True)
class Receipt:
    """What a swap means for the model chosen, before anything is sent.

    `omissions`: what it cannot be shown of the conversation. `fit`: how that stands to its
    window. `cost_usd`: what the next turn may cost; None: its price is not known. Both
    None: the conversation has not begun.
    """

    reference: str
    previous: str
    omissions: tuple[Omission, ...] = ()
    fit: Fit | None = None
    cost_usd: float | None = None


def preflight(transcript: Transcript, llm: LLM, tools: tuple[ToolSpec, ...], *, previous: str) -> Receipt:
    """Return what it means that `llm` answers next. Reckoned here alone: nothing is asked of anyone."""
    if not transcript.turns:
        return Receipt(llm.reference, previous)
    view = lower(transcript, llm.target(tools))
    fit = measure(view, transcript, llm.model.profile)
    price = llm.model.price
    cost = price.cost_usd(Usage(fit.needed, _usual_answer(transcript))) if price else None
    return Receipt(llm.reference, previous, view.omissions, fit, cost)


def _usual_answer(transcript: Transcript) -> int:
    """Return how many tokens the answers here have had, of late."""
    answers = [t.answer for t in transcript.turns[-5:] if t.answer]
    counted = [n for a in answers if (n := sum(s.usage.output for s in a.steps))]
    return round(sum(counted) / len(counted)) if counted else USUAL_ANSWER


@dataclass(frozen=True)
class WireRecord:
    """One request as it was sent, for the inspector. `body` holds no key.

    `at`, in seconds, is that of the step which it led to. `key_name` is the variable that
    holds the key. `omissions` are what the model was not shown.
    """

    turn: int
    reference: str
    body: dict[str, Any]
    at: float
    protocol: str = ""
    url: str = ""
    key_name: str = ""
    messages: int = 0
    omissions: tuple[Omission, ...] = ()
    notes: tuple[str, ...] = ()


class RecordSpace:
    """The memory for the records of all sessions of a process."""

    def __init__(self, *, most_bytes: int = PROCESS_BYTES) -> None:
        self.most_bytes = most_bytes
        self._sessions: OrderedDict[int, Records] = OrderedDict()
        self.bytes = 0

    def open(self) -> Records:
        """Return the empty records of one session."""
        return Records(self)

    def grow(self, records: Records, size: int) -> None:
        """Count what a session took or let go, and make the sessions that asked longest ago let go of theirs."""
        self.bytes += size
        self._sessions.pop(id(records), None)
        if records.bytes:
            self._sessions[id(records)] = records
        while size > 0 and self.bytes > self.most_bytes and len(self._sessions) > 1:
            next(iter(self._sessions.values())).clear()


class Records:
    """The last requests of one session, bounded in number and in bytes."""

    def __init__(self, space: RecordSpace | None = None) -> None:
        self._space = space or RecordSpace()
        self._kept: deque[tuple[WireRecord, int]] = deque()
        self.bytes = 0

    def __iter__(self) -> Iterator[WireRecord]:
        return (record for record, _ in self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> WireRecord:
        return self._kept[index][0]

    def append(self, record: WireRecord) -> None:
        """Take a request in, and let go of the oldest ones beyond the bounds."""
        before, size = self.bytes, len(json.dumps(record.body, default=str))
        self._kept.append((record, size))
        self.bytes += size
        while len(self._kept) > 1 and (len(self._kept) > MAX_RECORDS or self.bytes > SESSION_BYTES):
            self.bytes -= self._kept.popleft()[1]
        self._space.grow(self, self.bytes - before)

    def clear(self) -> None:
        """Let go of all of them."""
        size, self.bytes = self.bytes, 0
        self._kept.clear()
        self._space.grow(self, -size)


def swapped(receipt: Receipt, *, pending: bool) -> dict[str, Any]:
    """Return the API's event of a swap."""
    payload: dict[str, Any] = {**pair(receipt.reference), "previous": pair(receipt.previous), "pending": pending}
    return {
        "event_type": "model_updated",
        "payload": payload | {"omissions": [o.to_dict() for o in receipt.omissions]},
    }


def not_swapped(provider: object, model: object, sentence: str, *, current: str) -> dict[str, Any]:
    """Return the API's event of a swap that could not be."""
    asked = {"provider": word(provider), "model": word(model)}
    return {"event_type": "model_update_failed", "payload": asked | {"error": sentence, "current": pair(current)}}


def pair(reference: str) -> dict[str, str]:
    """Return a model reference as the API writes it."""
    provider, _, model = reference.partition("/")
    return {"provider": provider, "model": model}


def word(value: object) -> str:
    """Return what came from outside as one short line, for logs and answers."""
    return " ".join(value[:200].split()) if isinstance(value, str) else reprlib.repr(value)[:200]

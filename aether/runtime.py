"""AgentRuntime: one visitor's live conversation. Owns the task of a turn and the truth about the model.

`llm` is the only truth about which model answers: the picker replaces it, every LLM
request reads it, nothing else remembers a model. Everything here runs on one event loop;
a method without `await` is atomic.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aether.agent import Limits, answering
from aether.answering import Means, answer
from aether.errors import AetherError, BusyError, EmptyMessage, NotReady, ProviderError, SwapError
from aether.live import Live
from aether.llm import LLM
from aether.logs import Redactor
from aether.lowering import Omission, lower
from aether.receipts import Receipt, WireRecord
from aether.router import ProviderRouter
from aether.tools.base import NoTools, Toolbox
from aether.transcript import Answer, Blob, Part, Text, Transcript, Turn
from aether.wire.base import no_blobs

log = logging.getLogger("aether")

SYSTEM = "You are a helpful assistant. You are {model}, served by {provider}. Answer in the user's language."
RECORDS = 40
"""How many requests the inspector keeps."""


class AgentRuntime:
    """Hold a conversation and its model; answer, swap, stop, answer again."""

    def __init__(
        self,
        router: ProviderRouter,
        *,
        default: str = "",
        open_toolbox: Callable[[], Toolbox] = NoTools,
        limits: Limits | None = None,
        redact: Redactor | None = None,
        read_blob: Callable[[Blob], bytes] = no_blobs,
    ) -> None:
        self._router = router
        self._default = default
        self._open_toolbox = open_toolbox
        self._limits = limits or Limits()
        self._redact = redact or Redactor()
        self._read_blob = read_blob
        self._task: asyncio.Task[None] | None = None
        self.session = secrets.token_hex(4)
        self.toolbox = open_toolbox()
        self.llm: LLM | None = None
        self.transcript = Transcript(SYSTEM)
        self.live: Live | None = None
        self.receipt: Receipt | None = None
        self.records: deque[WireRecord] = deque(maxlen=RECORDS)
        if default:
            try:
                self.llm = router.resolve(default)
            except SwapError as error:
                log.warning("Session %s starts without a model: %s", self.session, error)

    def __deepcopy__(self, memo: object) -> AgentRuntime:
        """Return a fresh runtime: this is how Gradio's State makes one for each session."""
        return AgentRuntime(
            self._router,
            default=self._default,
            open_toolbox=self._open_toolbox,
            limits=self._limits,
            redact=self._redact,
            read_blob=self._read_blob,
        )

    @property
    def busy(self) -> bool:
        """Tell whether a turn is running."""
        return self.live is not None and not self.live.finished

    @property
    def pending(self) -> bool:
        """Tell whether the running turn last asked another model than the one now chosen."""
        live = self.live
        return self.busy and live is not None and bool(live.asked) and live.asked != self.reference

    @property
    def reference(self) -> str:
        """Return the reference of the model that the next request goes to; empty if there is none."""
        return self.llm.reference if self.llm else ""

    def swap(self, provider: object, model: object) -> Receipt:
        """Send the next LLM request to another model; raise SwapError and change nothing if that cannot be."""
        log.info("Hot-swapping to provider: %s, model: %s", _word(provider), _word(model))
        previous = self.reference
        try:
            llm = self._router.bind(provider, model)
        except SwapError as error:
            reference = f"{_word(provider)}/{_word(model)}"
            log.warning("Session %s model update failed: %s: %s", self.session, reference, error)
            raise
        self.llm = llm
        self.receipt = Receipt(llm.reference, previous, self.preview(llm))
        log.info("Session %s model updated to: %s", self.session, llm.reference)
        return self.receipt

    def preview(self, llm: LLM) -> tuple[Omission, ...]:
        """Return what `llm` could not be shown of the conversation so far."""
        return lower(self.transcript, llm.target(self.toolbox.specs)).omissions if self.transcript.turns else ()

    def select(self, provider: object, model: object) -> dict[str, Any]:
        """Swap, and tell what came of it as the event of the API; never raises."""
        before = _pair(self.reference)
        try:
            receipt = self.swap(provider, model)
        except AetherError as error:
            failed = {"provider": _word(provider), "model": _word(model), "error": error.sentence, "current": before}
            return {"event_type": "model_update_failed", "payload": failed}
        updated = {
            **_pair(receipt.reference),
            "previous": before,
            "pending": self.pending,
            "omissions": [o.to_dict() for o in receipt.omissions],
        }
        return {"event_type": "model_updated", "payload": updated}

    def ask(self, message: object, attached: tuple[Part, ...] = ()) -> Live:
        """Begin a turn with the user's message and files; raise BusyError, EmptyMessage or NotReady."""
        words = message if isinstance(message, str) and message.strip() else ""
        if not words and not attached:
            raise EmptyMessage("The message is empty.")
        self._ready()
        prompt = (*attached, Text(words)) if words else attached
        self.transcript = self.transcript.with_turn(Turn(prompt, at=time.time()))
        return self._begin(len(self.transcript.turns) - 1, None)

    def rerun(self, turn: int, *, reference: str | None = None) -> Live:
        """Answer turn `turn` once more beside its other answers; with another model if one is named.

        Raises BusyError, SwapError for an unknown reference, EmptyMessage for an unknown turn.
        """
        self._ready()
        if not 0 <= turn < len(self.transcript.turns):
            raise EmptyMessage("There is no such cell in this conversation.")
        other = self._router.resolve(reference) if reference and reference != self.reference else None
        return self._begin(turn, other)

    def _ready(self) -> None:
        if self.busy:
            raise BusyError("An answer is still being written.")
        if self.llm is None:
            raise NotReady("No model is chosen yet.")

    async def stop(self) -> bool:
        """End the running turn and keep what it has said; tell whether there was one."""
        task, live = self._task, self.live
        if task is None or live is None or live.finished:
            return False
        task.cancel()
        await asyncio.wait({task})
        if not live.finished:  # cancelled before its first line ran
            live.stopped = True
            self._settle(live)
        return True

    async def settle(self) -> None:
        """Wait until no turn is running."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def new_conversation(self) -> str:
        """Begin an empty conversation with the same model; raise BusyError while a turn runs."""
        if self.busy:
            raise BusyError("An answer is still being written.")
        self.transcript, self.live, self.receipt = Transcript(SYSTEM), None, None
        self.records.clear()
        return secrets.token_hex(16)

    def _begin(self, turn: int, other: LLM | None) -> Live:
        live = self.live = Live(turn)
        self._task = asyncio.get_running_loop().create_task(self._turn(live, other))
        return live

    async def _turn(self, live: Live, other: LLM | None) -> None:
        """Run one turn to its end, whatever end that is, and put the answer into the transcript."""
        asked = answering(self.transcript.before(live.turn + 1), Answer())
        try:
            await answer(asked, live, llm=lambda: self._next(other), learn=self._learn, means=self._means())
        finally:
            self._settle(live)

    def _means(self) -> Means:
        return Means(
            session=self.session,
            toolbox=self.toolbox,
            limits=self._limits,
            redact=self._redact,
            read_blob=self._read_blob,
            record=self.records.append,
        )

    def _next(self, other: LLM | None) -> LLM:
        """Return the model for the next request: the one truth, or the one named for this answer alone."""
        llm = other or self.llm
        if llm is None:
            raise NotReady("No model is chosen yet.")
        return llm

    def _learn(self, llm: LLM, error: ProviderError) -> None:
        """Keep what an error told about the model, for every session; the binding takes it up if it is still chosen."""
        if error.learnt:
            log.info("Learnt of %s: %s", llm.reference, error.learnt)
            fresh = self._router.learn(llm, error.learnt)
            if self.llm is llm:
                self.llm = fresh

    def _settle(self, live: Live) -> None:
        turn = self.transcript.turns[live.turn]
        fresh = turn.with_answer(live.answer())
        if live.turn < len(self.transcript.turns) - 1 and turn.answers:
            fresh = replace(fresh, chosen=turn.chosen)  # what followed was said of the answer chosen then
        self.transcript = self.transcript.replace_turn(live.turn, fresh)
        live.finished = True
        live.touch()


def _pair(reference: str) -> dict[str, str]:
    provider, _, model = reference.partition("/")
    return {"provider": provider, "model": model}


def _word(value: object) -> str:
    """Return what came from outside as one short line, for logs and answers."""
    return " ".join(value.split())[:200] if isinstance(value, str) else repr(value)[:200]

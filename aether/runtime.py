"""AgentRuntime: one visitor's live conversation. Owns the task of a turn and the truth about the model.

`llm` is the only truth about which model answers: the picker replaces it, every LLM
request reads it, nothing else remembers a model. Everything here runs on one event loop;
a method without `await` is atomic.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from aether.agent import answering
from aether.answering import Means, answer, record
from aether.asking import proposal
from aether.binding import ModelBinding, no_own_keys
from aether.errors import AetherError, LostSession, NotReady, SwapError
from aether.fitting import Paid
from aether.guard import Guard, OpenGuard, OpenPass, Pass, Permit, Who
from aether.keeping import Keeper, KeepsNothing, moment
from aether.keyring import OwnKeys
from aether.limits import Limits
from aether.live import Live, Lives, Turns
from aether.llm import LLM
from aether.logs import Redactor
from aether.lowering import View
from aether.metrics import took
from aether.notebook import asked_for, best
from aether.receipts import Receipt, Records, not_swapped, preflight, swapped, word
from aether.router import ProviderRouter
from aether.store.conversations import Kept
from aether.store.writing import Moment
from aether.tools.base import NoTools, Toolbox
from aether.transcript import Answer, Blob, Part, Transcript
from aether.wire.base import no_blobs

log = logging.getLogger("aether")

SYSTEM = "You are a helpful assistant. You are {model}, served by {provider}. Answer in the user's language."
Parts = tuple[Part, ...]
Models = Sequence[LLM | None]
Leave = Permit | None


class AgentRuntime(ModelBinding):
    """Hold a conversation and its model; answer, swap, stop, answer again, compare."""

    def __init__(
        self,
        router: ProviderRouter,
        *,
        default: str = "",
        open_toolbox: Callable[[], Toolbox] = NoTools,
        limits: Limits | None = None,
        redact: Redactor | None = None,
        read_blob: Callable[[Blob], bytes] = no_blobs,
        open_keeper: Callable[[Callable[[], Moment]], Keeper] = KeepsNothing,
        guard: Guard | None = None,
        identify: Callable[[], Who] = Who,
        own_keys: Callable[[Who], OwnKeys] = no_own_keys,
        open_records: Callable[[], Records] = Records,
    ) -> None:
        super().__init__(Transcript(SYSTEM), router, identify, own_keys)
        self._took = took
        self._limits, self._redact, self._read_blob = limits or Limits(), redact or Redactor(), read_blob
        self._guard = guard or OpenGuard()
        told = {"default": default, "limits": limits, "redact": redact, "read_blob": read_blob, "identify": identify}
        opened = {"open_toolbox": open_toolbox, "open_keeper": open_keeper, "open_records": open_records}
        self._fresh = partial(AgentRuntime, router, guard=guard, own_keys=own_keys, **told, **opened)
        self._tasks: set[asyncio.Task[None]] = set()
        self.session = secrets.token_hex(4)
        self.toolbox = open_toolbox()
        self.swapped = asyncio.Event()  # set for a moment at each swap
        self.lives: Lives | None = None
        self.turns = Turns()
        self.toolbox.consent.on_change = self.turns.touch
        self.receipt: Receipt | None = None
        self.records = open_records()
        self.keeper = open_keeper(self.moment)
        try:
            self.llm = router.resolve(default) if default else None
        except SwapError as error:
            log.warning("Session %s starts without a model: %s", self.session, error)

    def __deepcopy__(self, memo: object) -> AgentRuntime:
        """Return a fresh runtime: this is how Gradio's State makes one for each session."""
        return self._fresh()

    def moment(self) -> Moment:
        """Return the conversation as it stands, with what is being written as far as it came."""
        return moment(self.transcript, self.reference, self.lives)

    @property
    def live(self) -> Live | None:
        """Return the answer that is being written or was written last; of several, the first."""
        return self.lives.answers[0] if self.lives else None

    @property
    def busy(self) -> bool:
        """Tell whether a turn is running."""
        return self.lives is not None and not self.lives.is_over

    @property
    def pending(self) -> bool:
        """Tell whether the running turn last asked another model than the one now chosen, which it follows."""
        running = [live for live in self.lives.answers if not live.finished] if self.lives else []
        return any(not live.named and live.asked and live.asked != self.reference for live in running)

    @property
    def reference(self) -> str:
        """Return the reference of the model that the next request goes to; empty if there is none."""
        return self.llm.reference if self.llm else ""

    def swap(self, provider: object, model: object) -> Receipt:
        """Send the next LLM request to another model; raise SwapError and change nothing if that cannot be."""
        log.info("Hot-swapping to provider: %s, model: %s", word(provider), word(model))
        previous = self.reference
        try:
            self._ours()
            llm = self._router.bind(provider, model, self._own())
        except (SwapError, LostSession) as error:
            reference = f"{word(provider)}/{word(model)}"
            log.warning("Session %s model update failed: %s: %s", self.session, reference, error)
            raise
        self.llm = llm
        self.swapped.set()
        self.swapped.clear()
        llm.prepare()
        self.receipt = preflight(self.transcript, llm, self.toolbox.specs, previous=previous)
        self.changed()
        log.info("Session %s model updated to: %s", self.session, llm.reference)
        return self.receipt

    def select(self, provider: object, model: object) -> dict[str, Any]:
        """Swap, and tell what came of it as the event of the API; never raises."""
        try:
            receipt = self.swap(provider, model)
        except AetherError as error:
            return not_swapped(provider, model, error.sentence, current=self.reference)
        return swapped(receipt, pending=self.pending)

    async def admit(self, message: object = None, attached: Parts = (), *, references: Sequence[str] = ()) -> Permit:
        """Return leave to begin a turn; raise GuardError, or what else keeps it from that. Nothing is saved then."""
        self._ready() if not references else self._idle()
        own = self._own()
        chosen = [] if references else [self._router.fresh(llm, own) for llm in [self.llm] if llm]
        models = self._router.several(references, own) if references else chosen
        parts = asked_for(message, attached).prompt if message is not None else ()
        return await self._guard.admit(self._identify(), proposal(self.keeper.owner, parts, models, self._limits))

    async def admit_bytes(self, size: int) -> None:
        """Raise GuardError where the session's owner cannot keep so many bytes more."""
        await self._guard.admit_bytes(self.keeper.owner, size)

    def ask(self, message: object, attached: Parts = (), *, permit: Leave = None) -> Live:
        """Begin a turn with the user's message; raise BusyError, EmptyMessage or NotReady. `permit`: of `admit`."""
        turn = asked_for(message, attached)
        self._ready()
        grown = self.transcript.with_turn(turn)
        return self._begin(len(grown.turns) - 1, [None], permit, grown).answers[0]

    def compare(self, message: object, references: Sequence[str], attached: Parts = (), permit: Leave = None) -> Lives:
        """Begin a turn that several models answer side by side; raise as `ask`, and SwapError for an unknown model."""
        turn, models = asked_for(message, attached), self._router.several(references, self._own(), least=2)
        self._idle()
        grown = self.transcript.with_turn(turn)
        return self._begin(len(grown.turns) - 1, models, permit, grown)

    def rerun(self, turn: int, *, reference: str | None = None, permit: Leave = None) -> Live:
        """Answer turn `turn` once more beside its other answers; with another model if one is named.

        Raises BusyError, SwapError for an unknown reference, CellError for an unknown turn.
        """
        self._cell(turn)
        other = self._resolve(reference) if reference else None
        if other is None:
            self._ready()
        return self._begin(turn, [other], permit).answers[0]

    def rerun_with(self, turn: int, references: Sequence[str], *, permit: Leave = None) -> Lives:
        """Let several models answer turn `turn` beside its other answers; raise as `rerun`."""
        self._cell(turn)
        return self._begin(turn, self._router.several(references, self._own()), permit)

    def edit(self, turn: int, message: object, *, permit: Leave = None) -> Live:
        """Ask turn `turn` in other words, on a branch of its own; what was there is kept. Raises as `ask`."""
        edited = self._edited(turn, message if isinstance(message, str) else "")
        self._ready()
        return self._begin(turn, [None], permit, edited).answers[0]

    def _ours(self) -> None:
        if not self.keeper.is_owned:  # a page was sent here after the process that knows its conversation died
            raise LostSession

    def _ready(self) -> None:
        self._idle()
        if self.llm is None:
            raise NotReady("No model is chosen yet.")
        self._rebind()

    async def stop(self, *, until: int | None = None) -> bool:
        """End the running turn and keep what it has said; tell whether there was one.

        With `until`, only a turn whose number is not above it: a stop that comes late ends none that began since.
        """
        lives, tasks = self.lives, set(self._tasks)
        if lives is None or lives.is_over or (until is not None and lives.number > until):
            return False
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for live in (live for live in lives.answers if not live.finished):  # cancelled before its first line ran
            live.stopped = True
            self._settle(live)
        return True

    async def settle(self) -> None:
        """Wait until no turn is running."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def new_conversation(self) -> str:
        """Begin an empty conversation with the same model; raise BusyError while a turn runs."""
        self.load(Transcript(SYSTEM))
        return self.keeper.id

    def load(self, transcript: Transcript, *, kept: Kept | None = None) -> None:
        """Go on with another conversation; raise BusyError while a turn runs. A kept one brings its model along."""
        super().load(transcript)
        self.lives, self.receipt = None, None
        self.records.clear()
        if kept is not None and kept.model and kept.model != self.reference:
            with suppress(SwapError):
                self.llm = self._resolve(kept.model)
        self.keeper.fresh(kept.place if kept else None)
        self.changed()

    def changed(self) -> None:
        """Keep what was changed."""
        self.keeper.settle()

    def _begin(self, turn: int, models: Models, permit: Leave, grown: Transcript | None = None) -> Lives:
        """Start one answer for each model; None: the model that is chosen, whichever that is by then."""
        passes = (permit or self._guard.unasked(len(models))).take(len(models))
        self.transcript = grown or self.transcript
        answers = [Live(turn, named=m.reference if m else "") for m in models]
        lives = self.lives = self.turns.begin(turn, answers, before=len(self.transcript.turns[turn].answers))
        own = self._own()
        for live, model, leave in zip(lives.answers, models, passes, strict=True):
            task = asyncio.get_running_loop().create_task(self._turn(live, model, leave, own))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return lives

    async def _turn(self, live: Live, other: LLM | None, permit: Pass, own: OwnKeys) -> None:
        """Write one answer to its end, whatever end that is, and put it into the transcript."""
        means = replace(self._means(permit), accept=partial(self._accept, own))
        asked = answering(self.transcript.before(live.turn + 1), Answer())
        try:
            await answer(asked, live, llm=lambda: self._next(other, own), learn=self._learn, means=means)
        finally:
            self._settle(live)

    def _paid(self, permit: Leave) -> Paid:
        return {"permit": (permit or self._guard.unasked(1)).take(1)[0], "limits": self._limits}

    def _sent(self, llm: LLM, body: dict[str, Any], view: View) -> None:
        record(llm, body, view, turn=len(self.transcript.turns) - 1, means=self._means())

    def _means(self, permit: Pass | None = None) -> Means:
        return Means(
            session=self.session,
            toolbox=self.toolbox,
            limits=self._limits,
            redact=self._redact,
            read_blob=self._read_blob,
            record=self.records.append,
            kept=self.keeper.begin,
            permit=permit or OpenPass(),
        )

    def _settle(self, live: Live) -> None:
        """Put an answer into its turn. The last turn goes on from the first new answer that is whole."""
        lives = self.lives
        if lives is None or live not in lives.answers:
            return
        live.finished = True
        turn = lives.settled(self.transcript.turns[live.turn])
        if live.turn == len(self.transcript.turns) - 1 or not lives.before:
            turn = replace(turn, chosen=best(turn, since=lives.before))
        self.transcript = self._with_answers(live.turn, turn)
        self.changed()
        live.touch()

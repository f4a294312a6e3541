"""The cells of a conversation, and what a person does to them that asks no model.

Choose an answer, walk to another branch, go on from a cell, delete one and take that back,
put another conversation in its place. Each verb exchanges one value, the transcript, for
another, or raises and changes nothing. It holds no task and no model: `runtime.py` does.
"""

from __future__ import annotations

import time
from dataclasses import replace

from aether import branches
from aether.errors import BusyError, CellError, EmptyMessage
from aether.text import sound
from aether.transcript import Part, Text, Transcript, Turn


class Notebook:
    """Hold a transcript and change it, except while an answer is being written."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self._undo: list[tuple[Transcript, Transcript]] = []

    @property
    def busy(self) -> bool:
        """Tell whether an answer is being written."""
        return False

    @property
    def undoable(self) -> bool:
        """Tell whether the last change was a deletion that can be taken back."""
        return bool(self._undo) and self._undo[-1][1] is self.transcript

    def choose(self, turn: int, answer: int) -> None:
        """Let the conversation go on from answer `answer` of turn `turn`; later turns of another are kept."""
        known = self._cell(turn)
        if not 0 <= answer < len(known.answers):
            raise CellError(f"Cell {turn + 1} has no answer {answer + 1}.")
        self._become(branches.choose(self.transcript, turn, answer))

    def go_on_from(self, turn: int) -> None:
        """End the conversation at turn `turn`, to go on from there; what followed is kept as a branch."""
        self._cell(turn)
        self._become(branches.fork(self.transcript, turn + 1))

    def walk(self, branch: int) -> None:
        """Go the way of a branch; the way that it went until now takes its place."""
        self._idle()
        if not 0 <= branch < len(self.transcript.branches):
            raise CellError("There is no such branch in this conversation.")
        self._become(branches.walk(self.transcript, branch))

    def delete(self, turn: int) -> None:
        """Take turn `turn` out of the conversation; `undo` brings it back."""
        self._cell(turn)
        before, self.transcript = self.transcript, branches.without(self.transcript, turn)
        if self._undo and self._undo[-1][1] is not before:
            self._undo.clear()
        self._undo.append((before, self.transcript))
        self.changed()

    def undo(self) -> None:
        """Take the last deletion back; raise CellError if the conversation went on since."""
        self._idle()
        if not self.undoable:
            raise CellError("The conversation went on since, so that cannot be taken back.")
        self._become(self._undo.pop()[0])

    def load(self, transcript: Transcript) -> None:
        """Put another conversation in the place of this one."""
        self._idle()
        self.transcript = transcript.mended()
        self._undo.clear()

    def changed(self) -> None:
        """Hear that a person changed the conversation."""

    def _become(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.changed()

    def _edited(self, turn: int, message: str) -> Transcript:
        """Return the conversation with turn `turn` asked anew in other words; its files stay."""
        if not message.strip():
            raise EmptyMessage("The message is empty.")
        files = tuple(p for p in self._cell(turn).prompt if not isinstance(p, Text))
        fresh = Turn((*files, Text(sound(message))), at=time.time())
        return branches.fork(self.transcript, turn, fresh)

    def _with_answers(self, index: int, turn: Turn) -> Transcript:
        """Return the conversation with more answers in a cell, going on from the one that `turn` chooses."""
        known = self.transcript.turns[index]
        grown = self.transcript.replace_turn(index, replace(turn, chosen=known.chosen if known.answers else 0))
        return branches.choose(grown, index, turn.chosen)

    def _cell(self, turn: int) -> Turn:
        self._idle()
        if not 0 <= turn < len(self.transcript.turns):
            raise CellError("There is no such cell in this conversation.")
        return self.transcript.turns[turn]

    def _ours(self) -> None:
        """Raise LostSession if the conversation is another process's."""

    def _idle(self) -> None:
        self._ours()
        if self.busy:
            raise BusyError("An answer is still being written.")


def asked_for(message: object, attached: tuple[Part, ...]) -> Turn:
    """Return the turn that a person asks for; raise EmptyMessage if there is nothing in it."""
    words = sound(message) if isinstance(message, str) and message.strip() else ""
    if not words and not attached:
        raise EmptyMessage("The message is empty.")
    return Turn((*attached, Text(words)) if words else attached, at=time.time())


def best(turn: Turn, *, since: int) -> int:
    """Return which answer the turn goes on from: the first new one that did not fail, else the one before."""
    new = range(since, len(turn.answers))
    return next((n for n in new if turn.answers[n].failure is None), turn.chosen if since else 0)

"""Split `<think>…</think>` at the start of an answer from the text after it, as it streams. Pure.

Models behind llama.cpp, Ollama and others write their reasoning into the text. It is
reasoning only where it opens the answer: a tag further on is a word of the text.
"""

from __future__ import annotations

from typing import Literal

OPEN, CLOSE = "<think>", "</think>"
Span = tuple[Literal["reasoning", "text"], str]


class ThinkSplitter:
    """Take text in pieces cut anywhere; give spans of reasoning and text, in order."""

    def __init__(self) -> None:
        self._held = ""
        self._state: Literal["start", "inside", "trim", "text"] = "start"

    @property
    def open(self) -> bool:
        """Tell whether the reasoning has not been closed yet."""
        return self._state == "inside"

    def feed(self, piece: str) -> list[Span]:
        """Take one piece; hold back what may be the beginning of a tag."""
        self._held += piece
        spans: list[Span] = []
        while True:
            before = (self._state, self._held)
            self._advance(spans)
            if before == (self._state, self._held):
                return spans

    @property
    def held(self) -> list[Span]:
        """Return what is held back, as it will be if nothing more comes."""
        if not self._held or self._state == "trim":
            return []
        return [("reasoning" if self._state == "inside" else "text", self._held)]

    def flush(self) -> list[Span]:
        """Give what was held back: the stream has ended."""
        held, self._held = self.held, ""
        return held

    def _advance(self, spans: list[Span]) -> None:
        match self._state:
            case "start":
                bare = self._held.lstrip()
                if bare.startswith(OPEN):
                    self._held, self._state = bare[len(OPEN) :], "inside"
                elif not OPEN.startswith(bare):
                    self._state = "text"
            case "inside":
                thought, tag, rest = self._held.partition(CLOSE)
                if tag:
                    self._held, self._state = rest, "trim"
                else:
                    keep = _overlap(thought, CLOSE)
                    thought, self._held = thought[: len(thought) - keep], thought[len(thought) - keep :]
                if thought:
                    spans.append(("reasoning", thought))
            case "trim":
                self._held = self._held.lstrip()
                if self._held:
                    self._state = "text"
            case "text":
                if self._held:
                    spans.append(("text", self._held))
                    self._held = ""


def _overlap(text: str, tag: str) -> int:
    """Return how many last characters of `text` may be the beginning of `tag`."""
    return next((n for n in range(min(len(text), len(tag) - 1), 0, -1) if tag.startswith(text[-n:])), 0)

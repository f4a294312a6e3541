"""The conversation as a value: parts, steps, answers, turns, transcript.

Append-only and vendor-neutral. Everything here is frozen, equal by content, and goes to
JSON and back without loss. It knows no provider's key, no storage id and no screen.
What a provider said in a form that only it can read is kept in `Step.native`, unread.

    Transcript ─ Turn ─ prompt: parts of the user
               │      └ Answer ─ Step ─ parts of the model, results of its tool calls
               └ Branch: other turns from some turn on
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from aether.errors import AetherError
from aether.parts import (
    JSON,
    Blob,
    Failure,
    File,
    Image,
    Native,
    NativeKind,
    Origin,
    Part,
    Reasoning,
    Refusal,
    ResultPart,
    ResultStatus,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
    digest,
    json_text,
    once,
)
from aether.text import sound_json
from aether.usage import Usage

__all__ = [
    "JSON", "Answer", "Blob", "Branch", "Cut", "Failure", "File", "Image", "Native", "NativeKind", "Origin", "Part",
    "Reasoning", "Refusal", "ResultPart", "ResultStatus", "Step", "StopReason", "SystemNote", "Text", "ToolCall",
    "ToolResult", "Transcript", "TranscriptError", "Turn", "json_text",
]  # fmt: skip

VERSION = 3
"""Version of the JSON form; 2 knows branches, 3 imported steps and pages. Every older version still loads."""

StopReason = Literal[
    "done", "length", "tool", "refusal", "filtered", "paused", "context", "stopped", "error", "unknown"
]


@dataclass(frozen=True)
class Step:
    """One LLM request and the results of the tool calls that it caused.

    `model` is the id that was asked for, `reported_model` the one that the service says
    answered. `prefix` is a digest of all that this step's origin was shown before it.
    `cost_usd` is None where no price is known; times are in milliseconds, `at` in seconds
    since the epoch. `imported` marks a step that came in a file: Aether did not see it being
    made, so what it says of model, time and cost is the file's claim.
    """

    provider: str
    model: str
    origin: Origin
    parts: tuple[Part, ...] = ()
    results: tuple[ToolResult, ...] = ()
    native: tuple[Native, ...] = ()
    prefix: str = ""
    stop: StopReason = "done"
    raw_stop: str = ""
    reported_model: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None
    ttft_ms: float | None = None
    total_ms: float | None = None
    at: float = 0.0
    notes: tuple[str, ...] = ()
    imported: bool = False

    @property
    def reference(self) -> str:
        """Return the model reference, `provider/model`."""
        return f"{self.provider}/{self.model}"

    # What is derived here is derived once: a step never changes, and is lowered for every request after it.

    @once
    def calls(self) -> tuple[ToolCall, ...]:
        """Return the calls of tools among the parts."""
        return tuple(p for p in self.parts if isinstance(p, ToolCall))

    @once
    def spoken(self) -> tuple[Part, ...]:
        """Return the parts without reasoning."""
        return tuple(p for p in self.parts if not isinstance(p, Reasoning))

    @once
    def spoken_digest(self) -> bytes:
        return digest(self.spoken)

    @once
    def native_digest(self) -> bytes:
        return digest([n.data for n in self.native])

    @once
    def bare_digest(self) -> bytes:
        """Return the digest of the native blocks without reasoning."""
        return digest([n.data for n in self.native if n.kind != "reasoning"])

    @once
    def results_digest(self) -> bytes:
        return digest(self.results)

    @property
    def answered(self) -> tuple[tuple[ToolCall, ToolResult | None], ...]:
        """Return each call with its result, if it has one. Of two calls with one id the first has the first."""
        left = list(self.results)
        found: list[tuple[ToolCall, ToolResult | None]] = []
        for call in self.calls:
            result = next((r for r in left if r.call_id == call.id), None)
            if result is not None:
                left.remove(result)
            found.append((call, result))
        return tuple(found)

    @property
    def text(self) -> str:
        """Return what a reader sees as the answer: texts and refusals."""
        return "".join(p.text for p in self.parts if isinstance(p, Text | Refusal))


@dataclass(frozen=True)
class Answer:
    """One of a turn's alternatives: the steps, and the failure that ended it, if one did."""

    steps: tuple[Step, ...] = ()
    failure: Failure | None = None
    stopped: bool = False

    @property
    def text(self) -> str:
        return "\n\n".join(t for s in self.steps if (t := s.text))

    @property
    def status(self) -> Literal["done", "stopped", "error"]:
        if self.failure is not None:
            return "error"
        return "stopped" if self.stopped else "done"


@dataclass(frozen=True)
class Turn:
    """One user message and all that followed until control came back. `chosen` indexes `answers`."""

    prompt: tuple[Part, ...]
    answers: tuple[Answer, ...] = ()
    chosen: int = 0
    at: float = 0.0

    @property
    def answer(self) -> Answer | None:
        """Return the answer that the conversation goes on from."""
        return self.answers[self.chosen] if self.answers else None

    @property
    def text(self) -> str:
        return "\n\n".join(p.text for p in self.prompt if isinstance(p, Text))

    @once
    def prompt_digest(self) -> bytes:
        return digest(self.prompt)

    @once
    def derived(self) -> dict[object, Any]:
        """Keep what other rooms derive from this turn alone, each under a key of its own: it never changes."""
        return {}


@dataclass(frozen=True)
class Cut:
    """Turns `first` to `last` (both included) are not shown to models any more; nothing is deleted.

    `summary` stands in their place, if there is one; `author` is the reference of the
    model that wrote it.
    """

    first: int
    last: int
    summary: str = ""
    author: str = ""


@dataclass(frozen=True)
class Branch:
    """Another way that the conversation went: `turns` instead of all turns from index `first` on.

    `cuts` are that way's own. What is done to branches is in `branches.py`.
    """

    first: int
    turns: tuple[Turn, ...]
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True)
class Transcript:
    """A whole conversation. `system` may name `{provider}` and `{model}`; it is rendered per request.

    `turns` is the way it goes now, and all that a model is ever shown; `branches` are the other ways. `beside` are
    the requests that no turn shows, such as for a summary: kept for what they took, without their words.
    """

    system: str = ""
    turns: tuple[Turn, ...] = ()
    cuts: tuple[Cut, ...] = ()
    branches: tuple[Branch, ...] = ()
    beside: tuple[Step, ...] = ()
    version: int = VERSION

    def with_turn(self, turn: Turn) -> Transcript:
        """Return the transcript with one more turn."""
        return replace(self, turns=(*self.turns, turn))

    def replace_turn(self, index: int, turn: Turn) -> Transcript:
        """Return the transcript with turn `index` exchanged; raise IndexError if there is none."""
        if not 0 <= index < len(self.turns):
            raise IndexError(f"no turn {index}")
        return replace(self, turns=(*self.turns[:index], turn, *self.turns[index + 1 :]))

    def before(self, index: int) -> Transcript:
        """Return the transcript up to and without turn `index`, as a model is shown it: without branches."""
        return replace(self, turns=self.turns[:index], branches=())

    def mended(self) -> Transcript:
        """Return the transcript without halves of characters: earlier versions let them in, and no page shows them."""
        data = self.to_dict()
        fresh = sound_json(data)
        return self if fresh is data else Transcript.from_dict(fresh)

    def to_dict(self) -> JSON:
        """Return the JSON form: plain dicts, lists, strings and numbers."""
        return _adapter().dump_python(self, mode="json")

    def to_json(self) -> str:
        """Return the JSON text; equal transcripts give equal bytes."""
        return json_text(self.to_dict())

    @classmethod
    def from_dict(cls, data: object) -> Transcript:
        """Build a transcript from its JSON form; raise TranscriptError if it is none of ours."""
        version = data.get("version") if isinstance(data, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise TranscriptError("This is not a conversation of Aether.")
        if version > VERSION:
            raise TranscriptError(f"This conversation was written by a newer Aether (form {version}, known {VERSION}).")
        try:
            read = _adapter().validate_python(data)
        except RecursionError as error:
            raise TranscriptError("This conversation is damaged: it is nested too deeply.") from error
        except ValidationError as error:
            where = ".".join(str(x) for x in error.errors()[0]["loc"])
            raise TranscriptError(f"This conversation is damaged at {where or 'its start'}.") from error
        _check(read)
        return replace(read, version=VERSION)


def _check(read: Transcript) -> None:
    """Raise TranscriptError for an index that points nowhere: the form alone does not tell."""
    ways = [(read.turns, read.cuts), *((read.turns[: b.first] + b.turns, b.cuts) for b in read.branches)]
    if any(not 0 <= b.first <= len(read.turns) for b in read.branches):
        raise TranscriptError("This conversation is damaged at branches.")
    for turns, cuts in ways:
        for number, turn in enumerate(turns):
            if not 0 <= turn.chosen < max(1, len(turn.answers)):
                raise TranscriptError(f"This conversation is damaged at turns.{number}.chosen.")
        if any(not 0 <= c.first <= c.last < max(1, len(turns)) for c in cuts):
            raise TranscriptError("This conversation is damaged at cuts.")


class TranscriptError(AetherError):
    """Say that some data is not a transcript that can be read."""

    kind = "transcript"
    remedy = "Nothing was changed."


@cache
def _adapter() -> TypeAdapter[Transcript]:
    return TypeAdapter(Transcript)

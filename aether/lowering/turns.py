"""One turn as it is shown: what the passes make of it, kept with the turn. Pure.

A turn never changes, so what follows from it alone is derived once: what it holds, and for
each kind of target its messages. Nothing here looks at what stands before the turn; what
depends on that is done over all turns, each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, NamedTuple

from aether.lowering.calls import as_text, close_calls, fix_calls, flatten_tools, give_ids, told, valid_name
from aether.lowering.media import place_media
from aether.lowering.shape import drop_blank, merge_neighbours
from aether.lowering.text import mend_text
from aether.lowering.view import Message, Omission
from aether.lowering.weight import weight
from aether.parts import MEDIA
from aether.profile import Profile
from aether.transcript import (
    File,
    Image,
    Origin,
    Part,
    Reasoning,
    Refusal,
    Step,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)

Form = Literal["foreign", "retold", "home", "bare"]
"""How a step is shown: another's, in neutral parts; the target's own, in neutral parts; as it
was made; as it was made but for the reasoning."""

OF_USERS = (Text, SystemNote, Image, File)

FOREIGN_REASONING = "reasoning of another model is kept here, but never sent"
CHANGED_REASONING = "reasoning that no longer fits what stands before it"
FOREIGN_NATIVE = "data that only the model that made it can read"


class Way(NamedTuple):
    """A way to show a turn: the form of each step, and `mark`, the joined digests of what is shown."""

    forms: tuple[Form, ...]
    mark: bytes


class Facts(NamedTuple):
    """What a turn holds, whoever it is shown to.

    `foreign` is how a stranger is shown it. `models` and `origins` are of those that
    answered, `names` of the tools called, made valid.
    """

    foreign: Way
    models: frozenset[str]
    origins: frozenset[Origin]
    call_ids: tuple[str, ...]
    names: tuple[str, ...]


def steps_of(turn: Turn) -> tuple[Step, ...]:
    """Return the steps of the chosen answer."""
    return turn.answers[turn.chosen].steps if turn.answers else ()


def facts(turn: Turn) -> Facts:
    """Return what a turn holds."""
    known: Facts | None = turn.derived.get("facts")
    if known is None:
        steps = steps_of(turn)
        origins = frozenset(s.origin for s in steps)
        known = turn.derived["facts"] = Facts(
            foreign=_way(turn, "foreign", [s.spoken_digest for s in steps]),
            models=frozenset(o.model for o in origins),
            origins=origins,
            call_ids=tuple(c.id for s in steps for c in s.calls),
            names=tuple(valid_name(c.name) for s in steps for c in s.calls),
        )
    return known


def way_home(turn: Turn) -> Way | None:
    """Return how a turn goes to the one that made all of it; None where more than the turn decides that.

    Of words alone nothing hangs on what stands before them, or on what the target takes.
    """
    if "home" not in turn.derived:
        turn.derived["home"] = _way_home(turn)
    return turn.derived["home"]


def _way_home(turn: Turn) -> Way | None:
    steps = steps_of(turn)
    bound = any(not s.native or s.calls or any(n.kind in ("reasoning", "other") for n in s.native) for s in steps)
    one = len({s.origin for s in steps}) == 1
    return _way(turn, "home", [s.native_digest for s in steps]) if one and not bound else None


def _way(turn: Turn, form: Form, said: list[bytes]) -> Way:
    results = [s.results_digest if s.results else b"" for s in steps_of(turn)]
    shown = [mark for pair in zip(said, results, strict=True) for mark in pair]
    return Way((form,) * len(said), b"".join([turn.prompt_digest if turn.prompt else b"", *shown]))


class Numbered(NamedTuple):
    """The messages of a passage with ids for their calls."""

    messages: tuple[Message, ...]
    ids: set[str]


@dataclass(frozen=True)
class Passage:
    """A turn as one kind of target is shown it, but for the ids of its calls.

    `calls` counts them, `own_ids` are the ids of those that stay as they are, `noted` tells
    that there are notes of the system in it. `chars` is what the messages weigh.
    """

    messages: tuple[Message, ...]
    omissions: tuple[Omission, ...]
    calls: int
    own_ids: tuple[str, ...]
    noted: bool
    chars: int
    numbered: dict[int, Numbered] = field(default_factory=dict[int, Numbered], compare=False)

    def with_ids(self, before: int, taken: set[str]) -> tuple[Message, ...]:
        """Return the messages with valid ids, where so many calls stand before them; add the ids to `taken`."""
        if self.calls == len(self.own_ids):
            return self.messages
        known = self.numbered.get(before)
        if known is None:
            ids = set[str]()
            known = Numbered(tuple(give_ids(self.messages, before, ids)), ids)
            self.numbered.clear()  # the number changes only where something before it was cut
            self.numbered[before] = known
        if not taken.isdisjoint(known.ids):
            return tuple(give_ids(self.messages, before, taken))
        taken |= known.ids
        return known.messages


def passages(turns: Iterable[Turn], forms: Iterable[tuple[Form, ...]], profile: Profile) -> list[Passage]:
    """Return how each turn is shown to a target of such a profile, its steps in these forms."""
    kind = kind_of(profile)
    return [
        turn.derived.get((told, kind)) or turn.derived.setdefault((told, kind), _passage(turn, told, profile))
        for turn, told in zip(turns, forms, strict=True)
    ]


def kind_of(profile: Profile) -> tuple[bool, ...]:
    """Return what of a profile decides how a turn is shown."""
    return (profile.tools, profile.vision, profile.files, profile.result_images)


def joined(passages: Iterable[Passage]) -> list[Message]:
    """Put passages behind each other, with ids for the calls that are unique in the request."""
    taken = {id_ for p in passages for id_ in p.own_ids}
    messages: list[Message] = []
    calls = 0
    for one in passages:
        shown = one.messages
        if one.calls:
            shown = one.with_ids(calls, taken)
            calls += one.calls
        if messages and shown and messages[-1].role == shown[0].role:
            shown = merge_neighbours([messages.pop(), *shown])
        messages += shown
    return messages


def _passage(turn: Turn, forms: tuple[Form, ...], profile: Profile) -> Passage:
    """Return that, made once for all targets to which such a turn looks alike."""
    holds = _held(turn)
    calls = "calls" in holds and profile.tools
    media = "media" in holds and (profile.vision, profile.files, profile.result_images)
    key = ("alike", forms, calls, media)
    known: Passage | None = turn.derived.get(key)
    if known is None:
        known = turn.derived[key] = _made(turn, forms, profile)
    return known


def _held(turn: Turn) -> frozenset[str]:
    """Tell whether there are calls or their results in a turn, and media: how it is shown hangs on that."""
    parts = [*turn.prompt, *(p for s in steps_of(turn) for p in (*s.parts, *s.results))]
    results = [p for p in parts if isinstance(p, ToolResult)]
    inner = [p for r in results for p in r.parts]
    calls = {"calls"} if results or any(isinstance(p, ToolCall) for p in parts) else set[str]()
    media = {"media"} if any(isinstance(p, MEDIA) for p in chain(parts, inner)) else set[str]()
    return frozenset(calls | media)


def _made(turn: Turn, forms: tuple[Form, ...], profile: Profile) -> Passage:
    omitted = [o for s, form in zip(steps_of(turn), forms, strict=True) for o in _left_out(s, form)]
    messages = fix_calls(close_calls(mend_text(_placed(turn, forms))))
    calls = [(c, m) for m in messages if m.role == "assistant" for c in m.parts if isinstance(c, ToolCall)]
    messages, unseen = place_media(messages, profile)
    messages, flattened = flatten_tools(messages, profile)
    messages = merge_neighbours(drop_blank(messages))
    return Passage(
        messages=tuple(messages),
        omissions=(*omitted, *unseen, *flattened),
        calls=len(calls) if profile.tools else 0,
        own_ids=tuple(c.id for c, m in calls if m.native),
        noted=any(isinstance(p, SystemNote) for m in messages for p in m.parts),
        chars=sum(map(weight, messages)),
    )


def _placed(turn: Turn, forms: tuple[Form, ...]) -> list[Message]:
    """List the messages of a turn, own blocks attached where they go home."""
    messages = [Message("user", _of_user(turn.prompt))] if turn.prompt else []
    for step, form in zip(steps_of(turn), forms, strict=True):
        bare = tuple(n for n in step.native if n.kind != "reasoning") if form == "bare" else ()
        native = step.native if form == "home" else bare
        whole = form != "bare" or len(bare) == len(step.native)
        messages.append(Message("assistant", _of_assistant(step.spoken), native, whole, step))
        if step.results:
            messages.append(Message("tool", step.results))
    return messages


def _of_user(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return what may stand in a user's message; what a damaged import put there beside it becomes text."""
    if all(isinstance(p, OF_USERS) for p in parts):
        return parts
    return tuple(t for p in parts if not isinstance(p, Reasoning) for t in _in_words(p))


def _of_assistant(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return what may stand in an assistant's message: all but a result."""
    if not any(isinstance(p, ToolResult) for p in parts):
        return parts
    return tuple(t for p in parts for t in (as_text(p) if isinstance(p, ToolResult) else (p,)))


def _in_words(part: Part) -> tuple[Part, ...]:
    match part:
        case ToolResult():
            return as_text(part)
        case Refusal():
            return (Text(part.text),)
        case _:
            return (told(part),)


def _left_out(step: Step, form: Form) -> list[Omission]:
    """Say what of a step is not shown."""
    match form:
        case "home":
            return []
        case "bare":
            thoughts = sum(n.kind == "reasoning" for n in step.native)
            return [Omission("reasoning", thoughts, CHANGED_REASONING)] if thoughts else []
        case "foreign" | "retold":
            thoughts = len(step.parts) - len(step.spoken)
            reason = FOREIGN_REASONING if form == "foreign" else CHANGED_REASONING
            opaque = sum(n.kind == "other" for n in step.native) if form == "foreign" else 0
            found = (Omission("reasoning", thoughts, reason), Omission("native", opaque, FOREIGN_NATIVE))
            return [o for o in found if o.count]

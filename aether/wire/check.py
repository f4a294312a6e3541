"""The strict checker: what the real services would refuse in a body. Pure.

A status 200 proves little: lenient servers accept calls without results, ids of any form
and blocks of strangers. A body without a violation here is one that the strictest known
service of its protocol takes. Rule names are those of `docs/swap-matrix.md`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from aether.lowering.calls import fits
from aether.parts import object_of
from aether.profile import Profile, Protocol
from aether.transcript import Origin, Transcript
from aether.wire.base import JSON, mapping, mappings, text_of

IMAGE_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
LARGEST_IMAGE = 5_242_880
"""Bytes of an image in base64 (claude-code#10612)."""
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True)
class Violation:
    """A rule that the body breaks, and where."""

    rule: str
    where: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.where[:60]})"


@dataclass(frozen=True)
class Issued:
    """What the target itself has given out: signatures, encrypted data and item ids that may go home."""

    opaque: frozenset[str] = frozenset()

    def __contains__(self, value: object) -> bool:
        return value in self.opaque


OPAQUE = ("id", "signature", "data", "encrypted_content")
"""Keys under which a service gives out what only it can read."""


def issued_to(transcript: Transcript, origin: Origin) -> Issued:
    """Gather what `origin` itself has given out in this conversation."""
    steps = (s for t in transcript.turns for a in t.answers for s in a.steps if s.origin == origin)
    blocks = (native.data for step in steps for native in step.native)
    return Issued(frozenset(v for b in blocks for k in OPAQUE if isinstance(v := b.get(k), str)))


Check = Callable[[JSON, Profile, Issued], Iterator[Violation]]


def check(protocol: Protocol, body: JSON, profile: Profile, issued: Issued | None = None) -> list[Violation]:
    """Return every rule that `body` breaks; empty: the strictest known service takes it."""
    from aether.wire.check_anthropic import check_anthropic
    from aether.wire.check_chat import check_chat
    from aether.wire.check_responses import check_responses

    checks: dict[Protocol, Check] = {
        "openai-chat": check_chat,
        "openai-responses": check_responses,
        "anthropic-messages": check_anthropic,
    }
    return [*checks[protocol](body, profile, issued or Issued()), *check_remote(body)]


BODY_KEYS: dict[Protocol, set[str]] = {
    "openai-chat": {"model", "messages", "stream", "stream_options", "tools", "tool_choice", "temperature", "top_p"},
    "openai-responses": {
        "model", "input", "instructions", "include", "store", "stream", "tools", "tool_choice", "temperature", "top_p",
    },
    "anthropic-messages": {
        "model", "messages", "system", "max_tokens", "stream", "tools", "tool_choice", "temperature", "top_p",
    },
}  # fmt: skip


def check_settings(protocol: Protocol, body: JSON, profile: Profile) -> Iterator[Violation]:
    """Check what stands beside the messages: keys, the bound of the answer, sampling, tools."""
    known = BODY_KEYS[protocol] | {profile.max_tokens_key, *profile.extra_keys}
    known |= {profile.effort_key.split(".")[0]} if profile.effort_key else set()
    known |= {"thinking"} if profile.thinking != "none" else set()
    for key in body.keys() - known:
        yield Violation("T8 only keys that the target knows", key)
    if len(body.keys() & {"max_tokens", "max_completion_tokens", "max_output_tokens"}) > 1:
        yield Violation("P2 one key bounds the answer", "body")
    sampled = body.keys() & {"temperature", "top_p"}
    if len(sampled) > {"none": 0, "one": 1, "free": 2}[profile.sampling]:
        yield Violation("P4 sampling keys", ", ".join(sorted(sampled)))
    if body.get("tool_choice") is not None and not body.get("tools"):
        yield Violation("C20 no choice without tools", "tool_choice")
    if body.get("tools") and not profile.tools:
        yield Violation("C15 the target takes no tools", "tools")


MEDIA_BLOCKS = ("image", "image_url", "image_file", "input_image", "document", "file", "input_file")
REMOTE_KEYS = ("file_id", "file_url", "container_id")
"""Keys by which a block of media names what is elsewhere: a service fetches it, and bills what nobody has counted."""
ARGUMENTS = ("input", "arguments", "parameters")
"""Keys whose objects are a tool's, with names of its own."""


def check_remote(body: JSON) -> Iterator[Violation]:
    """Check that a body carries all that it shows, and names nothing that a service would have to fetch."""
    left: list[tuple[str, object]] = [(k, v) for k, v in body.items() if k != "tools"]
    while left:
        where, value = left.pop()
        if isinstance(value, list):
            left += [(where, item) for item in cast(list[object], value)]
        elif isinstance(value, dict):
            block = cast(JSON, value)
            if block.get("type") in MEDIA_BLOCKS and _is_remote(block):
                yield Violation("I6 nothing remote", where)
            left += [(k, v) for k, v in block.items() if isinstance(v, list) or (k not in ARGUMENTS and v)]


def _is_remote(block: JSON) -> bool:
    source, places = mapping(block.get("source")), [mapping(block.get(k)) for k in ("file", "image_url", "image_file")]
    urls = [block.get("image_url"), *(p.get("url") for p in places), *(p.get("file_data") for p in (block, *places))]
    named = any(p.get(k) for p in (block, *places) for k in REMOTE_KEYS)
    fetched = any(isinstance(url, str) and not url.startswith("data:") for url in urls)
    return named or fetched or source.get("type") not in (None, "base64", "text", "content")


def check_names(offered: Iterable[str], used: Iterable[str]) -> Iterator[Violation]:
    """Check tool names: valid, and none in the history that is not explained."""
    offered = set(offered)
    for name in {*offered, *used}:
        if not TOOL_NAME.fullmatch(name):
            yield Violation("C13 tool name", name)
    for name in set(used) - offered:
        yield Violation("C14 a tool in the history is explained", name)


def check_ids(ids: list[str], rule: str, longest: int) -> Iterator[Violation]:
    """Check tool ids: form, length, and that none is used twice in the request."""
    for id_ in ids:
        if not id_ or len(id_) > longest:
            yield Violation("C9 length of a tool id", id_)
        elif not fits(id_, rule):
            yield Violation("C5 form of a tool id", id_)
    for id_ in (i for i, times in Counter(ids).items() if times > 1):
        yield Violation("C7 tool ids are unique", id_)


def check_ends(roles: list[str], *, paused: bool = False) -> Iterator[Violation]:
    """Check who begins and who ends; `roles` without system texts. `paused`: the last one is to be resumed."""
    if not roles or roles[0] != "user":
        yield Violation("M5 the first message is a user's", roles[0] if roles else "none")
    if roles and roles[-1] not in ("user", "tool") and not paused:
        yield Violation("M4 the last message is a user's or a tool's", roles[-1])


def blank(text: object) -> bool:
    """Tell whether a text is empty or white space alone."""
    return not text_of(text).strip()


def is_object(arguments: object) -> bool:
    """Tell whether a call's arguments are the text of a JSON object."""
    return object_of(text_of(arguments)) is not None


def tool_names(tools: object) -> list[str]:
    """Return the names of the tools offered, in any protocol's form; a service's own tools may have none."""
    names = [text_of(t.get("name") or mapping(t.get("function")).get("name")) for t in mappings(tools)]
    return [n for n in names if n]

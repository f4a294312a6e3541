"""The judge of all bodies: the app's own checker, and whether anything was lost. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from aether.profile import DEFAULTS, Profile
from aether.wire.check import check
from bench.peers.cases import Case

FORGIVEN = ("M6 ", "C14 ")
"""Rules that are not held against a body here: the service joins neighbours of one role itself, and
what it says to a call whose tool is not offered has not been seen."""
TAKEN = ("metadata", "stop_sequences", "service_tier", "container", "cache_control", "output_config", "betas")
PROFILES: dict[str, Profile] = {
    "anthropic-messages": DEFAULTS["anthropic-messages"].with_fields(
        {"vision": True, "files": True, "extra_keys": list(TAKEN), "sampling": "free"}
    ),
    "openai-chat": DEFAULTS["openai-chat"].with_fields(
        {
            "tools": True,
            "vision": True,
            "system": "any",
            "sampling": "free",
            "extra_keys": ["parallel_tool_calls", "max_completion_tokens"],
            "strict_alternation": False,
            "strict_tool_user": False,
        }
    ),
}
"""What the services themselves take, their newest keys included; nothing that only some server refuses."""


@dataclass(frozen=True)
class Verdict:
    """How a library did. `faults`: what the service would refuse, or why nothing was sent; `lost`: what is missing."""

    faults: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not self.faults and not self.lost


def judge(case: Case, body: dict[str, Any] | None, error: str | None) -> Verdict:
    """Return what is wrong with the body of the request that a library made of the case."""
    if body is None:
        return Verdict((f"no request: {error}",))
    found = [v for v in check(case.target, body, PROFILES[case.target]) if not v.rule.startswith(FORGIVEN)]
    shown = "\n".join(strings({k: body.get(k) for k in ("system", "messages")}))
    lost = [f"lost: “{w}”" for w in case.words if w not in shown]
    places = [shown.find(w) for w in case.ordered]
    if not lost and (-1 in places or places != sorted(places)):
        lost.append("a text is not where it stood")
    return Verdict(tuple(dict.fromkeys(v.rule for v in found)), tuple(lost))


def strings(value: object) -> list[str]:
    """Return every string of a JSON value, and those of strings that hold JSON."""
    match value:
        case str():
            try:
                inner = json.loads(value) if value[:1] in ("{", "[") else None
            except (ValueError, RecursionError):
                inner = None
            return [value, *strings(inner)]
        case dict():
            return [s for v in cast(dict[str, object], value).values() for s in strings(v)]
        case list():
            return [s for v in cast(list[object], value) for s in strings(v)]
        case _:
            return []

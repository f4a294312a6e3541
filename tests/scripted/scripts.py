"""What the server does is chosen by the model id: the table of all that it can play.

Ids compose from the left: `alias-think-tool-calculate` reports another name, thinks, and asks
for the tool `calculate`; `flaky-2-paced-50x200` fails twice and then writes 200 tokens.
An id that is not in the table is answered like `echo`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from tests.scripted import failures
from tests.scripted.reply import Call, Counts, End, Reply
from tests.scripted.request import Ask, json_in

Play = Callable[[Ask, re.Match[str]], Reply]
THOUGHT = "Let me think about that step by step."
DECLINED = "I can't help with that."

MODELS = (
    *("echo-small", "echo-large", "paced-50x200", "fast-200", "slow-first-1.5", "think", "think-tags", "redacted"),
    *("tool-calculate", "parallel-2", "forever", "refuse", "filter", "length", "cached", "alias-echo", "gate-3"),
)
"""What the list of models shows; every other id of the table works too."""


def choose(ask: Ask, *, model: str | None = None) -> Reply:
    """Return the reply of a model id to a request."""
    id_ = ask.model if model is None else model
    for pattern, play in TABLE:
        if found := re.fullmatch(pattern, id_):
            return play(ask, found)
    return echo(ask)


def echo(ask: Ask) -> Reply:
    """Repeat what the user said last."""
    return Reply(text=f"You said: {ask.user_text}")


def written(ask: Ask, count: int, *, rate_per_s: float = 0.0) -> Reply:
    """Write `count` tokens; the first and the last are marked, so that a bench can see them."""
    first, last = f" [[r{ask.number}:{ask.model}]]", f" [[end{ask.number}]]"
    middle = (f" w{i}" for i in range(2, count))
    tokens = (first, *middle, last) if count > 1 else (first + last,)
    return Reply(tokens=tokens, rate_per_s=rate_per_s)


END_NAMES: dict[str, End] = {
    "stall": "stall",
    "cut": "cut",
    "reset": "reset",
    "unended": "unended",
    "inband-error": "error",
    "inband-failed": "failed",
}


def ended(found: re.Match[str]) -> Reply:
    """Write some tokens and then fail in the way that the id names: `cut-3` and its kin."""
    after = int(found["after"] or 3)
    tokens = tuple(f" t{i}" for i in range(1, after + 5))
    return Reply(tokens=tokens, end=END_NAMES[found["end"]], end_after=after)


def use_tools(ask: Ask, names: tuple[str, ...]) -> Reply:
    """Ask for tools with the JSON that the user wrote; once there are results, tell them."""
    if ask.results:
        return Reply(text=" ".join(f"The tool said: {r}" for r in ask.results))
    arguments = json_in(ask.user_text)
    return Reply(calls=tuple(Call(name=n, arguments=arguments) for n in names))


def forever(ask: Ask, found: re.Match[str]) -> Reply:
    """Ask for a tool, whatever came back."""
    name = found["name"] or next(iter(ask.offered), "list_files")
    return Reply(calls=(Call(name=name, arguments="{}"),))


def parallel(ask: Ask, found: re.Match[str]) -> Reply:
    """Ask for several tools at once: the one named, or those on offer in turn."""
    offered = (found["name"],) if found["name"] else ask.offered or ("list_files",)
    return use_tools(ask, tuple(offered[i % len(offered)] for i in range(int(found["count"]))))


def guide(ask: Ask) -> Reply:
    """Say which tools there are; for any other wish look at the files, read the first program, and tell of it."""
    told = "\n".join(ask.results)
    if not ask.results and "tools" in ask.user_text.lower():
        return Reply(text="I can use: " + ", ".join(ask.offered) + ".")
    if not ask.results:
        return Reply(
            text="I look at the files first.",
            calls=(
                Call(name="list_files", arguments='{"depth": 2}'),
                Call(name="search_text", arguments='{"query": "^def ", "regex": true}'),
            ),
        )
    if "def load_beds" in told and "from pathlib" in told:
        return Reply(text="The code is in `garden/`: `beds.py` reads the table, `report.py` prints it.")
    return Reply(calls=(Call(name="read_file", arguments='{"path": "garden/beds.py"}'),))


def think(ask: Ask, found: re.Match[str]) -> Reply:
    """Reason first, then do what the rest of the id says."""
    return replace(choose(ask, model=found["rest"] or "echo"), reasoning=THOUGHT)


def redacted(ask: Ask, found: re.Match[str]) -> Reply:
    """Reason behind closed doors, then do what the rest of the id says."""
    return replace(choose(ask, model=found["rest"] or "echo"), redacted=True)


def flaky(ask: Ask, found: re.Match[str]) -> Reply:
    """Fail with 503 for the first requests, then do what the rest of the id says."""
    if ask.earlier < int(found["times"]):
        return fail(ask, 503)
    return choose(ask, model=found["rest"])


def fail(ask: Ask, status: int, retry_after: str = "") -> Reply:
    return failures.failure(status, protocol=ask.protocol, model=ask.model, issuer=ask.issuer, retry_after=retry_after)


def cached(ask: Ask) -> Reply:
    """Answer like `echo`, and say that half of the input came from the cache."""
    reply = echo(ask)
    return replace(reply, usage=Counts(input=ask.words, output=reply.output, cache_read=ask.words // 2))


def garbled() -> Reply:
    """Send an event that is no JSON."""
    return Reply(raw=b'data: {"id": "x", "choices": [{"ind\n\n', headers={"content-type": "text/event-stream"})


TABLE: tuple[tuple[str, Play], ...] = (
    (r"paced-(?P<rate>[\d.]+)x(?P<n>\d+)", lambda a, m: written(a, int(m["n"]), rate_per_s=float(m["rate"]))),
    (r"fast-(?P<n>\d+)", lambda a, m: written(a, int(m["n"]))),
    (r"silent", lambda a, m: Reply(silence="all")),
    (r"silent-headers", lambda a, m: Reply(silence="body")),
    (r"(?P<end>stall|cut|reset|unended|inband-error|inband-failed)(-(?P<after>\d+))?", lambda a, m: ended(m)),
    (r"gate-(?P<n>\d+)", lambda a, m: replace(written(a, int(m["n"]) + 5), hold_after=int(m["n"]))),
    (r"error-(?P<status>\d{3})(-retry-(?P<after>.+))?", lambda a, m: fail(a, int(m["status"]), m["after"] or "")),
    (r"quota", lambda a, m: failures.no_credit(protocol=a.protocol, issuer=a.issuer)),
    (r"html-(?P<status>\d{3})", lambda a, m: failures.html_page(int(m["status"]))),
    (r"echo-key-401", lambda a, m: failures.echoed_key(a.key, protocol=a.protocol, issuer=a.issuer)),
    (r"flaky-(?P<times>\d+)-(?P<rest>.+)", flaky),
    (r"alias-(?P<rest>.+)", lambda a, m: replace(choose(a, model=m["rest"]), model=f"{m['rest']}-2026-01-01")),
    (
        r"slow-first-(?P<s>[\d.]+)(-(?P<rest>.+))?",
        lambda a, m: replace(choose(a, model=m["rest"] or "echo"), first_delay_s=float(m["s"])),
    ),
    (r"bytewise-(?P<rest>.+)", lambda a, m: replace(choose(a, model=m["rest"]), chunks=(1,))),
    (r"crlf-(?P<rest>.+)", lambda a, m: replace(choose(a, model=m["rest"]), line_end="\r\n")),
    (r"gzip-lie-(?P<rest>.+)", lambda a, m: replace(choose(a, model=m["rest"]), headers={"content-encoding": "gzip"})),
    (r"think-tags", lambda a, m: Reply(text=f"<think>\n{THOUGHT}\n</think>\n\nYou said: {a.user_text}")),
    (r"think(-(?P<rest>.+))?", think),
    (r"redacted(-(?P<rest>.+))?", redacted),
    (r"tool-(?P<name>.+)", lambda a, m: use_tools(a, (m["name"],))),
    (r"parallel-(?P<count>\d+)(-(?P<name>.+))?", parallel),
    (r"forever(-(?P<name>.+))?", forever),
    (r"guide(-.+)?", lambda a, m: guide(a)),
    (r"refuse", lambda a, m: Reply(refusal=DECLINED)),
    (r"refuse-empty", lambda a, m: Reply(stop="refusal")),
    (r"filter", lambda a, m: Reply(text="This much was", stop="filtered")),
    (r"length", lambda a, m: Reply(text="This answer is cut off in the", stop="length")),
    (r"cached", lambda a, m: cached(a)),
    (r"empty", lambda a, m: Reply(raw=b"", headers={"content-type": "text/event-stream"})),
    (r"garbled", lambda a, m: garbled()),
    (r"long-line-(?P<n>\d+)", lambda a, m: Reply(tokens=("x" * int(m["n"]),))),
)

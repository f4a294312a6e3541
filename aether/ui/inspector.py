"""The requests as they were sent → what the tab Requests shows. Pure.

Each request is a tree of its body, with what was left out of it in words, what came back in
outline, and the command that sends it again; a key stands there by the name of its variable.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aether.branches import ways
from aether.lowering.view import Omission
from aether.transcript import Reasoning, Refusal, Step, Text, ToolCall, Transcript
from aether.ui import words
from aether.ui.markdown import one_line, text
from aether.ui.sentences import told
from aether.ui.words import say

RECORDS = 8
"""Requests that are listed, newest first."""
NODES = 600
"""Branches and leaves of one tree that are shown."""
LEAF_CHARS = 4_000
COMMAND_CHARS = 120_000
"""Characters of a request beyond which it is not offered as a command."""
OPEN_DEPTH = 1
AUTHORIZATION = {
    "anthropic-messages": ("x-api-key: $", "anthropic-version: 2023-06-01"),
    "": ("Authorization: Bearer $",),
}
"""Headers of each protocol, the key as the name of a variable; the form of the others stands under the empty name."""


class RecordLike(Protocol):
    """One request as it was sent, keys already redacted. `at` in seconds since the epoch."""

    @property
    def turn(self) -> int: ...
    @property
    def reference(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...
    @property
    def at(self) -> float: ...
    @property
    def protocol(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def key_name(self) -> str: ...
    @property
    def messages(self) -> int: ...
    @property
    def omissions(self) -> Sequence[Omission]: ...
    @property
    def notes(self) -> Sequence[str]: ...


def show(records: Sequence[RecordLike], transcript: Transcript) -> str:
    """Show the last requests exactly as they were sent, the newest unfolded."""
    if not records:
        return f'<p class="empty">{text(say("drawer.empty"))}</p>'
    came = {(s.at, s.reference): s for turns, _ in ways(transcript) for t in turns for a in t.answers for s in a.steps}
    newest = list(reversed(records))[:RECORDS]
    shown = [
        _record(record, came.get((record.at, record.reference)), transcript, is_open=not index)
        for index, record in enumerate(newest)
    ]
    return one_line("".join(shown))


def _record(record: RecordLike, step: Step | None, transcript: Transcript, *, is_open: bool) -> str:
    count = f"{len(json.dumps(record.body, ensure_ascii=False, default=str).encode()):,}"
    size = text(say("record.bytes", count=count))
    clock = time.strftime("%H:%M:%S", time.gmtime(record.at))
    changed = "".join(f"<li>{text(line)}</li>" for line in changes(record, transcript))
    back = _came_back(step) if step else f'<p class="none">{text(say("record.nothing"))}</p>'
    return (
        f'<details class="record"{" open" if is_open else ""}><summary><b>[{record.turn + 1}]</b>'
        f"<span>{text(record.reference)}</span><small>{clock} UTC · {size}</small></summary>"
        f"{_command(record)}<h4>{text(say('record.shown'))}</h4><ul>{changed}</ul>"
        f'<h4>{text(say("record.request"))}</h4><div class="tree">{tree(record.body)}</div>'
        f"<h4>{text(say('record.back'))}</h4>{back}</details>"
    )


def changes(record: RecordLike, transcript: Transcript) -> list[str]:
    """Say in words how the request differs from the conversation."""
    lines = [
        say("record.left_out", what=words.count(o.count, o.kind.removesuffix("s")), reason=told(o.reason))
        for o in record.omissions
    ]
    turns = transcript.turns[: record.turn + 1]
    if unchosen := sum(len(t.answers) - 1 for t in turns if len(t.answers) > 1):
        lines.append(say("record.unchosen", count=unchosen))
    if transcript.branches:
        lines.append(say("record.ways", count=len(transcript.branches)))
    lines += map(told, record.notes)
    return [*lines, say("record.rest" if lines else "record.whole", count=record.messages)]


def _came_back(step: Step) -> str:
    facts = {
        "record.model": step.reported_model or say("record.not_told"),
        "record.ended": f"{step.stop} ({step.raw_stop})" if step.raw_stop else step.stop,
        "used.tokens": step.usage.to_dict(),
        "used.first": words.duration(step.ttft_ms) or say("used.unknown"),
        "record.took": words.duration(step.total_ms) or say("used.unknown"),
        "record.parts": [_outline(part) for part in step.parts],
        "record.results": {r.name: r.status for r in step.results},
    }
    return f'<div class="tree">{tree({say(k): v for k, v in facts.items() if v not in ([], {})})}</div>'


def _outline(part: object) -> str:
    match part:
        case Text():
            return say("record.text", count=f"{len(part.text):,}")
        case Reasoning():
            return say("record.reasoning", count=f"{len(part.text):,}")
        case Refusal():
            return say("record.refusal")
        case ToolCall():
            return say("record.call", name=part.name)
        case _:
            return say("record.other")


def tree(value: object) -> str:
    """Render JSON as a tree that unfolds."""
    return "".join(_node("", value, depth=0, left=[NODES]))


def _node(name: str, value: object, *, depth: int, left: list[int]) -> list[str]:
    """Return the markup of one value; `left` counts down what may still be shown."""
    left[0] -= 1
    if left[0] == 0:
        return [f"<p>{text(say('record.more'))}</p>"]
    if left[0] < 0:
        return []
    label = f"<b>{text(name)}</b> " if name else ""
    if not isinstance(value, Mapping | list):
        shown = value if isinstance(value, str) else json.dumps(value, default=str)
        cut = text(say("call.more", count=f"{len(shown) - LEAF_CHARS:,}")) if len(shown) > LEAF_CHARS else ""
        return [f"<p>{label}<code>{text(shown[:LEAF_CHARS])}</code>{cut}</p>"]
    items: list[tuple[str, object]] = (
        [(str(k), v) for k, v in value.items()]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if isinstance(value, Mapping)
        else [(str(n), v) for n, v in enumerate(value)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    )
    inside = [line for key, held in items for line in _node(key, held, depth=depth + 1, left=left)]
    if not depth:
        return inside
    hint = _hint(value)  # pyright: ignore[reportUnknownArgumentType]
    is_open = " open" if depth <= OPEN_DEPTH and len(items) < 30 else ""
    return [f"<details{is_open}><summary>{label}<small>{text(hint)}</small></summary>", *inside, "</details>"]


def _hint(value: Mapping[str, object] | list[object]) -> str:
    if isinstance(value, list):
        return words.count(len(value), "item")
    named = [value[key] for key in ("role", "type", "name") if isinstance(value.get(key), str)]
    return " · ".join(map(str, named)) or words.count(len(value), "field")


def _command(record: RecordLike) -> str:
    source = curl(record)
    if len(source) > COMMAND_CHARS:
        return ""
    label, title = text(say("record.curl")), text(say("record.curl_title"))
    return (
        f'<button type="button" class="copy curl" data-source="{text(source)}" data-label="{label}" '
        f'title="{title}">{label}</button>'
    )


def curl(record: RecordLike) -> str:
    """Return the command that sends this request again; the key is the name of a variable."""
    key = re.sub(r"\W", "", record.key_name)
    first, *rest = AUTHORIZATION.get(record.protocol, AUTHORIZATION[""])
    headers = [f'-H "{first}{key}"'] if key else []
    headers += [f"-H '{line}'" for line in ("content-type: application/json", *rest)]
    body = json.dumps(record.body, default=str)  # one line of ASCII: nothing in it can end the document below
    return " \\\n  ".join([f"curl -sS {shlex.quote(record.url)}", *headers, f"--data-binary @- <<'END'\n{body}\nEND\n"])

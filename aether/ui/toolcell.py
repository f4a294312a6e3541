"""Tool calls → accordions: name, arguments, state, seconds, result. Pure.

A call is open while it runs and closed when it is done; the calls of one step that run side
by side stand in an accordion of their own. All that is shown of a call is foreign text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, assert_never

from aether.public_view import RESULT_CHARS
from aether.transcript import File, Image, Text, ToolCall, ToolResult
from aether.ui import words
from aether.ui.fragments import code
from aether.ui.markdown import text
from aether.ui.words import say

ARGUMENT_CHARS = 20_000
"""Characters of arguments that are laid out, and shown, in a cell; a call that asks for consent shows all of them."""
BRIEF_CHARS = 90

State = Literal["writing", "running", "asking", "ok", "error", "not_run"]
Call = tuple[ToolCall, ToolResult | None]
Waiting = Mapping[int, str]
"""The id of the question that waits for the person, by `id(call)`: equal calls are not one call."""


def group(calls: Sequence[Call], *, waiting: Waiting | None = None) -> str:
    """Render the calls of one step. `waiting` is given while they run: a call without a result then has not ended."""
    states: list[State] = [state_of(call, result, waiting=waiting) for call, result in calls]
    shown = "".join(
        accordion(call.name, call.arguments, state=state, result=result, question=(waiting or {}).get(id(call), ""))
        for (call, result), state in zip(calls, states, strict=True)
    )
    if len(calls) == 1:
        return shown
    open_now = any(state in ("running", "asking") for state in states)
    tone = "running" if open_now else "error" if "error" in states else "ok"
    count = text(say("call.calls", count=len(calls)))
    return (
        f'<details class="tools {tone}"{" open" if open_now else ""}><summary><b>{count}</b>'
        f"<code>{text(', '.join(dict.fromkeys(call.name for call, _ in calls)))}</code>"
        f"<span>{text(_sum(calls, states))}</span></summary>{shown}</details>"
    )


def state_of(call: ToolCall, result: ToolResult | None, *, waiting: Waiting | None) -> State:
    """Tell how a call does."""
    if result is not None:
        return result.status
    if waiting is None:
        return "not_run"
    return "asking" if id(call) in waiting else "running"


def accordion(name: str, arguments: str, *, state: State, result: ToolResult | None = None, question: str = "") -> str:
    """Render one call as a line that unfolds to what went in and what came out."""
    went = (
        went_in(arguments)
        if len(arguments) <= ARGUMENT_CHARS
        else code(_cut_off(arguments), title=say("call.arguments"))
    )
    came = "".join(_part(part) for part in result.parts) if result else ""
    marks = f' data-question="{text(question)}"' if question else ""
    is_open = " open" if state == "running" else ""  # one that asks shows its arguments over the composer
    label = text(_label(state, result))
    head = f"<b>{text(name or 'tool')}</b><code>{text(brief(arguments))}</code><span>{label}</span>"
    return f'<details class="tool {state}"{marks}{is_open}><summary>{head}</summary>{went}{came}</details>'


def went_in(arguments: str) -> str:
    """Render the arguments of a call; nothing where there are none."""
    if arguments.strip() in ("", "{}"):
        return ""
    return code(readable(arguments), language="json", title=say("call.arguments"))


def readable(arguments: str) -> str:
    """Return arguments laid out for a reader, with nothing in them that could not be seen.

    What cannot be laid out without loss (no JSON, a name twice) is returned as it was written.
    """
    try:
        laid_out = json.dumps(json.loads(arguments, object_pairs_hook=_once), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        laid_out = arguments
    return _visible(laid_out)


def _visible(written: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else _escape(c) for c in written)


def brief(arguments: str) -> str:
    """Say the arguments in a line: `path="notes", depth=2`."""
    try:
        values: object = json.loads(arguments or "{}") if len(arguments) <= ARGUMENT_CHARS else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        return _cut(readable(arguments[:ARGUMENT_CHARS]))
    return _cut(", ".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in values.items()))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _cut(line: str) -> str:
    line = "".join(c if c.isprintable() else _escape(c) for c in line[: BRIEF_CHARS + 1])
    return line if len(line) <= BRIEF_CHARS else line[: BRIEF_CHARS - 1] + "…"


def _escape(sign: str) -> str:
    return json.dumps(sign)[1:-1]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name stands there twice")
    return dict(pairs)


def _label(state: State, result: ToolResult | None) -> str:
    spent = words.duration(result.total_ms) if result and result.total_ms else ""
    match state:
        case "writing":
            return say("call.writing")
        case "running":
            return say("call.running")
        case "asking":
            return say("call.waits")
        case "ok":
            return spent or say("call.done")
        case "error":
            return " · ".join(filter(None, (say("call.failed"), spent)))
        case "not_run":
            return say("call.stopped") if result else say("call.not_run")
        case _:
            assert_never(state)


def _sum(calls: Sequence[Call], states: Sequence[State]) -> str:
    """Say in a word how several calls do: what still runs, what failed, or how long the slowest took."""
    if running := sum(state in ("running", "asking") for state in states):
        return say("call.progress", done=len(states) - running, count=len(states))
    slowest = max((result.total_ms or 0.0 for _, result in calls if result), default=0.0)
    failed = states.count("error")
    told = [say("call.some_failed", count=failed)] if failed else []
    return " · ".join([*told, *([words.duration(slowest)] if slowest else [])]) or say("call.done")


def _cut_off(arguments: str) -> str:
    """Return the beginning of arguments, and say how much follows."""
    more = say("call.more", count=f"{len(arguments) - ARGUMENT_CHARS:,}")
    return f"{_visible(arguments[:ARGUMENT_CHARS])}\n{more}"


def _part(part: Text | Image | File) -> str:
    if not isinstance(part, Text):
        return f'<span class="file">{text(part.blob.name or say("cell.file"))}</span>'
    cut = "" if len(part.text) <= RESULT_CHARS else "\n" + say("call.more", count=f"{len(part.text) - RESULT_CHARS:,}")
    return code(part.text[:RESULT_CHARS] + cut, title=say("call.result"))

"""A conversation as a Jupyter notebook (nbformat 4.5), and back. Pure.

The cells are for people: Markdown for each prompt and answer, a code cell that runs nothing
for each tool call, its result as the output. The conversation itself stands whole in the
notebook's metadata and is read from there, so that it comes back equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from aether.exports import markdown
from aether.transcript import Answer, Step, Text, ToolCall, ToolResult, Transcript, TranscriptError, Turn

JSON = dict[str, Any]
CHANGED = (
    "The cells of this notebook were changed outside of Aether. The conversation was read as it was when it was "
    "exported."
)


def write(transcript: Transcript, *, title: str, more: JSON) -> str:
    """Return the notebook's JSON text; `more` is what is kept beside the transcript."""
    held = {
        "cells": _cells(transcript, title),
        "metadata": {"aether": {"transcript": transcript.to_dict(), **more}, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(held, ensure_ascii=False, indent=1) + "\n"


def read(held: JSON) -> tuple[Transcript, tuple[str, ...], JSON]:
    """Return the conversation of a notebook of ours, what is to be said, all that is kept; raise TranscriptError."""
    metadata = held.get("metadata")
    own: Any = metadata.get("aether") if isinstance(metadata, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(own, dict):
        raise TranscriptError("This notebook was not written by Aether, so there is no conversation in it.")
    transcript = Transcript.from_dict(cast(JSON, own).get("transcript"))
    notes = () if _sources(held) == _told(transcript) else (CHANGED,)
    return transcript, notes, cast(JSON, own)


def _told(transcript: Transcript) -> list[str]:
    return [cell["source"] for cell in _cells(transcript, "")][1:]


def _sources(held: JSON) -> list[str]:
    cells: Any = held.get("cells")
    sources = [c.get("source", "") if isinstance(c, dict) else "" for c in cells] if isinstance(cells, list) else []  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return ["".join(map(str, s)) if isinstance(s, list) else str(s) for s in sources][1:]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _cells(transcript: Transcript, title: str) -> list[JSON]:
    cells = [_markdown("title", f"# {markdown.plain(title)}", {"kind": "title"})]
    for index, turn in enumerate(transcript.turns):
        cells += _turn(turn, index, "turn")
    for number, branch in enumerate(transcript.branches, start=1):
        heading = f"# Branch {number}: from [{branch.first + 1}] on"
        cells.append(_markdown(f"branch-{number}", heading, {"kind": "branch", "branch": number}))
        for index, turn in enumerate(branch.turns, start=branch.first):
            cells += _turn(turn, index, f"branch-{number}-turn")
    return cells


def _turn(turn: Turn, index: int, place: str) -> Iterable[JSON]:
    name = f"{place}-{index + 1}"
    told = f"## [{index + 1}]\n\n{markdown.prompt(turn)}"
    yield _markdown(f"{name}-prompt", told, {"kind": "prompt", "turn": index, "at": turn.at})
    for number, answer in enumerate(turn.answers):
        yield from _answer(answer, f"{name}-answer-{number + 1}", turn=index, number=number, chosen=turn.chosen)


def _answer(answer: Answer, name: str, *, turn: int, number: int, chosen: int) -> Iterable[JSON]:
    """Yield an answer as one Markdown cell, parted where a tool was called."""
    facts = {"kind": "answer", "turn": turn, "answer": number, "chosen": number == chosen, "stamp": _stamp(answer)}
    said, count = [f"### {markdown.stamp(answer)}"], 0
    for step in answer.steps:
        results = {result.call_id: result for result in step.results}
        for part in step.parts:
            if not isinstance(part, ToolCall):
                said += [told] if (told := markdown.part_of(part)) else []
                continue
            if said:
                yield _markdown(f"{name}-{count}", "\n\n".join(said), facts)
            yield _tool(f"{name}-call-{count}", part, results.get(part.id), turn=turn, number=number)
            said, count = [], count + 1
    if answer.failure:
        said.append(f"> {markdown.plain(answer.failure.message)}")
    if said:
        yield _markdown(f"{name}-{count}", "\n\n".join(said), facts)


def _stamp(answer: Answer) -> list[JSON]:
    return [_step_stamp(step) for step in answer.steps]


def _step_stamp(step: Step) -> JSON:
    return {
        "provider": step.provider,
        "model": step.model,
        "reported_model": step.reported_model,
        "stop": step.stop,
        "usage": step.usage.to_dict(),
        "cost_usd": step.cost_usd,
        "ttft_ms": step.ttft_ms,
        "total_ms": step.total_ms,
        "at": step.at,
        "imported": step.imported,
    }


def _tool(name: str, call: ToolCall, result: ToolResult | None, *, turn: int, number: int) -> JSON:
    """Return a code cell that is a comment: a model wrote these words, so running them must do nothing."""
    told = [f"# {json.dumps(call.name)} was called with", f"# {json.dumps(call.arguments)}"]
    outputs: list[JSON] = []
    if result is not None:
        words = "\n".join(p.text for p in result.parts if isinstance(p, Text))
        stream = "stdout" if result.status == "ok" else "stderr"
        outputs = [{"output_type": "stream", "name": stream, "text": words}]
    return {
        "cell_type": "code",
        "id": name,
        "execution_count": None,
        "metadata": {"aether": {"kind": "tool", "turn": turn, "answer": number, "tool": call.name}},
        "outputs": outputs,
        "source": "\n".join(told),
    }


def _markdown(name: str, source: str, facts: JSON) -> JSON:
    return {"cell_type": "markdown", "id": name, "metadata": {"aether": facts}, "source": source}

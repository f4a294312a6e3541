"""A conversation as Markdown, to be read elsewhere. Raw HTML of a model is shown as the text that it is. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from functools import cache
from typing import assert_never

from markdown_it import MarkdownIt

from aether.transcript import (
    Answer,
    File,
    Image,
    Part,
    Reasoning,
    Refusal,
    Step,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
)
from aether.usage import Usage

TAG = re.compile(r"<(?=[A-Za-z/!?])")
MARKS = re.compile(r"[\[\]*_~`!<>&\\]")
MOST_MARKS = 1_500
"""Signs of Markdown in one text that is parsed: the time that they take grows with their square."""
LONGEST = 100_000
"""Characters of one text that is parsed, so that a tag in its code stays as it was written."""
LONGEST_LINE = 10_000
"""Characters of one line in which spans of code are looked for."""
IMPORTED = "imported: Aether did not see this answer being given"


def write(transcript: Transcript, *, title: str) -> str:
    """Return the whole conversation: every cell, every answer with its stamp, the branches behind."""
    parts = [f"# {plain(title)}"]
    for index, turn in enumerate(transcript.turns):
        parts += _cell(turn, index)
    for number, branch in enumerate(transcript.branches, start=1):
        parts.append(f"# Branch {number}: from [{branch.first + 1}] on")
        for index, turn in enumerate(branch.turns, start=branch.first):
            parts += _cell(turn, index)
    return "\n\n".join(parts) + "\n"


def _cell(turn: Turn, index: int) -> Iterable[str]:
    yield f"## [{index + 1}]"
    yield prompt(turn)
    for number, answer in enumerate(turn.answers):
        beside = " · the conversation goes on from this one" if number == turn.chosen else " · beside"
        yield f"### {stamp(answer)}{beside if len(turn.answers) > 1 else ''}"
        yield from (block for step in answer.steps for block in blocks(step))
        if answer.failure:
            yield f"> {plain(answer.failure.message)}"


def prompt(turn: Turn) -> str:
    """Return what the person wrote, and the names of what was handed in."""
    return "\n\n".join(said for part in turn.prompt if (said := part_of(part)))


def blocks(step: Step) -> Iterable[str]:
    """Return what a step said and did, block by block."""
    results = {result.call_id: result for result in step.results}
    for part in step.parts:
        if said := part_of(part):
            yield said
        if isinstance(part, ToolCall) and (result := results.get(part.id)):
            yield fenced("\n".join(p.text for p in result.parts if isinstance(p, Text)), "text")


def stamp(answer: Answer) -> str:
    """Say who answered, how it ended, and what it took."""
    facts = [" → ".join(dict.fromkeys(code(s.reference) for s in answer.steps)) or "no model answered"]
    facts += [f"served as {code(s.reported_model)}" for s in answer.steps if s.reported_model not in ("", s.model)]
    facts += [IMPORTED] if any(s.imported for s in answer.steps) else []
    if answer.status != "done":
        facts.append("failed" if answer.status == "error" else "stopped")
    if answer.steps:
        used = sum((s.usage for s in answer.steps), Usage())
        facts.append(f"{used.input:,} in, {used.output:,} out")
        costs = [s.cost_usd for s in answer.steps if s.cost_usd is not None]
        facts += [f"${sum(costs):.4f}"] if costs else []
        at = answer.steps[0].at
        facts += [time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))] if 0 < at < 4e9 else []
    return " · ".join(dict.fromkeys(facts))


def part_of(part: Part) -> str:
    """Return one part of a message; empty if there is nothing to read."""
    match part:
        case Text() | Refusal():
            return plain(part.text)
        case Reasoning():
            return "\n".join(f"> {line}" for line in plain(part.text).splitlines())
        case ToolCall():
            return f"Tool {code(part.name)}\n\n{fenced(part.arguments, 'json')}"
        case ToolResult():
            return f"Result of {code(part.name)}"
        case Image() | File():
            return f"*Attached: {code(part.blob.name or part.blob.mime)}*"
        case SystemNote():
            return f"*{plain(part.text)}*"
        case _:
            assert_never(part)


def code(words: str) -> str:
    """Return foreign words as one span of code."""
    flat = " ".join(words.split())
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") or not flat else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def fenced(source: str, language: str) -> str:
    """Return a block of code that nothing in it can end."""
    ticks = "`" * max(3, max((len(run) for run in re.findall(r"`+", source)), default=0) + 1)
    return f"{ticks}{language}\n{source}\n{ticks}"


def plain(markdown: str) -> str:
    """Return Markdown whose HTML, outside of code, is text."""
    if not TAG.search(markdown):
        return markdown
    if len(markdown) > LONGEST or len(MARKS.findall(markdown)) > MOST_MARKS:
        return TAG.sub("&lt;", markdown)
    lines = markdown.split("\n")
    kept = [False] * len(lines)
    for token in _reader().parse(markdown):
        if token.type in ("fence", "code_block") and token.map:
            kept[token.map[0] : token.map[1]] = [True] * (min(token.map[1], len(lines)) - token.map[0])
    told = "\n".join(line if code else _escaped(line) for line, code in zip(lines, kept, strict=True))
    return told if not _has_html(told) else TAG.sub("&lt;", markdown)


def _escaped(line: str) -> str:
    """Escape tags in a line, but not in its spans of code."""
    if len(line) > LONGEST_LINE:
        return TAG.sub("&lt;", line)
    pieces = re.split(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", line)
    out: list[str] = []
    for place in range(0, len(pieces), 3):
        out.append(TAG.sub("&lt;", pieces[place]))
        if place + 2 < len(pieces):
            out.append(pieces[place + 1] + pieces[place + 2] + pieces[place + 1])
    return "".join(out)


def _has_html(markdown: str) -> bool:
    return any(
        token.type == "html_block" or any(child.type == "html_inline" for child in token.children or ())
        for token in _reader().parse(markdown)
    )


@cache
def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark")

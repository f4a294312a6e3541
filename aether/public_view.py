"""What a stranger is shown of a conversation, and nothing else. Pure.

`public_view` builds a transcript anew out of what the page shows, field by field: what it does not name is not
in it, whatever fields come later. It stands at both ends of a shared snapshot, where one is stored and where one is
read, so that a snapshot of an older version shows no more either.

The page shows one way, with all answers of each cell, and a long result from its beginning. It shows neither the
other ways, such as a message before it was edited, nor the bytes and the text of a file that is no picture, nor what
only a service, the inspector or the list of requests needs.
"""

from __future__ import annotations

from aether.transcript import (
    Answer,
    Blob,
    Failure,
    File,
    Image,
    Origin,
    Part,
    Reasoning,
    Refusal,
    ResultPart,
    Step,
    SystemNote,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
)
from aether.usage import Usage

RESULT_CHARS = 6_000
"""Characters of a tool's result that are shown."""
NOBODY = Origin("", "", "", "")
"""The origin of every step: a reader's models get it as the words of another."""


def public_view(transcript: Transcript) -> Transcript:
    """Return what the page shows of a conversation to a reader."""
    return Transcript(turns=tuple(map(_turn, transcript.turns)))


def _turn(turn: Turn) -> Turn:
    prompt, answers = tuple(map(_part, turn.prompt)), tuple(map(_answer, turn.answers))
    return Turn(prompt=prompt, answers=answers, chosen=turn.chosen)


def _answer(answer: Answer) -> Answer:
    failure = Failure(answer.failure.kind, answer.failure.message) if answer.failure is not None else None
    return Answer(steps=tuple(map(_step, answer.steps)), failure=failure, stopped=answer.stopped)


def _step(step: Step) -> Step:
    names: dict[str, str] = {}
    for call in step.calls:
        names.setdefault(call.id, f"call{len(names):05}")
    results = tuple(_result(result, names) for result in step.results if result.call_id in names)
    parts = tuple(_called(part, names) if isinstance(part, ToolCall) else _part(part) for part in step.parts)
    usage = Usage(input=step.usage.input, output=step.usage.output, cache_read=step.usage.cache_read)
    return Step(
        provider=step.provider,
        model=step.model,
        origin=NOBODY,
        stop=step.stop,
        reported_model=step.reported_model,
        usage=usage,
        cost_usd=step.cost_usd,
        ttft_ms=step.ttft_ms,
        total_ms=step.total_ms,
        imported=step.imported,
        parts=parts,
        results=results,
        notes=step.notes,
    )


def _part(part: Part) -> Part:
    match part:
        case Text():
            return Text(part.text)
        case Reasoning():
            return Reasoning(part.text, part.complete)
        case Refusal():
            return Refusal(part.text)
        case SystemNote():
            return SystemNote(part.text)
        case Image():
            seen = part.blob
            return Image(Blob(seen.sha256, seen.mime, seen.name, seen.size, seen.width, seen.height))
        case File():
            return _named(part)
        case ToolCall():
            return _called(part, {})
        case ToolResult():
            return _result(part, {})


def _named(part: Image | File) -> File:
    """Return what is shown by its name alone: nothing that leads to its bytes."""
    return File(Blob("", "", part.blob.name))


def _called(call: ToolCall, names: dict[str, str]) -> ToolCall:
    return ToolCall(names.get(call.id, ""), call.name, call.arguments)


def _result(result: ToolResult, names: dict[str, str]) -> ToolResult:
    parts: tuple[ResultPart, ...] = tuple(
        Text(_beginning(part.text)) if isinstance(part, Text) else _named(part) for part in result.parts
    )
    name = names.get(result.call_id, "")
    return ToolResult(name, result.name, parts, result.status, result.total_ms)


def _beginning(text: str) -> str:
    return text if len(text) <= RESULT_CHARS else text[: RESULT_CHARS - 1] + "…"

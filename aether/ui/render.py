"""Transcript and live answer → what the page shows of them. Pure: values in, messages and markup out.

It knows the transcript, and the classes that `style.css` paints. It does not know the
runtime, Gradio, or any provider. Each settled answer gets exactly one `.stamp`; a change
of model between two answers gets one `.divider`. Both are seen in the transcript, nowhere
stored. Foreign text comes in through `markdown.text`, `prose` and `code` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Protocol, assert_never
from zlib import crc32

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
from aether.ui import failed, toolbar, toolcell
from aether.ui.fragments import has_room, plain, prose, takes_piece, translated
from aether.ui.markdown import one_line, text
from aether.ui.sentences import told
from aether.ui.stamp import stamp
from aether.ui.words import say

WINDOW_TURNS = 20
"""Turns that are mounted in the page; the model is sent all of them."""
ANSWERS = 8
"""Answers of one cell that are shown in full."""
HUES = 24
"""Colours that `tokens.css` has for providers; a provider's is chosen by its name."""
HUE_STEP = 5
"""How far a provider moves on when another has its colour already; prime to `HUES`, so that it finds each."""

Message = dict[str, Any]
Hues = dict[str, int]


class DraftLike(Protocol):
    """The step that is streaming now."""

    @property
    def reference(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def reasoning(self) -> str: ...
    @property
    def calls(self) -> Iterable[tuple[str, str]]: ...


def hues(transcript: Transcript, *, also: Iterable[str] = ()) -> Hues:
    """Give each model the colour of its provider; two providers of one conversation never share one."""
    order: dict[str, None] = {}
    for turn in transcript.turns:
        for answer in turn.answers:
            order.update(dict.fromkeys(step.reference for step in answer.steps))
    order.update({name: None for name in also if name and name not in order})
    taken: dict[str, int] = {}
    for provider in dict.fromkeys(reference.partition("/")[0] for reference in order):
        hue = crc32(provider.encode()) % HUES
        while len(taken) < HUES and hue in taken.values():
            hue = (hue + HUE_STEP) % HUES
        taken[provider] = hue
    return {reference: taken[reference.partition("/")[0]] for reference in order}


def messages(transcript: Transcript, *, window_turns: int = WINDOW_TURNS) -> list[Message]:
    """Return the chat's messages for the last `window_turns` turns."""
    colours = hues(transcript)
    first = max(0, len(transcript.turns) - window_turns)
    shown: list[Message] = []
    before = _last_reference(transcript.turns[:first])
    for index, turn in enumerate(transcript.turns[first:], start=first):
        now = _first_reference(turn)
        if before and now and before != now:
            shown.append(_message("assistant", divider(now, colours=colours)))
        shown.append(_message("user", prompt(transcript, index)))
        if turn.answers:
            is_last = index == len(transcript.turns) - 1
            shown.append(_message("assistant", cell(turn, index=index, colours=colours, is_last=is_last)))
        before = _last_reference((turn,)) or before
    if ways := toolbar.ahead(transcript):
        shown.append(_message("assistant", ways))
    return shown


def earlier(hidden: int) -> str:
    """Return the words of the button that shows what is hidden; without words `page.js` hides it.

    As a text it costs a tenth of an update of the component, which Gradio makes anew for that.
    """
    return say("cell.earlier", count=hidden) if hidden > 0 else ""


def divider(reference: str, *, colours: Hues) -> str:
    """Say that another model speaks from here on."""
    provider, _, model = reference.partition("/")
    return (
        f'<div class="divider hue-{colours.get(reference, 0)}" role="separator"><span>{text(say("cell.now"))} '
        f"<b>{text(model)}</b> <small>{text(provider)}</small></span></div>"
    )


def prompt(transcript: Transcript, index: int) -> str:
    """Render what the person wrote, as it was written, and what can be done with it."""
    turn = transcript.turns[index]
    body = "".join(_part(part) for part in turn.prompt if not isinstance(part, Text))
    return (
        f'<div class="prompt" data-prompt="{index}">{body}<div class="said">{plain(turn.text)}</div>'
        f"{toolbar.of_prompt(transcript, index)}</div>"
    )


def cell(turn: Turn, *, index: int, colours: Hues, is_last: bool = True) -> str:
    """Render all answers of a turn, the later ones beside the first."""
    spent = failed.spent(turn.answers, chosen=turn.chosen)
    shown = [number for number in range(len(turn.answers)) if number not in spent]
    body = "".join(
        _answer(
            turn.answers[number],
            (index, number),
            colours=colours,
            chosen=number == turn.chosen,
            folded=number in _folded(turn),
            alone=len(shown) == 1,
        )
        for number in shown
    )
    many = len(shown) > 1
    beside = f' beside" data-answers="{len(shown)}' if many else ""
    label = text(say("cell.answer"))
    answers = f'<div class="answers" tabindex="0" aria-label="{label}">{body}</div>' if many else body
    copied = _copied(turn.answers[shown[0]]) if len(shown) == 1 else ""
    gone = failed.attempts([stamp(turn.answers[n]) + failed.reason(turn.answers[n]) for n in sorted(spent)])
    return (
        f'<div class="cell{beside}" data-turn="{index}"><span class="number">[{index + 1}]</span>{answers}{gone}'
        f"{toolbar.of_cell(index, is_last=is_last, copied=copied)}</div>"
    )


def _copied(answer: Answer) -> str:
    """Return what the button to copy an answer holds, nothing where the page has no room for it."""
    return answer.text if has_room(answer.text) else ""


def _folded(turn: Turn) -> range:
    """Return the answers that are shown by their stamp alone: the older ones, where there are very many."""
    return range(len(turn.answers) - ANSWERS if len(turn.answers) > ANSWERS else 0)


def _answer(answer: Answer, place: tuple[int, int], *, colours: Hues, chosen: bool, folded: bool, alone: bool) -> str:
    reference = answer.steps[-1].reference if answer.steps else ""
    state = "chosen" if chosen else "other"
    tone = f"hue-{colours[reference]}" if reference else "silent"
    is_shown = chosen or not folded
    body = steps(answer.steps) + failed.notice(answer, cell=place[0]) if is_shown else ""
    actions = "" if alone else toolbar.of_answer(*place, copied=_copied(answer) if is_shown else "", chosen=chosen)
    return (
        f'<article class="answer {state} {tone}" data-reference="{text(reference)}">'
        f"{body}<footer>{stamp(answer)}{actions}</footer></article>"
    )


def steps(settled: Iterable[Step], *, waiting: toolcell.Waiting | None = None) -> str:
    """Render the steps of an answer; where the model changes between two, say so.

    `waiting` is given while the answer is being written: the calls of its last step then still run.
    """
    shown: list[str] = []
    before, left_out = "", 0
    for step in settled:
        if before and step.reference != before:
            shown.append(f'<p class="handoff">{text(say("cell.handoff", model=step.reference))}</p>')
        before = step.reference
        calls = iter(step.answered)
        for together, parts in groupby(step.parts, key=lambda part: isinstance(part, ToolCall)):
            if together:
                pairs = [next(calls) for _ in parts]
                room = [pair for pair in pairs if takes_piece()]
                left_out += len(pairs) - len(room)
                shown.append(toolcell.group(room, waiting=waiting) if room else "")
            else:
                made = [_part(part) if takes_piece() else None for part in parts]
                left_out += made.count(None)
                shown.extend(filter(None, made))
        notes = [note for note in step.notes if takes_piece()]
        left_out += len(step.notes) - len(notes)
        shown.extend(f'<p class="note">{text(note if step.imported else translated(note))}</p>' for note in notes)
    if left_out:
        shown.append(f'<p class="note">{text(say("cell.pieces", count=f"{left_out:,}"))}</p>')
    return "".join(shown)


def _part(part: Part) -> str:
    match part:
        case Text():
            return f'<div class="prose">{prose(part.text)}</div>'
        case Reasoning():
            return reasoning(part.text) if part.text.strip() else ""
        case Refusal():
            return f'<div class="notice refusal"><b>{text(say("cell.declined"))}</b> {plain(part.text)}</div>'
        case ToolCall():
            return toolcell.group([(part, None)])
        case ToolResult():
            return toolcell.accordion(part.name, "", state=part.status, result=part)
        case Image() | File():
            return attachment(part)
        case SystemNote():
            return f'<p class="note">{plain(part.text)}</p>'
        case _:
            assert_never(part)


def attachment(part: Image | File) -> str:
    """Show a picture as it is sent, and any other file by its name."""
    name = text(part.blob.name or say("cell.picture" if isinstance(part, Image) else "cell.file"))
    if not part.blob.sha256:  # it was named in a file that did not carry it
        return f'<span class="file">{name} ({text(say("cell.missing"))})</span>'
    if isinstance(part, File):
        return f'<span class="file">{name}</span>'
    size = f' width="{part.blob.width}" height="{part.blob.height}"' if part.blob.width else ""
    return f'<img class="thumb" src="api/picture/{text(part.blob.sha256)}" alt="{name}"{size} loading="lazy">'


def reasoning(thought: str, *, running: bool = False) -> str:
    """Render what a model thought aloud, folded away."""
    title = text(say("cell.thinking" if running else "cell.thought"))
    return (
        f'<details class="reasoning{" running" if running else ""}"><summary>{title}</summary>'
        f'<div class="prose">{prose(thought)}</div></details>'
    )


def writing(answers: Sequence[str], *, turn: int, references: Sequence[str]) -> str:
    """Lay the answers out that are being written to one turn, side by side if they are several."""
    beside = f' beside" data-answers="{len(answers)}' if len(answers) > 1 else ""
    body = f'<div class="answers">{"".join(answers)}</div>' if len(answers) > 1 else "".join(answers)
    following = f' data-reference="{text(references[0])}"' if len(references) == 1 else ""
    return one_line(
        f'<div class="cell writing{beside}" data-turn="{turn}"{following}>'
        f'<span class="number">[{turn + 1}]</span>{body}</div>'
    )


def growing(
    settled: Iterable[Step],
    draft: DraftLike | None,
    *,
    label: str,
    hue: int,
    waiting: toolcell.Waiting | None = None,
    meanwhile: str = "",
) -> str:
    """Render one answer that is being written: the steps so far and the draft. `meanwhile`: what it waits for."""
    body = steps(settled, waiting=waiting or {})
    if draft is not None:
        body += reasoning(draft.reasoning, running=not draft.text) if draft.reasoning.strip() else ""
        body += f'<div class="prose">{prose(draft.text)}</div>' if draft.text else ""
        body += "".join(toolcell.accordion(name, written, state="writing") for name, written in draft.calls)
    foot = f'<footer class="waiting"><i class="pulse"></i>{text(told(meanwhile) or label)}</footer>'
    return f'<article class="answer hue-{hue}" data-reference="{text(label)}">{body}{foot}</article>'


def _message(role: str, markup: str) -> Message:
    """Return a message in the form in which Gradio's chat takes it in the page."""
    return {"role": role, "metadata": None, "content": [{"type": "text", "text": one_line(markup)}], "options": None}


def _first_reference(turn: Turn) -> str:
    return turn.answer.steps[0].reference if turn.answer and turn.answer.steps else ""


def _last_reference(turns: Iterable[Turn]) -> str:
    for turn in reversed(tuple(turns)):
        if turn.answer and turn.answer.steps:
            return turn.answer.steps[-1].reference
    return ""

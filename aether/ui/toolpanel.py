"""The tools of a session and the questions about them → markup. Pure.

Names and descriptions of tools come from servers of others, arguments from models: all of it
is foreign text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Protocol

from aether.transcript import ToolCall
from aether.ui import words
from aether.ui.markdown import one_line, text
from aether.ui.sentences import told
from aether.ui.toolcell import went_in
from aether.ui.words import say

DESCRIPTION_CHARS = 300
CHIPS = {"reads": "tools.reads", "asks": "tools.asks", "allowed": "tools.allowed"}
CHOICES = {"once": "consent.once", "session": "consent.session", "refused": "consent.refused"}


class ToolLike(Protocol):
    """A tool with its switch."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def reads_only(self) -> bool: ...
    @property
    def on(self) -> bool: ...
    @property
    def off_because(self) -> str: ...
    @property
    def allowed(self) -> bool: ...


class QuestionLike(Protocol):
    """A call that waits to be allowed."""

    @property
    def id(self) -> str: ...
    @property
    def call(self) -> ToolCall: ...


def panel(tools: Sequence[ToolLike], *, troubles: Iterable[str] = (), model: str = "", takes_tools: bool = True) -> str:
    """List the tools with their switches, by where they come from; say kindly if the model can use none."""
    usable = sum(tool.on for tool in tools)
    state = "none" if not tools else "ready" if takes_tools else "unable"
    head = [_word(state, model=model, usable=usable)]
    head += [f'<p class="tool-trouble">{text(told(trouble))}</p>' for trouble in troubles]
    lists = [
        f"<section><h4>{text(server or say('tools.own'))}</h4>{''.join(map(_row, some))}</section>"
        for server, some in groupby(tools, key=lambda tool: tool.server)
    ]
    return one_line(
        f'<div class="tool-panel" data-state="{state}" data-usable="{usable}">{"".join(head + lists)}</div>'
    )


def _word(state: str, *, model: str, usable: int) -> str:
    match state:
        case "none":
            said = say("tools.none")
        case "unable":
            said = say("tools.unable", model=model)
        case _:
            said = say("tools.ready", model=model) if usable else say("tools.all_off")
    return f'<p class="tool-word {state}">{text(said)}</p>'


def _row(tool: ToolLike) -> str:
    chip = "reads" if tool.reads_only else "allowed" if tool.allowed else "asks"
    chips = f'<span class="chip {chip}">{text(say(CHIPS[chip]))}</span>'
    off = f'<p class="tool-off">{text(told(tool.off_because))}</p>' if tool.off_because else ""
    disabled = " disabled" if tool.off_because else ""
    return (
        f'<div class="tool-row"><div><b>{text(tool.name)}</b>{chips}<p>{text(_brief(tool.description))}</p>{off}</div>'
        f'<button type="button" role="switch" class="tool-switch" aria-checked="{str(tool.on).lower()}" '
        f'data-tool="{text(tool.name)}" aria-label="{text(tool.name)}"{disabled}><i></i></button></div>'
    )


def _brief(description: str) -> str:
    """Return the first paragraph of a description, cut where it is very long."""
    first = " ".join(description.strip().split("\n\n")[0].split())
    return first if len(first) <= DESCRIPTION_CHARS else first[: DESCRIPTION_CHARS - 1] + "…"


def cards(questions: Sequence[QuestionLike], *, tools: Sequence[ToolLike], asker: str) -> str:
    """Put each waiting call to the person, with its exact arguments; empty if nothing waits."""
    servers = {tool.name: tool.server for tool in tools}
    return one_line("".join(_card(question, servers.get(question.call.name, ""), asker) for question in questions))


def _card(question: QuestionLike, server: str, asker: str) -> str:
    call = question.call
    shown = went_in(call.arguments)
    source = say("consent.server", server=server) if server else ""
    note = text(words.joined(source, say("consent.note" if shown else "consent.no_arguments")))
    buttons = "".join(
        f'<button type="button" class="consent-choice {choice}" data-question="{text(question.id)}" '
        f'data-choice="{choice}">{text(say(key))}</button>'
        for choice, key in CHOICES.items()
    )
    return (
        f'<div class="consent-card" role="alert"><p><b>{text(say("consent.asks", model=asker, tool=call.name))}</b>'
        f'<span>{note}</span></p>{shown}<div class="consent-choices">{buttons}</div></div>'
    )

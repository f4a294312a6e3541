"""What a person does to the cells: a wish of the page → a verb of the runtime → what to say.

The page writes a wish as JSON into one field and presses one button; what it
begins is then followed and settled like any answer. A wish comes from a browser, so its form is
not believed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import gradio as gr

from aether.errors import AetherError, CellError
from aether.runtime import AgentRuntime
from aether.services import Services
from aether.transcript import Part
from aether.ui import handlers
from aether.ui.markdown import one_line, text
from aether.ui.plain import QUICK
from aether.ui.words import say

if TYPE_CHECKING:
    from aether.ui.layout import Page


def build(page: Page, services: Services) -> None:
    """Put the field and the buttons into the page, and tie them to the verbs."""
    with page.place("wires"):
        wish = gr.Textbox(elem_id="wish", label="Wish", container=False)
        act = gr.Button("Act", elem_id="act")
    with page.place("composer-start"):
        gr.Button("Compare", elem_id="compare", min_width=0, scale=0)
    begun = act.click(
        carry_out,
        [wish, page.runtime, page.attached],
        [page.receipt, page.composer, page.attached],
        **QUICK,
    )
    page.taking.append(begun)
    handlers.answered(page, begun)


async def carry_out(wish: str | None, runtime: AgentRuntime, attached: tuple[Part, ...]) -> tuple[Any, ...]:
    """Do what is wished: receipt, composer, attached.

    Only a comparison takes the message and its files along; one that is refused leaves them where they are.
    """
    asked = _parsed(wish)
    stays = handlers.unchanged()
    try:
        said = await _do(runtime, asked, attached)
    except AetherError as error:
        return handlers.refused(runtime, error.sentence), stays, stays
    left = ("", ()) if asked.get("verb") == "compare" else (stays, stays)
    return handlers.taken(runtime, said), *left


async def _do(runtime: AgentRuntime, wish: dict[str, Any], attached: tuple[Part, ...]) -> str:
    """Call the verb that a wish names, and return what is to be said; raise AetherError."""
    match wish:
        case {"verb": "choose", "turn": int(turn), "answer": int(answer)}:
            runtime.choose(turn, answer)
        case {"verb": "branch", "turn": int(turn)}:
            runtime.go_on_from(turn)
        case {"verb": "walk", "branch": int(branch)}:
            runtime.walk(branch)
        case {"verb": "delete", "turn": int(turn)}:
            runtime.delete(turn)
            return deleted(turn)
        case {"verb": "undo"}:
            runtime.undo()
        case {"verb": "edit", "turn": int(turn), "message": str(message)}:
            with await runtime.admit(message) as permit:
                runtime.edit(turn, message, permit=permit)
        case {"verb": "rerun", "turn": int(turn)}:
            with await runtime.admit(references=(models := _models(wish)) or [""]) as permit:
                runtime.rerun_with(turn, models, permit=permit)
        case {"verb": "compare", "message": str(message)}:
            with await runtime.admit(message, tuple(attached), references=(models := _models(wish)) or [""]) as permit:
                runtime.compare(message, models, tuple(attached), permit=permit)
        case _:
            raise CellError("That is nothing that a cell can do.")
    return ""


def _models(wish: dict[str, Any]) -> list[str]:
    models: Any = wish.get("models")
    return [m if isinstance(m, str) else "" for m in models] if isinstance(models, list) else []  # pyright: ignore[reportUnknownVariableType]


def _parsed(wish: str | None) -> dict[str, Any]:
    try:
        read: Any = json.loads(wish or "")
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def deleted(turn: int) -> str:
    """Say that a cell is gone, and offer to take it back."""
    return one_line(
        f'<div class="receipt ok" role="status"><p><span>{text(say("deed.deleted", number=turn + 1))}</span></p>'
        f'<button type="button" class="undo" data-verb="undo">{text(say("deed.undo"))}</button></div>'
    )

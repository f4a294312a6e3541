"""How this page uses Gradio: events that answer at once, markup that is shown as it was made, arguments that fit."""

from __future__ import annotations

from typing import Any, cast

import gradio as gr

MOST_DIGITS = 9
UNFIT = "The arguments do not fit this call."
QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "postprocess": False,
}
"""Of an event: no queue, no sign of waiting over what it changes, no public name; and what it returns is what the
page takes, as it is: Gradio would ask a thread for each value, and wait for it."""
FILES: dict[str, Any] = {**QUICK, "postprocess": True}
"""Of an event that hands out a file: Gradio puts it where the page may fetch it."""
MARKUP: dict[str, Any] = {"sanitize_html": False, "latex_delimiters": [], "container": False}
"""Of a `gr.Markdown`: our own markup, which `markdown.py` has made safe, and nothing around it."""


def number_of(text: object) -> int | None:
    """Return the number that the page wrote as digits; None for anything else, and for one of more than nine."""
    if not isinstance(text, str) or not (text.isascii() and text.isdigit()) or len(text) > MOST_DIGITS:
        return None
    return int(text)


class Blocks(gr.Blocks):
    """Refuse arguments that an event cannot take in a sentence; Gradio would log a traceback for each such request."""

    async def preprocess_data(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Return the values of an event's inputs; raise gr.Error for arguments of another number or kind."""
        try:
            return cast(list[Any], await super().preprocess_data(*args, **kwargs))
        except Exception as error:
            raise gr.Error(UNFIT, print_exception=False) from error

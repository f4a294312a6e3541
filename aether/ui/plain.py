"""How this page uses Gradio: events that answer at once, markup that is shown as it was made."""

from __future__ import annotations

from typing import Any

QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""Of an event: no queue, no sign of waiting over what it changes, no public name."""
MARKUP: dict[str, Any] = {"sanitize_html": False, "latex_delimiters": [], "container": False}
"""Of a `gr.Markdown`: our own markup, which `markdown.py` has made safe, and nothing around it."""

"""The conversations of a visitor on the page."""

from __future__ import annotations

from hashlib import sha256

import gradio as gr

from aether import visitors


def owner_of(request: gr.Request) -> str:
    """Return whose session a request belongs to: the visitor's, or that of a program without a cookie."""
    visitor = str(request.headers.get(visitors.HEADER, ""))  # pyright: ignore[reportUnknownArgumentType]
    return visitor or sha256(f"session:{request.session_hash}".encode()).hexdigest()

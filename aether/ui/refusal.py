"""The page of a request that may not pass: a sentence, in the reader's language."""

from __future__ import annotations

from aether.ui import bare
from aether.ui.markdown import text
from aether.ui.sentences import told


def page(sentence: str) -> str:
    """Return the page that says `sentence`."""
    return bare.page(f"<p>{text(told(sentence))}</p>")

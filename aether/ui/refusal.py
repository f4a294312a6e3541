"""The page of a request that may not pass the gate: a sentence, in the reader's language. It loads nothing."""

from __future__ import annotations

import re
from pathlib import Path

from aether.ui import words
from aether.ui.markdown import text
from aether.ui.sentences import told

_TOKENS = Path(__file__).with_name("tokens.css").read_text()
_LOOK = """
body {
  margin: 0; min-height: 100dvh; display: grid; place-items: center;
  background: var(--paper); color: var(--ink); font: var(--text-base)/1.6 var(--sans);
}
main { max-width: 30rem; margin: var(--space-5) var(--space-5) 14vh; text-align: center; text-wrap: balance; }
.wordmark {
  display: flex; align-items: center; justify-content: center; gap: var(--space-3);
  margin: 0; font-size: var(--text-xl); letter-spacing: -0.02em;
}
.wordmark i {
  width: 22px; height: 22px; border-radius: 50%; mask: radial-gradient(circle, transparent 5.5px, #000 6px);
  background: conic-gradient(
    from 210deg, oklch(0.62 0.17 272), oklch(0.72 0.13 178), oklch(0.76 0.14 60), oklch(0.62 0.17 272)
  );
}
p { margin: var(--space-4) 0 0; color: var(--soft); }
"""


def _block(selector: str) -> str:
    """Return what the tokens say under a selector."""
    found = re.search(rf"^{re.escape(selector)} {{(.*?)^}}", _TOKENS, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


_STYLE = f":root {{{_block(':root')}}}\n@media (prefers-color-scheme: dark) {{ :root {{{_block('.dark')}}} }}\n{_LOOK}"


def page(sentence: str) -> str:
    """Return the page that says `sentence`."""
    return (
        f'<!doctype html><html lang="{words.spoken()}"><head><meta charset="utf-8"><title>Aether</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f'<body><main><h1 class="wordmark"><i></i>Aether</h1><p>{text(told(sentence))}</p></main></body></html>'
    )

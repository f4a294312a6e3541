"""A page beside the notebook: the wordmark, and what is said under it, in the tokens. By itself it loads nothing."""

from __future__ import annotations

import re
from pathlib import Path

from aether.ui import words

_TOKENS = Path(__file__).with_name("tokens.css").read_text()
_LOOK = """
body {
  margin: 0; min-height: 100dvh; display: grid; place-items: center;
  background: var(--paper); color: var(--ink); font: var(--text-base)/1.6 var(--sans);
}
main {
  width: min(30rem, 100vw - 2 * var(--space-5)); margin: var(--space-5) 0 14vh;
  text-align: center; text-wrap: balance;
}
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


FONTS = "".join(re.findall(r"^@font-face.*\n", _TOKENS, re.MULTILINE)).replace('url("fonts/', 'url("/ui/fonts/')
"""The fonts of the notebook, for a page whose reader was let in and may load them."""
_STYLE = f":root {{{_block(':root')}}}\n@media (prefers-color-scheme: dark) {{ :root {{{_block('.dark')}}} }}\n{_LOOK}"


def page(body: str, *, title: str = "Aether", look: str = "") -> str:
    """Return the page with the markup `body` under the wordmark; `look` is style that it alone needs."""
    return (
        f'<!doctype html><html lang="{words.spoken()}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Under the policy of all answers (`no-referrer`) a form would be sent without saying where it comes from.
        f'<meta name="referrer" content="same-origin"><style>{_STYLE}{look}</style></head>'
        f'<body><main><h1 class="wordmark"><i></i>Aether</h1>{body}</main></body></html>'
    )

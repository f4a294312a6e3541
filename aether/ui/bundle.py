"""What the page loads: one style sheet and one script, put together from the files beside this one, and fonts.

One script, because the page can be written into before all of many have come: one that was there took
a message from the composer that another, still on its way, had to send.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

_HERE = Path(__file__).parent
_FIRST = ("tokens.css", "style.css", "say.js", "page.js")
"""Others build on these; the rest stand for single features."""


def _joined(kind: str) -> bytes:
    first = [_HERE / name for name in _FIRST if name.endswith(kind)]
    others = sorted(set(_HERE.glob(f"*.{kind}")) - set(first))
    return b"\n".join(file.read_bytes() for file in [*first, *others])


BUNDLES = {"style.css": _joined("css"), "page.js": _joined("js")}
FONTS = {f"fonts/{file.name}": file for file in sorted((_HERE / "fonts").glob("*.woff2"))}
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}


def head() -> str:
    """Return what links them: the words first, which the script needs, each by its content."""
    style, script = (f"ui/{name}?v={sha256(data).hexdigest()[:12]}" for name, data in BUNDLES.items())
    words = '<script src="ui/words.js" defer></script>'
    return f'{words}<link rel="stylesheet" href="{style}"><script src="{script}" defer></script>'

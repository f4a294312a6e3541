"""A formula in TeX → MathML that is safe by construction, drawn by the browser itself. Pure.

The converter writes what stands in the source into its markup as it is, so its text is not
used: its tree is written out anew here, with tags and attributes of these lists alone.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

LONGEST = 2_000
"""Characters of a formula that is drawn."""
DEEPEST = 60
TAGS = frozenset(
    (
        *("math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle", "mpadded"),
        *("msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mprescripts", "none"),
        *("mtable", "mtr", "mtd", "menclose", "mphantom"),
    )
)
ATTRIBUTES = frozenset(
    (
        *("display", "mathvariant", "stretchy", "fence", "form", "separator", "lspace", "rspace", "width", "height"),
        *("depth", "minsize", "maxsize", "linethickness", "columnalign", "rowspacing", "columnspacing", "notation"),
        *("accent", "accentunder", "displaystyle", "scriptlevel", "movablelimits", "symmetric", "largeop"),
    )
)
PLAIN = re.compile(r"[\w .%+-]{1,40}")
UNKNOWN = re.compile(r"\\|&(?!#x)")
"""What an identifier begins with that the converter only passed on."""
NO_FORMULA = re.compile(
    r"\\(href|url|html\w*|class|cssId|style|data|includegraphics|def|newcommand|require)(?![A-Za-z])"
)
"""Commands that link, load, style or define: a formula needs none of them."""
ENTITY = re.compile(r"&#x[0-9A-Fa-f]{1,6};")
SAME = {"aligned": "align*", "alignedat": "align*", "split": "align*", "gathered": "gather*", "equation": "gather*"}
"""Environments that the converter does not know, and one that looks like it."""
ENVIRONMENT = re.compile(rf"\\(begin|end){{({'|'.join(SAME)})\*?}}")


@lru_cache(maxsize=256)
def mathml(source: str, *, display: bool) -> str:
    """Return the markup of a formula; what cannot be read stays as it was written."""
    try:
        if len(source) > LONGEST or NO_FORMULA.search(source):
            raise ValueError("a formula that is that long, or more than one, is none")
        known = ENVIRONMENT.sub(lambda found: f"\\{found[1]}{{{SAME[found[2]]}}}", source)
        markup = _written(convert_to_element(known, display="block" if display else "inline"), DEEPEST)
    except Exception:  # the converter has no error of its own: it fails in whatever way the source leads it to
        return f"<code>{html.escape(source)}</code>"
    return f'<span class="formula" tabindex="0">{markup}</span>' if display else markup


def _written(element: Element, left: int) -> str:
    if left < 0:
        raise ValueError("a formula that deep is none")
    if element.tag == "mi" and UNKNOWN.match(element.text or ""):
        raise ValueError("a command that the converter does not know")
    inside = _text(element.text) + "".join(_written(child, left - 1) + _text(child.tail) for child in element)
    if element.tag not in TAGS:
        return inside
    known = {k: v for k, v in element.attrib.items() if k in ATTRIBUTES and PLAIN.fullmatch(v)}
    attributes = "".join(f' {name}="{value}"' for name, value in known.items())
    return f"<{element.tag}{attributes}>{inside}</{element.tag}>"


def _text(words: str | None) -> str:
    """Escape text; entities are the converter's names for signs, and no sign of these does harm."""
    return html.escape(ENTITY.sub(lambda found: html.unescape(found[0]), words or ""))

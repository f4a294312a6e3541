"""Where a formula stands in Markdown: `$x$`, `$$x$$`, `\\(x\\)`, `\\[x\\]`, `\\begin{align}`. Pure.

Rules for markdown-it that find a formula before anything else reads its signs. Each looks no
further than to the next sign of its kind, so that no text can make it slow.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from aether.ui.formula import LONGEST, mathml

INLINE = {
    "$$": re.compile(r"\$\$((?:\\.|[^\\$])+)\$\$", re.DOTALL),
    "$": re.compile(r"\$(?![\s$])((?:\\.|[^\\$])+)(?<!\s)\$(?![\d$])", re.DOTALL),
    "\\(": re.compile(r"\\\(((?:\\[^()]|[^\\])+)\\\)", re.DOTALL),
    "\\[": re.compile(r"\\\[((?:\\[^\[\]]|[^\\])+)\\\]", re.DOTALL),
}
WIDE = ("$$", "\\[")
MONEY = re.compile(r"[\d.,]+\s[^\\=^_]*")
"""What stands between two signs of dollars in `$5 and US$ 10`."""
OPENS = re.compile(r"\$\$|\\\[|\\begin\{(equation|align|gather|alignat|multline)(\*?)\}")


def find_formulas(reader: MarkdownIt) -> None:
    """Let `reader` find formulas, and render them."""
    reader.inline.ruler.before("escape", "formula", _inline)
    reader.block.ruler.before("fence", "formula", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]})

    def render(_: RendererHTML, tokens: list[Token], idx: int, *more: object) -> str:
        return mathml(tokens[idx].content, display=tokens[idx].markup == "wide") + ("\n" if tokens[idx].block else "")

    reader.add_render_rule("formula", render)


def _inline(state: StateInline, silent: bool) -> bool:
    sign = state.src[state.pos : state.pos + 2]
    sign = sign if sign in INLINE else sign[:1]
    if sign not in INLINE or (sign == "$" and state.src[state.pos - 1 : state.pos].isalnum()):
        return False
    found = INLINE[sign].match(state.src, state.pos, state.posMax)
    if found is None or not found[1].strip() or (sign == "$" and MONEY.fullmatch(found[1])):
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup = found[1].strip(), "wide" if sign in WIDE else "in the line"
    state.pos = found.end()
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Take a formula that begins a line and whose end ends one."""
    begin = state.bMarks[start] + state.tShift[start]
    found = OPENS.match(state.src, begin, state.eMarks[start])
    if found is None or state.is_code_block(start):
        return False
    closes = {"$$": "$$", "\\[": "\\]"}.get(found[0]) or f"\\end{{{found[1]}{found[2]}}}"
    if state.src.find(closes, found.end(), found.end() + LONGEST) < 0:
        return False
    for line in range(start, end):
        outside = line > start and state.sCount[line] < state.blkIndent and not state.isEmpty(line)
        if outside or state.bMarks[line] > found.end() + LONGEST:
            return False
        last = state.src[max(found.end(), state.bMarks[line]) : state.eMarks[line]].rstrip()
        if last.endswith(closes):
            break
    else:
        return False
    if not silent:
        words = state.getLines(start, line + 1, state.blkIndent, False).strip()
        token = state.push("formula", "", 0)
        token.block, token.markup, token.map = True, "wide", [start, line + 1]
        token.content = words if found[1] else words[2:-2].strip()
        state.line = line + 1
    return True

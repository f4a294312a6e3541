"""What models write: Markdown, code, formulas, sentences of other rooms. The markup that leaves must do no harm."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from random import Random
from urllib.parse import urlsplit

from aether.ui import markdown, words
from aether.ui.formula import mathml
from aether.ui.sentences import told
from tests.fuzz.door import Door, holds
from tests.fuzz.odd import TEXTS, garbled, text

TAGS = frozenset(
    (
        *(
            [
                "p",
                "a",
                "b",
                "i",
                "u",
                "em",
                "strong",
                "s",
                "del",
                "code",
                "pre",
                "span",
                "div",
                "br",
                "hr",
                "small",
                "sup",
                "sub",
                "mark",
                "abbr",
                "time",
                "output",
                "q",
                "cite",
            ]
        ),
        *(
            [
                "h1",
                "h2",
                "h3",
                "h4",
                "h5",
                "h6",
                "ul",
                "ol",
                "li",
                "dl",
                "dt",
                "dd",
                "blockquote",
                "table",
                "thead",
                "tbody",
                "tfoot",
                "tr",
                "th",
                "td",
                "caption",
            ]
        ),
        *(
            [
                "figure",
                "figcaption",
                "button",
                "img",
                "details",
                "summary",
                "article",
                "section",
                "header",
                "footer",
                "nav",
                "label",
                "input",
                "progress",
            ]
        ),
        *(
            [
                "math",
                "mrow",
                "mi",
                "mn",
                "mo",
                "ms",
                "mtext",
                "mspace",
                "mfrac",
                "msqrt",
                "mroot",
                "mstyle",
                "mpadded",
                "msub",
                "msup",
                "msubsup",
                "munder",
                "mover",
            ]
        ),
        *(
            [
                "munderover",
                "mmultiscripts",
                "mprescripts",
                "none",
                "mtable",
                "mtr",
                "mtd",
                "menclose",
                "mphantom",
                "svg",
                "path",
                "wbr",
                "meter",
            ]
        ),
    )
)
"""Tags that the page's own markup is made of."""
NEVER = ("srcset", "formaction", "action", "ping", "background", "poster", "srcdoc", "xlink:href")
WIDTH = re.compile(r"width:\d+(\.\d+)?%")
"""The one style that the page's own markup has."""
PIECES = (
    *("# ", "## ", "- ", "1. ", "> ", "```python\n", "```\n", "~~~xpp\n", "| a | b |\n|---|---|\n", "***", "___", "\n\n", "\n"),
    *("**bold**", "*i*", "`code`", "[l](https://a.b/c?d=e)", "![p](https://a.b/c.png)", "<https://a.b>", "[r]: https://a.b\n"),
    *("[r]", "[x][r]", "~~s~~", "\\*", "&amp;", "    indented\n", "$x^2$", "$$\\frac ab$$", "\\(a\\)", "\\[b\\]", "<b>", "word "),
    *("[", "](", "![", "*", "_", "`", "``", "[[[[", "****", "((((", "<", "\\", "$", "|", "   ", "\t", "a@b.c", "www.a.b"),
)  # fmt: skip
TEX = (
    *(r"\frac", r"\sqrt", r"\left(", r"\right)", r"\left", r"\right", r"\begin{matrix}", r"\end{matrix}", r"\begin{align}"),
    *("{", "}", "^", "_", "&", r"\\", r"\text{", r"\mathbb{R}", r"\sum_", r"\int^", r"\hat", r"\overbrace", r"\limits"),
    *(r"\href{javascript:x}{y}", r"\color{red}", r"\style{x}{y}", r"\class{x}", r"\unicode{x41}", r"\mbox{<b>}", r"\def\x{\x\x}"),
    *(r"\operatorname", r"\substack{", r"\hspace{1cm}", r"\middle|", r"\binom", r"\cfrac", r"\phantom{", r"\mathop{", r"\pmod", "'"),
    *("x", "1", "a+b", "<", ">", '"', r"\&", r"\%", r"\begin{cases}", r"\end{cases}", r"\begin{array}{c|c}", r"\end{array}", "\n"),
)  # fmt: skip
LEXERS = (
    "python",
    "js",
    "xpp",
    "html",
    "json",
    "c++",
    "urlencoded",
    "brainfuck",
    "systemd",
    "diff",
    "sql",
    "",
    "a b",
    "\ud800",
)


class _Reader(HTMLParser):
    """Look at each tag that a browser would see."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        holds(tag in TAGS, f"a tag <{tag}>")
        for name, value in attrs:
            holds(not name.startswith("on") and name not in NEVER, f"an attribute {name} of <{tag}>")
            holds(name != "style" or WIDTH.fullmatch(value or ""), f"a style of <{tag}>: {value}")
            if name in ("href", "src"):
                kind = urlsplit((value or "").strip()).scheme.lower()
                allowed = ("http", "https", "mailto", "") if name == "href" else ("", "data")
                holds(kind in allowed, f"a {name} of {kind}: in <{tag}>")

    handle_startendtag = handle_starttag

    def handle_decl(self, decl: str) -> None:
        holds(False, "a declaration")

    def handle_comment(self, data: str) -> None:
        holds(False, "a comment")

    def handle_pi(self, data: str) -> None:
        holds(False, "a processing instruction")


def is_harmless(markup: str) -> None:
    """Hold that markup has no tag, attribute or address that could do harm, and can be sent."""
    try:
        markup.encode()
    except UnicodeEncodeError as error:
        holds(False, f"markup that cannot be sent: {error.reason}")
    reader = _Reader()
    reader.feed(markup)
    reader.close()


def prose_made(rng: Random) -> bytes:
    """Return Markdown: pieces of it in any order, strange texts between."""
    pieces = [rng.choice(PIECES) if rng.random() < 0.8 else text(rng) for _ in range(rng.choice((3, 8, 20, 40)))]
    if rng.random() < 0.03:
        pieces = [rng.choice(PIECES) * rng.randrange(200, 2000) for _ in range(2)]
    whole = "".join(pieces).encode("utf-8", "surrogatepass")
    return garbled(rng, whole) if rng.random() < 0.1 else whole


def prose(data: bytes) -> None:
    """Render Markdown."""
    is_harmless(markdown.prose(data.decode("utf-8", "replace")))


def formula_made(rng: Random) -> bytes:
    """Return TeX."""
    pieces = [rng.choice(TEX) if rng.random() < 0.9 else text(rng) for _ in range(rng.choice((2, 5, 12, 30)))]
    if rng.random() < 0.02:
        pieces = [rng.choice(TEX) * rng.randrange(50, 500)]
    return "".join(pieces).encode("utf-8", "surrogatepass")


def formula(data: bytes) -> None:
    """Draw a formula, alone and in a text."""
    source = data.decode("utf-8", "replace")
    is_harmless(mathml(source, display=len(data) % 2 == 0))
    is_harmless(markdown.prose(f"$${source}$$"))


def code_made(rng: Random) -> bytes:
    """Return a language and code in it, as JSON."""
    source = "".join(rng.choice(TEXTS) for _ in range(rng.randrange(12))) * rng.choice((1, 1, 1, 10))
    return json.dumps([rng.choice((*LEXERS, text(rng))), source]).encode()


def code(data: bytes) -> None:
    """Paint code."""
    try:
        language, source = json.loads(data)
    except ValueError:
        return
    source = str(source).encode("utf-8", "replace").decode()
    is_harmless(markdown.code(source, language=str(language).encode("utf-8", "replace").decode()))


def sentence_made(rng: Random) -> bytes:
    """Return what another room might have said: our sentences with strange words in their blanks, and more of them."""
    ours = list(words.LANGUAGES["en"].values())
    said = [rng.choice(ours) if rng.random() < 0.6 else text(rng) for _ in range(rng.choice((1, 2, 3, 8)))]
    if rng.random() < 0.02:
        said = [rng.choice(("Not. ", "a. b! c? ", ". ", rng.choice(ours) + " "))] * rng.randrange(100, 800)
    return " ".join(said).encode("utf-8", "surrogatepass")


def sentence(data: bytes) -> None:
    """Say it in another language."""
    words.speak(("de", "ja", "en")[len(data) % 3])
    try:
        told(data.decode("utf-8", "replace")).encode()
    finally:
        words.speak("en")


DOORS = (
    Door("markdown", prose_made, prose, 20_000, 400),
    Door("formulas", formula_made, formula, 80_000, 250),
    Door("code", code_made, code, 15_000, 120),
    Door("sentences", sentence_made, sentence, 200_000, 100),
)

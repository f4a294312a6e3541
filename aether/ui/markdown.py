"""Markdown of a model → HTML that is safe by construction. Pure.

The one place where foreign text becomes markup. Raw HTML is shown as the text that it is,
links go to the web or to mail and nowhere else, images are never fetched: they become
links. What leaves here holds only tags, classes and attributes written in this file or in
markdown-it's own rules. The page's content security policy is the second wall behind it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from aether.ui import lexers
from aether.ui.tangle import is_tangled
from aether.ui.tex import find_formulas
from aether.ui.words import say

_SCHEMES = ("http", "https", "mailto")


def one_line(markup: str) -> str:
    """Return `markup` without line breaks, and the same to a reader.

    Gradio hands a value to a Markdown reader, for which a blank line ends a block of HTML
    and gives what follows a new meaning. A character reference cannot do that.
    """
    return markup.replace("\r", "").replace("\n", "&#10;")


def text(plain: str) -> str:
    """Escape text for HTML, attributes included."""
    return html.escape(plain, quote=True)


def prose(markdown: str) -> str:
    """Render a model's Markdown; a text that was made to take long is shown as it stands.

    It takes as long as the text wants: what of it the event loop may render is decided in `fragments.py`.
    """
    return unrendered(markdown) if is_tangled(markdown) else _MARKDOWN.render(markdown)


def unrendered(markdown: str) -> str:
    """Return a text as it stands."""
    return f'<p class="plain">{text(markdown)}</p>'


def code(source: str, *, language: str = "", title: str = "") -> str:
    """Render a block of code with its title (or its language), its colours and a button to copy it."""
    name = language_name(language)
    return figure(coloured(source, language=name), title=title or name)


def figure(markup: str, *, title: str) -> str:
    """Frame a block of code that is markup already."""
    return (
        f'<figure class="code"><figcaption><span>{text(title or "text")}</span>'
        f'<button type="button" class="copy" title="{text(say("cell.copy_code"))}">{text(say("cell.copy"))}</button>'
        f'</figcaption><pre tabindex="0"><code>{markup}</code></pre></figure>'
    )


def language_name(written: str) -> str:
    """Return the name of a language as a fence has it, bounded."""
    return re.sub(r"[^\w+#.-]", "", written[:100])[:24]


def coloured(source: str, *, language: str) -> str:
    """Return code in its colours, or as it stands."""
    return lexers.coloured(source, language=language) or text(source)


def is_safe_link(url: str) -> bool:
    """Tell whether a link of a model may be clicked."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    return parts.scheme.lower() in _SCHEMES and bool(parts.netloc or parts.scheme.lower() == "mailto")


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        return is_safe_link(url)


class _Renderer(RendererHTML):
    """Say how links, images, code and tables look."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        url = text(str(tokens[idx].attrGet("href") or ""))
        return f'<a href="{url}" title="{url}" target="_blank" rel="noopener noreferrer nofollow">'

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        url = str(tokens[idx].attrGet("src") or "")
        alt = self.renderInlineAsText(tokens[idx].children or [], options, env) or "image"
        return (
            f'<a class="picture" href="{text(url)}" target="_blank" rel="noopener noreferrer nofollow" '
            f'title="{text(say("cell.picture_away"))}">'
            f"{text(alt)} <small>{text(urlsplit(url).netloc)}</small></a>"
        )

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        return code(token.content, language=token.info[:200].strip().split(" ")[0])

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return code(tokens[idx].content)

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="table" tabindex="0"><table>'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>"


def _build() -> MarkdownIt:
    options: dict[str, Any] = {"html": False, "breaks": True, "typographer": False}
    reader = _Markdown("commonmark", options, renderer_cls=_Renderer).enable(["table", "strikethrough"])
    find_formulas(reader)
    return reader


_MARKDOWN = _build()

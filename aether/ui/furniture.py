"""The markup that stands on the page from the start: wordmark, starters, tabs, switches. Pure.

It is made once, in English, before anyone has asked for the page: `data-say` names the text of
each element, and `say.js` says it in the reader's language.
"""

from __future__ import annotations

from aether.ui.markdown import one_line, text
from aether.ui.words import say

WORDMARK = '<div class="wordmark"><i></i>Aether</div>'
STARTERS = ("explain", "compare", "code", "look")
TABS = ("requests", "usage", "tools", "export")
SCHEMES = ("system", "light", "dark")
KEYS = (("Enter", "send"), ("Shift Enter", "line"), ("/", "write"), ("Esc", "stop"))


def spoken(tag: str, key: str, *, attributes: str = "") -> str:
    """Return an element whose text is said in the reader's language."""
    return f'<{tag} data-say="{key}"{attributes}>{text(say(key))}</{tag}>'


def welcome() -> str:
    """Say what this is, and offer a few ways to begin."""
    cards = "".join(
        f'<button type="button" class="starter" data-message="{text(say(f"starter.{name}_text"))}" '
        f'data-say-message="starter.{name}_text">'
        f"{spoken('b', f'starter.{name}')}{spoken('span', f'starter.{name}_text')}</button>"
        for name in STARTERS
    )
    return one_line(
        f'<div class="welcome">{spoken("h1", "welcome.title")}{spoken("p", "welcome.text")}'
        f'<div class="starters">{cards}</div>{spoken("p", "welcome.small", attributes=chr(32) + "class=small")}</div>'
    )


def tabs() -> str:
    """Head the drawer: a tab for each panel, and the way out."""
    tabs = "".join(
        f'<button type="button" role="tab" class="tab" id="tab-{name}" data-panel="{name}" '
        f'aria-controls="place-panel-{name}" data-say="tab.{name}">{text(say(f"tab.{name}"))}</button>'
        for name in TABS
    )
    return (
        f'<div class="tabs"><div role="tablist" aria-label="Details" data-say-label="top.details">{tabs}</div>'
        '<button type="button" class="close-drawer" aria-label="Close" data-say-label="top.close"></button></div>'
    )


def schemes() -> str:
    """Let a person choose light, dark, or what the system says."""
    radios = "".join(
        f'<label><input type="radio" name="scheme" value="{value}">{spoken("span", f"scheme.{value}")}</label>'
        for value in SCHEMES
    )
    return f'<fieldset class="scheme">{spoken("legend", "scheme.title")}{radios}</fieldset>'


def hints() -> str:
    """Name the keys that work everywhere."""
    keys = "".join(f"<span><kbd>{key}</kbd> {spoken('i', f'hint.{word}')}</span>" for key, word in KEYS)
    return f'<p class="hints">{keys}</p>'


def offline() -> str:
    """Say that the server cannot be reached; shown while it is so."""
    return f'<div class="offline-note" role="alert">{spoken("span", "state.offline")}</div>'

"""The markup that stands on the page from the start: wordmark, starters, tabs, switches. Pure."""

from __future__ import annotations

from aether.ui.markdown import one_line, text

WORDMARK = '<div class="wordmark"><i></i>Aether</div>'
STARTERS = (
    ("Explain", "Explain how a rainbow forms, in three short steps."),
    ("Compare", "Make a small table that compares tea and coffee."),
    (
        "Write code",
        "Write a Python function that tells whether a word is a palindrome.",
    ),
    ("Look around", "Which files are in the workspace? Use your tools."),
)
TABS = (("requests", "Requests"), ("usage", "Usage"), ("tools", "Tools"), ("export", "Export"))
SCHEMES = (("system", "Automatic"), ("light", "Light"), ("dark", "Dark"))
SMALL_MODEL = (
    "The model that ships with Aether is very small: it starts at once and needs no key, but it makes mistakes. "
    "Choose another above at any moment; the conversation stays."
)


def welcome() -> str:
    """Say what this is, and offer a few ways to begin."""
    cards = "".join(
        f'<button type="button" class="starter" data-message="{text(message)}"><b>{text(title)}</b>'
        f"<span>{text(message)}</span></button>"
        for title, message in STARTERS
    )
    return one_line(
        '<div class="welcome"><h1>One conversation, any model.</h1>'
        "<p>Change the model whenever you like, even in the middle of an answer. Each cell says who wrote it.</p>"
        f'<div class="starters">{cards}</div><p class="small">{text(SMALL_MODEL)}</p></div>'
    )


def tabs() -> str:
    """Head the drawer: a tab for each panel, and the way out."""
    tabs = "".join(
        f'<button type="button" role="tab" class="tab" id="tab-{name}" data-panel="{name}" '
        f'aria-controls="place-panel-{name}">{text(title)}</button>'
        for name, title in TABS
    )
    return (
        f'<div class="tabs"><div role="tablist" aria-label="Details">{tabs}</div>'
        '<button type="button" class="close-drawer" aria-label="Close"></button></div>'
    )


def schemes() -> str:
    """Let a person choose light, dark, or what the system says."""
    radios = "".join(
        f'<label><input type="radio" name="scheme" value="{value}"><span>{text(title)}</span></label>'
        for value, title in SCHEMES
    )
    return f'<fieldset class="scheme"><legend>Colours</legend>{radios}</fieldset>'


def hints() -> str:
    """Name the keys that work everywhere."""
    keys = (
        ("Enter", "send"),
        ("Shift Enter", "new line"),
        ("/", "write"),
        ("Esc", "stop"),
    )
    return '<p class="hints">' + "".join(f"<span><kbd>{key}</kbd> {word}</span>" for key, word in keys) + "</p>"

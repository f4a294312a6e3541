"""The look: tokens, the page that explains them, and that nothing is coloured beside them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aether.transcript import Transcript
from aether.ui import render
from aether.ui.theme import TOKENS, build_theme

ROOT = Path(__file__).parent.parent.parent
UI = ROOT / "aether" / "ui"
STYLES = sorted(path for path in UI.glob("*.css") if path.name != "tokens.css")


def tokens() -> dict[str, tuple[str, str]]:
    """Return each token with its light value and its dark one, empty where they are the same."""
    light, dark = (UI / "tokens.css").read_text().split("\n.dark {")
    found = re.compile(r"^  --([\w-]+): (.+?);", re.MULTILINE)
    return {name: (value, dict(found.findall(dark)).get(name, "")) for name, value in found.findall(light)}


def test_the_page_on_design_lists_each_token_as_it_is() -> None:
    rows = re.findall(
        r"^\| `--([\w-]+)` \| `(.+?)` \| (?:`(.+?)`)? ?\|", (ROOT / "docs/design-language.md").read_text(), re.MULTILINE
    )
    assert {name: (light, dark) for name, light, dark in rows} == tokens()


@pytest.mark.parametrize("path", STYLES, ids=lambda p: p.name)
def test_no_style_makes_up_a_colour_or_a_size_of_text(path: Path) -> None:
    style = re.sub(r"url\(\"[^\"]*\"\)|conic-gradient\(.*?\);|radial-gradient\(.*?\);", "", path.read_text())
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{]*[;}])|\brgba?\(|\bhsla?\(", style)
    assert not re.findall(r"font(?:-size)?: [^;]*?\d(?:\.\d+)?px", style)


@pytest.mark.parametrize("path", STYLES, ids=lambda p: p.name)
def test_every_variable_that_a_style_uses_is_there(path: Path) -> None:
    style = path.read_text()
    local = set(re.findall(r"--([\w-]+):", style + (UI / "tokens.css").read_text() + (UI / "shell.css").read_text()))
    assert set(re.findall(r"var\(--([\w-]+)", style)) <= local | {"window-padding"}


def test_gradios_own_parts_take_tokens_alone() -> None:
    assert set(TOKENS.values()) <= set(tokens())
    assert build_theme().body_background_fill_dark == "var(--paper)"  # type: ignore[attr-defined]


def test_gradio_gives_no_token_another_value() -> None:
    theme = build_theme()
    given = {name: getattr(theme, name.replace("-", "_"), value[0]) for name, value in tokens().items()}
    assert given == {name: value[0] for name, value in tokens().items()}
    assert "text_xs" in vars(theme)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((ink, ground) for ink in ("ink", "soft", "faint") for ground in ("paper", "sheet", "tint")),
        *((f"code-{part}", "sheet") for part in ("key", "text", "name", "number", "built")),
        *((word, f"{word}-tint") for word in ("good", "warn", "bad")),
        *((word, "paper") for word in ("warn", "bad", "focus")),
        ("on-strong", "strong"),
    ],
)
def test_text_stands_out_from_its_ground(text: str, ground: str, scheme: int) -> None:
    known = tokens()
    high, low = sorted((luminance(known[name][scheme]) for name in (text, ground)), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_a_provider_keeps_its_colour_and_two_never_share_one() -> None:
    names = [f"provider-{number}/m" for number in range(render.HUES)]
    colours = render.hues(Transcript(""), also=names)
    assert len(set(colours.values())) == render.HUES
    alone = render.hues(Transcript(""), also=["provider-0/m", "provider-0/other"])
    assert set(alone.values()) == {colours["provider-0/m"]}

"""The look of Gradio's own parts: fonts and colours for light and dark. `style.css` does the rest."""

from __future__ import annotations

from gradio.themes import Base, sizes

INK, PAPER, SHEET, LINE, MUTED = "#1c1b19", "#faf9f6", "#ffffff", "#e6e2d9", "#6b675f"
INK_DARK, PAPER_DARK, SHEET_DARK, LINE_DARK, MUTED_DARK = (
    "#ecebe7",
    "#111214",
    "#191b1e",
    "#2b2e33",
    "#9c9a93",
)


def build_theme() -> Base:
    """Return the theme. `style.css` brings its fonts, so nothing is fetched from elsewhere."""
    theme = Base(
        font=("Aether Sans", "system-ui", "sans-serif"),
        font_mono=("Aether Mono", "ui-monospace", "monospace"),
        radius_size=sizes.radius_md,
        text_size=sizes.text_md,
    )
    return theme.set(
        body_background_fill=PAPER,
        body_background_fill_dark=PAPER_DARK,
        body_text_color=INK,
        body_text_color_dark=INK_DARK,
        body_text_color_subdued=MUTED,
        body_text_color_subdued_dark=MUTED_DARK,
        background_fill_primary=SHEET,
        background_fill_primary_dark=SHEET_DARK,
        background_fill_secondary=PAPER,
        background_fill_secondary_dark=SHEET_DARK,
        block_background_fill=SHEET,
        block_background_fill_dark=SHEET_DARK,
        border_color_primary=LINE,
        border_color_primary_dark=LINE_DARK,
        input_background_fill=SHEET,
        input_background_fill_dark=SHEET_DARK,
        input_border_color=LINE,
        input_border_color_dark=LINE_DARK,
        block_border_width="0px",
        block_shadow="none",
    )

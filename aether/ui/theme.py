"""The look of Gradio's own parts, drawn from the page's tokens (`tokens.css`), light and dark alike."""

from __future__ import annotations

from gradio.themes import Base, sizes

TOKENS = {
    "body_background_fill": "paper",
    "body_text_color": "ink",
    "body_text_color_subdued": "soft",
    "background_fill_primary": "sheet",
    "background_fill_secondary": "paper",
    "block_background_fill": "sheet",
    "block_label_text_color": "soft",
    "block_title_text_color": "soft",
    "border_color_primary": "line",
    "border_color_accent": "focus",
    "color_accent_soft": "tint",
    "input_background_fill": "sheet",
    "input_background_fill_focus": "sheet",
    "input_border_color": "line",
    "input_border_color_focus": "edge",
    "input_placeholder_color": "faint",
    "button_primary_background_fill": "strong",
    "button_primary_background_fill_hover": "ink",
    "button_primary_text_color": "on-strong",
    "button_secondary_background_fill": "sheet",
    "button_secondary_background_fill_hover": "tint",
    "button_secondary_text_color": "ink",
    "checkbox_background_color": "sheet",
    "checkbox_background_color_selected": "strong",
    "checkbox_border_color": "edge",
    "checkbox_border_color_selected": "strong",
    "error_background_fill": "bad-tint",
    "error_text_color": "bad",
    "link_text_color": "ink",
    "loader_color": "ink",
    "slider_color": "strong",
    "stat_background_fill": "tint",
    "table_even_background_fill": "sheet",
    "table_odd_background_fill": "paper",
}
"""Gradio's variables that hold a colour → the token that each takes."""

TEXT = sizes.Size(name="aether", xxs="9px", xs="12px", sm="12px", md="14px", lg="16px", xl="22px", xxl="26px")
"""Gradio's sizes of text. Two have the names of tokens, and its dark half would put its own in their place."""


def build_theme() -> Base:
    """Return the theme. `tokens.css` brings its fonts, so nothing is fetched from elsewhere."""
    theme = Base(
        font=("Aether Sans", "system-ui", "sans-serif"),
        font_mono=("Aether Mono", "ui-monospace", "monospace"),
        radius_size=sizes.radius_md,
        text_size=TEXT,
    )
    colours = {name: f"var(--{token})" for name, token in TOKENS.items()}
    # A variable that names another is worked out where it is declared: so each is said for both.
    both = colours | {f"{name}_dark": value for name, value in colours.items()}
    return theme.set(**both, block_border_width="0px", block_shadow="none", button_large_radius="var(--round-m)")

"""Formulas that a model writes: found where they stand, drawn as MathML, harmless whatever they hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aether.ui.formula import ATTRIBUTES, TAGS, mathml
from aether.ui.markdown import prose

WIDE = '<math display="block">'
LINE = '<math display="inline">'


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("$x^2$", LINE),
        ("the $n$th, **bold $x$**", LINE),
        ("so \\(x^2\\).", LINE),
        ("| a |\n|---|\n| $x$ |", LINE),
        ("so $$\\frac{a}{b}$$ then", WIDE),
        ("so \\[x\\].", WIDE),
        ("So\n\\[\na\n- b\n= c\n\\]\nthen", WIDE),
        ("1. one:\n   \\[\n   \\sum_i x_i\n   \\]\n2. two", WIDE),
        ("> $$\n> x\n> $$", WIDE),
        ("\\begin{align*}\na &= b \\\\\nc &= d\n\\end{align*}", WIDE),
        ("\\[\\begin{aligned}a &= b\\end{aligned}\\]", WIDE),
    ],
)
def test_a_formula_is_drawn(said: str, form: str) -> None:
    markup = prose(said)
    assert form in markup
    assert "\\" not in re.sub(r"<[^>]*>", "", markup)


@pytest.mark.parametrize(
    "said",
    [
        "it costs $5 and $10, or $ 3 $",
        "$5 and US$ 10, AU$7, $8-$9",
        "\\$5 and \\$6",
        "`$x$` and `\\(x\\)`",
        "```tex\n$$x$$\n```",
        "    $$x$$",
        "not yet \\(x^",
        "$$\n\\frac{a",
        "$$$$",
    ],
)
def test_what_is_no_formula_stays_text(said: str) -> None:
    assert "<math" not in prose(said)


@pytest.mark.parametrize(
    "source", ["\\ce{H2O}", "\\frac", "{" * 300 + "}" * 300, "x" * 5000, "\\begin{tikz}", "\\href{javascript:x}{y}"]
)
def test_what_cannot_be_read_is_shown_as_it_was_written(source: str) -> None:
    assert mathml(source, display=False) in (f"<code>{source}</code>",)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            [
                *("\\frac", "\\sqrt", "{", "}", "^", "_", "&", "\\\\", "x", "<", ">", '"', "'", "\\text{<script>}"),
                *("\\href{javascript:x}{y}", '\\class{x" onload="y}{z}', "<img src=x onerror=y>", "\\color{red}"),
                *("\\begin{matrix}", "\\end{matrix}", "\\left(", "\\right)", "&lt;", "&#x3c;img>", "]]>", "<!--"),
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_a_formula_can_do_no_harm(source: str) -> None:
    markup = mathml(source, display=True)
    for tag, attributes in re.findall(r"<([^\s/>]+)([^>]*)>", markup.replace("</", "<")):
        assert tag in TAGS | {"span", "code"}
        assert set(re.findall(r'(\w+)="', attributes)) <= ATTRIBUTES | {"class", "tabindex"}
        assert re.fullmatch(r'( \w+="[\w .%+-]*")*', attributes)


@pytest.mark.parametrize("piece", ["$a", "\\(a", "\\[a\n", "$$\n", "\\begin{align}\n", "$", "\\(", "\\[ x \\] b\n"])
def test_no_text_makes_the_search_long(piece: str) -> None:
    """A rule that looked at the rest of the text from each sign on would not end in a test's time."""
    assert len(prose(piece * 20_000)) > 20_000

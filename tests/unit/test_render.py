"""What the page shows of a conversation, and what of a model's text never reaches it as markup."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import pytest

from aether.transcript import (
    Answer,
    Failure,
    Origin,
    Reasoning,
    Refusal,
    Step,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
)
from aether.ui import panels, render, words
from aether.ui.markdown import is_safe_link, one_line, prose
from aether.usage import Usage

ORIGIN = Origin("openai-chat", "http://peer.example/v1", "abc", "small")
SCRIPTS = (
    '<script>alert("x")</script>',
    '<svg><a href="javascript:alert(1)"><text>CLICK</text></a></svg>',
    "<img src=x onerror=alert(1)>",
    "<form action=http://evil.example><input name=key></form>",
    "<style>body{display:none}</style>",
    "<iframe src=http://evil.example></iframe>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "[click](vbscript:x)",
    "![beacon](http://evil.example/a.png)",
    "![inline](data:image/svg+xml;base64,AAAA)",
    '[x](http://a.example "\\" onclick=\\"alert(1)")',
    '<http://a.example/" onmouseover=alert(1)>',
    "```html\n</code></pre><script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\ncode\n```',
    "|a|\n|-|\n|<script>alert(1)</script>|",
    "`<script>alert(1)</script>`",
)
ALLOWED = {
    *("div", "span", "p", "b", "i", "em", "strong", "s", "br", "hr", "small", "a", "ul", "ol", "li", "blockquote"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "figure", "figcaption", "pre", "code", "button"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary", "article", "footer"),
}


@dataclass
class Elements(HTMLParser):
    """All elements of some markup, as a browser's parser would open them."""

    found: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(markup: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(markup)
    return parser.found


def step(model: str = "small", *, provider: str = "local", text: str = "Hello.", **more: object) -> Step:
    made = Step(provider, model, ORIGIN, (Text(text),), usage=Usage(10, 5), cost_usd=0.0, ttft_ms=80, total_ms=1_900)
    return replace(made, **more)


def turn(*answers: Answer, ask: str = "Hi") -> Turn:
    return Turn((Text(ask),), answers, chosen=max(0, len(answers) - 1))


def shown(*turns: Turn, window: int = 20) -> str:
    messages = render.messages(Transcript(turns=turns), window_turns=window)
    return "".join(message["content"][0]["text"] for message in messages)


def with_class(markup: str, name: str) -> list[dict[str, str | None]]:
    return [attrs for _, attrs in elements(markup) if name in (attrs.get("class") or "").split()]


def assert_harmless(markup: str) -> None:
    for tag, attrs in elements(markup):
        assert tag in ALLOWED, f"a model made a <{tag}>"
        assert not [name for name in attrs if name.startswith("on")], attrs
        assert "src" not in attrs and "srcset" not in attrs, attrs
        if "href" in attrs:
            assert is_safe_link(attrs["href"] or ""), attrs


@pytest.mark.parametrize("attack", SCRIPTS)
def test_markup_of_a_model_is_shown_as_text(attack: str) -> None:
    assert_harmless(prose(attack))


@pytest.mark.parametrize("attack", SCRIPTS)
def test_every_place_that_shows_foreign_text_escapes_it(attack: str) -> None:
    call = ToolCall("c1", attack, json.dumps({"path": attack}))
    result = ToolResult("c1", attack, (Text(attack),), "error")
    parts = (Reasoning(attack), Text(attack), Refusal(attack), call)
    bad = step(attack, provider=attack, parts=parts, results=(result,), reported_model=attack, notes=(attack,))
    failed = Answer((bad,), Failure("rate", attack, attack))
    markup = shown(turn(failed, ask=attack), turn(Answer((step(),)), ask=attack))
    assert_harmless(markup)
    assert_harmless(panels.badge(attack, state="ready", hue=0) + panels.receipt((attack,)))


@pytest.mark.parametrize("attack", SCRIPTS)
def test_a_stream_that_is_cut_anywhere_is_as_harmless_as_the_whole(attack: str) -> None:
    for end in range(len(attack)):
        assert_harmless(prose(attack[:end]))


def test_pictures_from_elsewhere_become_links_and_are_not_fetched() -> None:
    markup = prose("![a cat](https://pictures.example/cat.png)")
    assert not [tag for tag, _ in elements(markup) if tag == "img"]
    assert "a cat" in markup and 'href="https://pictures.example/cat.png"' in markup


def test_code_keeps_its_line_breaks_and_its_blank_lines() -> None:
    markup = one_line(prose("```text\na\n\n\nb\n```"))
    assert "\n" not in markup
    assert "a&#10;&#10;&#10;b" in markup


def test_each_settled_answer_has_exactly_one_stamp() -> None:
    once, twice = turn(Answer((step(), step()))), turn(Answer((step(),)), Answer((step("other"),)))
    failed = turn(Answer((), Failure("network", "No connection.")))
    assert len(with_class(shown(once, twice, failed), "stamp")) == 4


def test_a_change_of_model_shows_one_divider_and_no_change_shows_none() -> None:
    one, other = turn(Answer((step(),))), turn(Answer((step("other"),)))
    assert len(with_class(shown(one, one, one), "divider")) == 0
    assert len(with_class(shown(one, other, other, one), "divider")) == 2


def test_a_failed_turn_between_two_models_does_not_hide_the_divider() -> None:
    failed = turn(Answer((), Failure("network", "No connection.")))
    assert len(with_class(shown(turn(Answer((step(),))), failed, turn(Answer((step("other"),)))), "divider")) == 1


def test_the_divider_is_kept_where_the_window_cuts() -> None:
    turns = (turn(Answer((step(),))), turn(Answer((step("other"),))))
    assert len(with_class(shown(*turns, window=1), "divider")) == 1


def test_cells_carry_the_index_of_their_turn_and_show_its_number() -> None:
    markup = shown(*(turn(Answer((step(),))) for _ in range(30)), window=2)
    assert [cell["data-turn"] for cell in with_class(markup, "cell")] == ["28", "29"]
    assert "[29]" in markup and "[30]" in markup and "[28]" not in markup


def test_answers_of_one_turn_stand_beside_each_other_each_with_its_model() -> None:
    markup = shown(turn(Answer((step("one"),)), Answer((step("two"),))))
    assert [a["data-reference"] for a in with_class(markup, "answer")] == ["local/one", "local/two"]
    assert len(with_class(markup, "beside")) == 1


def test_the_stamp_tells_model_time_tokens_and_cost() -> None:
    stamp = render.stamp(Answer((step(cost_usd=0.0042),)))
    for fact in ("local/small", "1.9 s", "first word 80 ms", "10 in · 5 out", "$0.0042"):
        assert fact in stamp
    assert "free" in render.stamp(Answer((step(),)))
    assert "price unknown" in render.stamp(Answer((step(cost_usd=None),)))


def test_the_stamp_flags_another_model_than_the_one_asked_for() -> None:
    assert "mismatch" in render.stamp(Answer((step("big", reported_model="tiny"),)))
    assert "mismatch" not in render.stamp(Answer((step("big", reported_model="big"),)))
    dated = render.stamp(Answer((step("maker/big", reported_model="big-2026-01-01"),)))
    assert "mismatch" not in dated and "served as big-2026-01-01" in dated


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (Answer((step(),), stopped=True), "stopped"),
        (Answer((step(stop="length"),)), "cut at the length limit"),
        (Answer((step(),), Failure("network", "It broke.")), "failed"),
    ],
)
def test_the_stamp_says_how_an_answer_ended(answer: Answer, word: str) -> None:
    assert word in render.stamp(answer)


def test_an_answer_by_two_models_names_both_and_says_where_the_second_goes_on() -> None:
    markup = shown(turn(Answer((step("one", stop="tool"), step("two")))))
    assert "local/one → local/two" in markup
    assert len(with_class(markup, "handoff")) == 1


def test_a_failure_says_what_to_do_and_folds_the_services_words() -> None:
    failure = Failure("rate", "Too busy. Try again.", "429 rate_limit", 12)
    markup = shown(turn(Answer((step(at=1000.0, total_ms=500, text=""),), failure)))
    assert "Too busy. Try again." in markup and "It asks to wait 12 s." in markup
    assert [attrs["data-until"] for attrs in with_class(markup, "countdown")] == ["1012.5"]
    assert markup.index("<details>") < markup.index("429 rate_limit")
    retry, other = with_class(markup, "way")
    assert retry["data-reference"] == other["data-without"] == "local/small"


@pytest.mark.parametrize(
    ("kind", "ways"),
    [
        ("rate", ["retry", "pick"]),
        ("auth", ["pick", "retry"]),
        ("allowance", ["own-key", "pick"]),
        ("limit_steps", ["go-on"]),
        ("interrupted", ["go-on", "retry", "pick"]),
        ("elsewhere", []),
    ],
)
def test_each_failure_offers_what_can_help(kind: str, ways: list[str]) -> None:
    markup = shown(turn(Answer((step(),), Failure(kind, "It broke."))))
    assert [str(attrs["class"]).removeprefix("way ") for attrs in with_class(markup, "way")] == ways


def test_an_attempt_that_said_nothing_takes_no_column() -> None:
    failed = Answer((step(parts=()),), Failure("rate", "Too busy."))
    markup = shown(replace(turn(failed, failed, Answer((step("other"),))), chosen=2))
    assert len(with_class(markup, "answer")) == 1 and len(with_class(markup, "stamp")) == 3
    assert "2 attempts failed" in markup and not with_class(markup, "beside")
    kept = shown(replace(turn(Answer((step(),), failed.failure), Answer((step("other"),))), chosen=1))
    assert len(with_class(kept, "answer")) == 2


def test_reasoning_and_tools_are_folded() -> None:
    call, result = ToolCall("c", "read_file", '{"path": "a.md"}'), ToolResult("c", "read_file", (Text("# A"),))
    markup = shown(turn(Answer((step(parts=(Reasoning("Hm."), call, Text("Done.")), results=(result,)),))))
    folds = [attrs for tag, attrs in elements(markup) if tag == "details"]
    assert len(folds) == 2 and all("open" not in attrs for attrs in folds)
    assert "path=&quot;a.md&quot;" in markup and "# A" in markup


def test_the_copy_button_holds_the_answer_as_the_model_wrote_it() -> None:
    source = 'A "quote", <b> and\n\n- a list'
    (button,) = [a for a in with_class(shown(turn(Answer((step(text=source),)))), "copy") if "data-source" in a]
    assert button["data-source"] == source


def test_the_totals_count_all_answers_and_admit_an_unknown_price() -> None:
    paid, unknown = Answer((step(cost_usd=0.5),)), Answer((step(cost_usd=None),))
    assert "30 tokens" in panels.usage(Transcript(turns=(turn(paid, unknown),)))
    assert "$0.50 or more" in panels.usage(Transcript(turns=(turn(paid, unknown),)))
    assert "free" in panels.usage(Transcript(turns=(turn(Answer((step(),))),)))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.tokens(999), "999"),
        (words.tokens(1_000), "1k"),
        (words.tokens(12_340), "12.3k"),
        (words.tokens(128_000), "128k"),
        (words.tokens(999_999), "1M"),
        (words.tokens(1_250_000), "1.2M"),
        (words.money(0), "free"),
        (words.money(0.00001), "<$0.0001"),
        (words.money(12.5), "$12.50"),
        (words.duration(80), "80 ms"),
        (words.duration(1_940), "1.9 s"),
        (words.duration(59_970), "1 min 0 s"),
        (words.duration(125_000), "2 min 5 s"),
        (words.count(1, "image"), "1 image"),
        (words.count(2, "image"), "2 images"),
    ],
)
def test_numbers_are_said_as_people_read_them(said: str, expected: str) -> None:
    assert said == expected

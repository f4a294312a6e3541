"""The inspector: exactly what was sent, in a tree, in words, and as a command without a key."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from aether.lowering import Omission
from aether.receipts import WireRecord
from aether.transcript import Answer, Origin, Step, Text, Transcript, Turn
from aether.ui import inspector
from aether.usage import Usage

ORIGIN = Origin("openai-chat", "http://peer.test/v1", "a1", "m")
STEP = Step("a", "m", ORIGIN, (Text("hello"),), reported_model="m-2026", usage=Usage(3, 4), at=5.0)
TURN = Turn((Text("q"),), (Answer((STEP,)), Answer((replace(STEP, at=6.0),))))
BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "it's <b>$HOME</b>\nEND\n`x`"}]}
RECORD = WireRecord(
    0, "a/m", BODY, 5.0, protocol="openai-chat", url="http://127.0.0.1:1/v1/x y", key_name="A_KEY", messages=1
)


def test_the_newest_request_comes_first_and_is_unfolded_alone() -> None:
    newer = replace(RECORD, turn=1, reference="b/new")
    markup = inspector.show([RECORD, newer], Transcript("s", (TURN,)))
    assert markup.index("b/new") < markup.index("a/m")
    assert markup.count('class="record" open') == 1
    assert "&lt;b&gt;$HOME" in markup and "<b>$HOME" not in markup


def test_it_says_in_words_what_was_left_out_and_in_outline_what_came_back() -> None:
    record = replace(RECORD, omissions=(Omission("image", 2, "it cannot see"),), notes=("Asked twice.",))
    markup = inspector.show([record], Transcript("s", (TURN,)))
    for words in (
        "Not shown: 2 images (it cannot see)",
        "never sent: 1",
        "Asked twice.",
        "m-2026",
        "text, 5 characters",
    ):
        assert words in markup
    assert "The whole conversation is in this request. Messages: 1." in inspector.show([RECORD], Transcript("s"))


@pytest.mark.parametrize("protocol", ["openai-chat", "anthropic-messages", "openai-responses"])
def test_the_command_holds_the_name_of_the_key_and_a_shell_reads_it_back(protocol: str) -> None:
    command = inspector.curl(replace(RECORD, protocol=protocol))
    assert "$A_KEY" in command
    told = subprocess.run(
        ["bash", "-c", f'curl() {{ printf "%s\\n" "$@"; cat; }}; A_KEY=sk-1; {command}'],
        capture_output=True, text=True, check=True, timeout=20,
    ).stdout  # fmt: skip
    *arguments, body = told.strip().split("\n")
    assert json.loads(body) == BODY
    assert arguments[1] == "http://127.0.0.1:1/v1/x y"
    assert any(line.endswith("sk-1") for line in arguments)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no shell")
def test_a_variable_of_a_bad_name_cannot_act() -> None:
    command = inspector.curl(replace(RECORD, key_name='A"; touch /tmp/x; "'))
    assert '"Authorization: Bearer $Atouchtmpx"' in command


def test_a_huge_body_is_cut() -> None:
    huge = replace(RECORD, body={"messages": [{"content": "x" * 50_000, "n": n} for n in range(2_000)]})
    markup = inspector.show([huge] * 8, Transcript("s"))
    assert "and more" in markup
    assert len(markup) < 12_000_000
    assert "curl" not in markup

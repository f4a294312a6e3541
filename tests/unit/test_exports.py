"""Exports come back equal, marked as imported, and what is no conversation is refused in a sentence."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image as Pictures

from aether import branches, exports
from aether.bounds import FILE_BYTES, UNPACKED_BYTES
from aether.exports import files, markdown, natives
from aether.lowering.text import sound
from aether.transcript import (
    Answer,
    Blob,
    File,
    Image,
    Origin,
    Step,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    TranscriptError,
    Turn,
)
from tests.wire.targets import Talk
from tests.wire.test_properties import messy

ORIGIN = Origin("openai-chat", "http://peer.test/v1", "a1", "m")
SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def small() -> Transcript:
    call = ToolCall("c1", "calculate", '{"expression": "6*7"}')
    result = ToolResult("c1", "calculate", (Text("42"),))
    steps = (
        Step("p", "m", ORIGIN, (Text("Let me see."), call), (result,), stop="tool"),
        Step("p", "m", ORIGIN, (Text("It is **42**."),)),
    )
    turn = Turn((Text("What is 6*7?"),), (Answer(steps), Answer((Step("q", "n", ORIGIN, (Text("41"),)),))), at=1.0)
    return branches.fork(Transcript("s", (turn, Turn((Text("next"),)))), 1, Turn((Text("other"),), at=2.0))


@st.composite
def branched(draw: st.DrawFn) -> Transcript:
    talk: Talk = draw(messy())
    transcript = talk.transcript
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(transcript.turns)))
        transcript = branches.fork(transcript, at, Turn((Text(draw(st.text(max_size=5))),), at=float(at)))
    return transcript


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(branched())
def test_json_and_notebook_come_back_equal_and_the_notebook_is_valid(transcript: Transcript) -> None:
    whole = natives.without_accounts(Transcript.from_dict(json.loads(sound(transcript.to_json()))))
    for kind in ("json", "ipynb"):
        written = exports.document(transcript, kind)
        read = exports.read(written.name, written.data)
        assert read.conversations == (files.rebuilt(exports.mark_imported(whole), {}),)  # no bytes came along
        assert read.notes == ()
        again = exports.document(read.conversations[0], kind)
        assert exports.read(again.name, again.data).conversations == read.conversations
    nbformat.validate(nbformat.reads(written.data.decode(), as_version=4))


@settings(deadline=None)
@given(st.text(st.sampled_from("<>`~ \n\tab/!-*[](){}&$\\"), max_size=60))
def test_no_html_of_a_model_lives_in_markdown(words: str) -> None:
    for token in MarkdownIt("commonmark").parse(markdown.plain(words)):
        assert token.type != "html_block"
        assert not any(child.type == "html_inline" for child in token.children or ())


def test_code_keeps_its_tags_in_markdown() -> None:
    said = "Use `<b>`, not <b>:\n\n```html\n<b>x</b>\n```"
    assert markdown.plain(said) == "Use `<b>`, not &lt;b>:\n\n```html\n<b>x</b>\n```"


def test_a_notebook_has_a_cell_for_each_prompt_answer_and_tool_call() -> None:
    cells = json.loads(exports.document(small(), "ipynb").data)["cells"]
    kinds = [c["metadata"]["aether"]["kind"] for c in cells]
    assert kinds == ["title", "prompt", "answer", "tool", "answer", "answer", "prompt", "branch", "prompt"]
    tool = cells[3]
    assert tool["outputs"][0]["text"] == "42"
    assert all(line.startswith("# ") for line in tool["source"].splitlines())
    assert cells[2]["metadata"]["aether"]["stamp"][0]["model"] == "m"
    assert [c["metadata"]["aether"].get("chosen") for c in cells[2:6]] == [True, None, True, False]


def test_a_tool_call_of_a_model_cannot_run_in_jupyter() -> None:
    call = ToolCall("c", "x\nimport os", "{}\r\nos.system('x')\n%rm")
    turn = Turn((Text("q"),), (Answer((Step("p", "m", ORIGIN, (call,)),)),))
    cells = json.loads(exports.document(Transcript("s", (turn,)), "ipynb").data)["cells"]
    source = next(c["source"] for c in cells if c["cell_type"] == "code")
    assert compile(source, "cell", "exec").co_consts == (None,)


def test_markdown_tells_all_answers_and_branches() -> None:
    told = exports.document(small(), "md").data.decode()
    for words in ("What is 6*7?", "`p/m`", "`q/n`", "It is **42**.", "41", "Branch 1: from [2] on", "next", "other"):
        assert words in told


def test_cells_changed_in_jupyter_are_told_and_not_silently_lost() -> None:
    held = json.loads(exports.document(small(), "ipynb").data)
    held["cells"][2]["source"] = "changed"
    read = exports.read("x.ipynb", json.dumps(held).encode())
    assert read.conversations == (exports.mark_imported(natives.without_accounts(small())),)
    assert "changed outside" in read.notes[0]


def test_the_user_and_password_of_an_address_are_left_out() -> None:
    origin = Origin("openai-chat", "http://me:hunter2@peer.test/v1", "a1", "m")
    turn = Turn((Text("q"),), (Answer((Step("p", "m", origin, (Text("a"),)),)),))
    for kind in exports.FORMATS:
        assert b"hunter2" not in exports.document(Transcript("s", (turn,)), kind).data


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(branched())
def test_the_form_that_is_made_turn_by_turn_is_the_whole_one(transcript: Transcript) -> None:
    whole = replace(transcript, beside=tuple(s for t in transcript.turns for a in t.answers for s in a.steps))
    form, expected = exports.portable(whole), natives.without_accounts(whole).to_dict()
    assert json.dumps(form) == json.dumps(expected)


def drawn() -> bytes:
    out = io.BytesIO()
    Pictures.new("RGB", (3, 2), "red").save(out, "PNG")
    return out.getvalue()


def as_carried(talk: Transcript, picture: bytes) -> Transcript:
    """Return what comes back of `pictured`: what its bytes say, and no more than a name where there are none."""
    blob = Blob(sha256(picture).hexdigest(), "image/png", "a.png", len(picture), 3, 2)
    return files.rebuilt(exports.mark_imported(natives.without_accounts(talk)), {blob.sha256: Image(blob)})


def pictured(data: bytes) -> Transcript:
    blob = Blob(sha256(data).hexdigest(), "image/png", "a.png", len(data))
    shown = ToolResult("c", "look", (Image(blob), File(replace(blob, sha256="f" * 64))))
    step = Step("p", "m", ORIGIN, (ToolCall("c", "look", "{}"),), (shown,), stop="tool")
    return Transcript("s", (Turn((Image(blob), Text("see")), (Answer((step,)),)),))


@pytest.mark.parametrize("kind", ["json", "ipynb"])
def test_pictures_go_along_and_come_back_byte_for_byte(kind: exports.Format) -> None:
    picture = drawn()
    talk = pictured(picture)
    kept = {sha256(picture).hexdigest(): picture}
    written = exports.document(talk, kind, read_blob=lambda blob: kept[blob.sha256])
    read = exports.read(written.name, written.data)
    assert (read.conversations, read.files, read.notes) == ((as_carried(talk, picture),), (picture,), ())
    assert exports.read(written.name, exports.document(talk, kind).data).files == ()
    nbformat.validate(nbformat.reads(exports.document(talk, "ipynb").data.decode(), as_version=4))


@pytest.mark.parametrize(
    "carried", [3, [], {"x": 3}, {"x": "????"}, {"f" * 64: "AAAA"}, {sha256(b"other").hexdigest(): "b3RoZXI="}]
)
def test_bytes_that_are_not_what_they_are_called_stay_outside(carried: object) -> None:
    held = pictured(b"one").to_dict() | {"files": carried}
    assert exports.read("x.json", json.dumps(held).encode()).files == ()


def test_only_as_much_goes_out_as_can_come_back() -> None:
    data = b"x" * (files.MOST // 2 + 1)
    one, other = pictured(data), pictured(data + b"y")
    both = Transcript("s", one.turns + other.turns)
    kept = {sha256(d).hexdigest(): d for d in (data, data + b"y")}
    written = exports.document(both, "json", read_blob=lambda blob: kept[blob.sha256])
    assert exports.read("x.json", written.data).files == (data,)
    assert len(written.data) < 10_000_000


def packed(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)
    return out.getvalue()


JSON = exports.document(small(), "json").data
NOTEBOOK = exports.document(small(), "ipynb").data
RESULT = b'{"call_id":"c","name":"n","parts":[],"kind":"tool_result"},{"text":"next"'
HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "binary": lambda: bytes(range(256)),
    "cut": lambda: JSON[:-20],
    "cut notebook": lambda: NOTEBOOK[: len(NOTEBOOK) // 2],
    "deep": lambda: b'{"turns": ' + b"[" * 200_000,
    "null": lambda: b"null",
    "number": lambda: b"3",
    "list": lambda: b"[1, null, []]",
    "nan": lambda: JSON.replace(b'"at":1.0', b'"at":NaN'),
    "infinite": lambda: JSON.replace(b'"at":1.0', b'"at":1e999'),
    "surrogate": lambda: JSON.replace(b"What is", b"\\ud800"),
    "wrong type": lambda: JSON.replace(b'"prompt":[', b'"prompt":3,"x":['),
    "newer": lambda: JSON.replace(b'"version":3', b'"version":99'),
    "foreign notebook": lambda: b'{"nbformat": 4, "cells": [], "metadata": {}}',
    "odd notebook": lambda: b'{"nbformat": 4, "cells": 3, "metadata": {"aether": {"transcript": []}}}',
    "zip of nothing": lambda: packed("x.txt", b"x"),
    "cut zip": lambda: packed("conversations.json", JSON)[:-30],
    "zip bomb": lambda: packed("conversations.json", b" " * (UNPACKED_BYTES + 10)),
    "huge": lambda: b" " * (FILE_BYTES + 1),
    "odd chatgpt": lambda: b'[{"mapping": {"a": {"parent": "a", "message": 3}, "b": 7}, "current_node": "a"}]',
    "odd claude": lambda: b'[{"chat_messages": [{"sender": 3, "text": []}, 5]}]',
    "a tool result as a prompt": lambda: JSON.replace(b'"prompt":[{"text":"next"', b'"prompt":[' + RESULT),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_in_one_sentence(what: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        exports.read("../<script>.json", HOSTILE[what]())
    assert caught.value.sentence.endswith("Nothing was changed.")
    assert len(caught.value.sentence) < 200
    assert "\n" not in caught.value.sentence


def node(name: str, parent: str | None, role: str, words: str, at: float) -> dict[str, Any]:
    message = {
        "author": {"role": role},
        "content": {"content_type": "text", "parts": [words]},
        "create_time": at,
        "metadata": {"model_slug": "gpt-5"} if role == "assistant" else {},
    }
    return {"id": name, "parent": parent, "children": [], "message": message}


def test_a_chatgpt_export_becomes_notebooks_with_its_branches() -> None:
    nodes = [
        {"id": "root", "parent": None, "children": ["a"], "message": None},
        node("a", "root", "user", "hello", 10.0),
        node("b", "a", "assistant", "hi", 11.0),
        node("c", "b", "user", "first try", 12.0),
        node("d", "c", "assistant", "first answer", 13.0),
        node("e", "b", "user", "second try", 14.0),
        node("f", "e", "assistant", "second answer", 15.0),
    ]
    talk = {"title": "T", "mapping": {n["id"]: n for n in nodes}, "current_node": "f"}
    older = {"title": "old", "mapping": {"a": node("a", None, "user", "old", 1.0)}, "current_node": "a"}
    data = packed("export/conversations.json", json.dumps([older, talk]).encode())
    read = exports.read("chatgpt.zip", data)
    newest = read.conversations[0]
    assert [t.text for t in newest.turns] == ["hello", "second try"]
    assert [a.text for t in newest.turns for a in t.answers] == ["hi", "second answer"]
    assert newest.turns[0].answers[0].steps[0].reference == "chatgpt/gpt-5"
    assert [[t.text for t in b.turns] for b in newest.branches] == [["first try"]]
    assert branches.siblings(newest, 1) == [0]
    assert "2 conversations" in " ".join(read.notes)


def test_a_claude_export_becomes_a_notebook() -> None:
    messages = [
        {"sender": "human", "text": "hi", "content": [{"type": "text", "text": "hi"}],
         "created_at": "2026-01-02T03:04:05Z", "attachments": [{"file_name": "a.txt", "extracted_content": "inside"}]},
        {"sender": "assistant", "text": "hello", "content": [{"type": "text", "text": "hello"}]},
        {"sender": "human", "text": "bye"},
    ]  # fmt: skip
    talk = exports.read("c.json", json.dumps([{"name": "n", "chat_messages": messages}]).encode()).conversations[0]
    assert [t.text for t in talk.turns] == ["inside\n\nhi", "bye"]
    assert talk.turns[0].answer
    assert talk.turns[0].answer.text == "hello"
    assert talk.turns[0].at > 1.7e9


JUPYTER = Path(__file__).parent.parent.parent / ".venv-jupyter" / "bin" / "python"
NBCONVERT = str(JUPYTER) if JUPYTER.exists() else sys.executable if importlib.util.find_spec("nbconvert") else ""


@pytest.mark.skipif(not NBCONVERT, reason="nbconvert is not installed: `make jupyter` brings it")
def test_exported_notebooks_become_pages_in_nbconvert(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script> `x` **b** $\\frac{1}{2}$ 🔥"
    said = Answer((Step("p", "m", ORIGIN, (Text(hostile), ToolCall("c", "t", hostile), Text("")), ()),))
    talks = {"small": small(), "hostile": Transcript("s", (Turn((Text(hostile),), (said,)),)), "empty": Transcript("s")}
    for name, talk in talks.items():
        (tmp_path / f"{name}.ipynb").write_bytes(exports.document(talk, "ipynb").data)
    paths = [str(tmp_path / f"{name}.ipynb") for name in talks]
    subprocess.run([NBCONVERT, "-m", "nbconvert", "--to", "html", *paths], check=True, timeout=100, capture_output=True)
    assert "What is 6*7?" in (tmp_path / "small.html").read_text()
    assert "42" in (tmp_path / "small.html").read_text()
    assert "<script>alert(1)" not in (tmp_path / "hostile.html").read_text()


@pytest.mark.parametrize(
    "slow", ["[" * 3_000, "`" * 20_000 + "<b>", "a " * 60_000, " ".join("`" * n for n in range(400))]
)
def test_a_text_that_was_made_to_take_long_is_escaped_unread(slow: str) -> None:
    assert "<b>" not in markdown.plain(f"{slow}<b>")
    assert "<i>" not in markdown.plain(f"<i>{slow}")

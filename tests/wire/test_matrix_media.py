"""The swap matrix, I and P: images and files where they are taken, and settings that the target knows."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pictures

from aether.attachments import Attachments
from aether.bounds import PICTURE_EDGE_PIXELS as LONGEST_EDGE
from aether.catalog.file import Provider
from aether.catalog.live import models_of
from aether.profile import DEFAULTS
from aether.store.blobs import Blobs
from aether.transcript import Blob, File, Image, Text, ToolResult
from aether.wire import WIRES
from tests.scripted.reply import Call
from tests.wire.matrix import each, every
from tests.wire.targets import (
    ANTHROPIC,
    BY_NAME,
    CHAT,
    JSON,
    PEERS,
    PNG,
    RESPONSES,
    Peer,
    Talk,
    blocks,
    foreign_step,
    items,
    picture,
    shown,
    strings,
)

SEEING = tuple(p for p in PEERS if p.profile.vision)
BLIND = tuple(p for p in PEERS if not p.profile.vision)
READING = tuple(p for p in PEERS if p.profile.files)
UNREADING = tuple(p for p in PEERS if not p.profile.files)
CAMERA = Call(name="read_file", arguments='{"path":"cat.png"}')
BASE64 = base64.b64encode(PNG).decode()


def pictures(body: JSON) -> list[JSON]:
    """Return every image of a body, wherever it stands."""
    found: list[JSON] = []
    stack: list[Any] = [items(body)]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            found += [value] if value.get("type") in ("image", "image_url", "input_image") else []
            stack += value.values()
        elif isinstance(value, list):
            stack += value
    return found


@every(targets=BLIND)
def test_I1_a_blind_model_gets_a_placeholder_and_the_picture_stays(source: Peer, target: Peer) -> None:
    talk = Talk().user(picture(), "what is this?").says(source.name, "A cat.").user("sure?")
    body = talk.clean(target.name)
    assert not pictures(body)
    assert '[image "cat.png" 1024×768 not shown: this model cannot see images]' in shown(body)
    assert [(o.kind, o.count) for o in target.view(talk.transcript).omissions if o.kind == "image"] == [("image", 1)]
    assert pictures(talk.clean("anthropic-new")), "a model that sees gets it back"


@every(targets=SEEING)
def test_I2_a_picture_in_a_result_stands_where_the_target_takes_it(source: Peer, target: Peer) -> None:
    talk = Talk().user("look").says(source.name, "", calls=[CAMERA, CAMERA])
    first, second = talk.turn.answers[0].steps[0].calls
    shot = ToolResult(first.id, first.name, (Text("taken"), picture()))
    body = talk.answered(shot, ToolResult(second.id, second.name, (Text("no more"),))).clean(target.name)
    assert len(pictures(body)) == 1
    assert "taken" in shown(body) and "no more" in shown(body)
    if target.protocol == "openai-chat":
        assert all(isinstance(m["content"], str) for m in items(body) if m["role"] == "tool")
        assert [m["role"] for m in items(body) if m["role"] in ("tool", "user")][-1] == "user"


@every(targets=SEEING)
def test_I3_a_picture_of_the_assistant_is_shown_by_the_user(source: Peer, target: Peer) -> None:
    step = replace(foreign_step(Text("Here it is."), picture("made.png")), origin=source.origin)
    body = Talk().user("draw").step(step).user("bluer").clean(target.name)
    assert len(pictures(body)) == 1
    assert "[made by the assistant:]" in shown(body)
    assert not pictures({"messages": [m for m in items(body) if m.get("role") == "assistant"]})


@every(targets=SEEING)
def test_I4_only_kinds_that_every_service_takes_are_sent(source: Peer, target: Peer) -> None:
    talk = Talk().user(picture(), Image(Blob("png", "image/bmp", "old.bmp", 40, 10, 10)), "look")
    body = talk.says(source.name, "Two.").user("and?").clean(target.name)
    assert len(pictures(body)) == 1
    assert 'image "old.bmp" 10×10 not shown' in shown(body)


@each(targets=SEEING)
def test_I4_what_is_handed_in_is_sniffed_and_converted(target: Peer) -> None:
    with tempfile.TemporaryDirectory() as folder:
        blobs = Blobs(Path(folder))
        bitmap = io.BytesIO()
        Pictures.new("RGB", (60, 40), "red").save(bitmap, "BMP")
        taken = Attachments(blobs).take("photo.jpg", bitmap.getvalue())
        assert isinstance(taken, Image) and taken.blob.mime == "image/jpeg"
        assert taken.original is not None and taken.original.mime == "image/bmp"
        talk = Talk().user(taken, "look")
        ask = replace(target.ask(), read_blob=blobs.read)
        body = WIRES[target.protocol].lower(target.view(talk.transcript), ask)
        assert target.check(body) == [] and target.refusals(body) == []
        assert len(pictures(body)) == 1


@every(targets=SEEING)
def test_I5_a_picture_that_is_too_large_is_not_sent(source: Peer, target: Peer) -> None:
    heavy = Image(Blob("png", "image/png", "heavy.png", 3_999_999, 100, 100))
    wide = Image(Blob("png", "image/png", "wide.png", 40, 9000, 10))
    body = Talk().user(heavy, wide, "look").says(source.name, "Hm.").user("and?").clean(target.name)
    assert not pictures(body)
    assert "heavy.png" in shown(body) and "wide.png" in shown(body)


def test_I5_what_is_handed_in_is_scaled_down(tmp_path: Path) -> None:
    large = io.BytesIO()
    Pictures.new("RGB", (4000, 1000), "blue").save(large, "PNG")
    taken = Attachments(Blobs(tmp_path)).take("wide.png", large.getvalue())
    assert isinstance(taken, Image)
    assert (taken.blob.width, taken.blob.height) == (LONGEST_EDGE, LONGEST_EDGE // 4)
    assert taken.original is not None and taken.original.width == 4000


@every(targets=SEEING)
def test_I6_pictures_are_sent_as_bytes_and_never_by_address(source: Peer, target: Peer) -> None:
    gone = Image(Blob("gone", "image/png", "gone.png", 40, 10, 10))
    body = Talk().user(picture(), gone, "look").says(source.name, "Hm.").user("and?").clean(target.name)
    assert [s for s in strings(pictures(body)) if BASE64 in s]
    assert not [s for s in strings(items(body)) if s.startswith(("http://", "https://"))]
    assert "no longer stored" in shown(body)


@every(targets=READING)
def test_I7_a_pdf_goes_to_those_who_read_it(source: Peer, target: Peer) -> None:
    pdf = File(Blob("pdf", "application/pdf", "a.pdf", 25), "text of the pdf")
    body = Talk().user(pdf, "read").says(source.name, "Read.").user("and?").clean(target.name)
    assert "text of the pdf" not in shown(body)
    assert [s for s in json.dumps(items(body)).split('"') if s in ("document", "input_file", "file")]


@every(targets=UNREADING)
def test_I7_others_get_the_text_of_a_file_or_a_placeholder(source: Peer, target: Peer) -> None:
    pdf = File(Blob("pdf", "application/pdf", "a.pdf", 25), "text ``` of the pdf")
    scan = File(Blob("pdf", "application/pdf", "scan.pdf", 25))
    talk = Talk().user(pdf, scan, "read").says(source.name, "Read.").user("and?")
    body = talk.clean(target.name)
    assert '[text of the file "a.pdf"]\n````\ntext ``` of the pdf\n````' in shown(body)
    assert '[file "scan.pdf" not shown: this model cannot read this kind of file]' in shown(body)
    assert len([o for o in target.view(talk.transcript).omissions if o.kind == "file"]) == 2


@every(targets=ANTHROPIC)
def test_P1_the_bound_of_an_answer_is_always_given(source: Peer, target: Peer) -> None:
    body = Talk().user("hi").says(source.name, "Hello.").user("next").clean(target.name)
    assert body["max_tokens"] >= 1


BOUNDS = {"max_tokens", "max_completion_tokens", "max_output_tokens"}


@every()
def test_P2_one_key_bounds_the_answer(source: Peer, target: Peer) -> None:
    body = Talk().user("hi").says(source.name, "Hello.").user("next").clean(target.name, max_tokens=100)
    assert body.keys() & BOUNDS == {target.profile.max_tokens_key}


@every()
def test_P3_the_bound_stays_below_what_the_model_can_write(source: Peer, target: Peer) -> None:
    talk = Talk().user("hi").says(source.name, "Hello.").user("next")
    small = replace(target, quirks=target.quirks | {"max_output": 1000, "context_window": 5000})
    key = target.profile.max_tokens_key
    assert small.body(talk.transcript, max_tokens=64000)[key] == 1000
    assert small.body(talk.transcript, max_tokens=64000, needed_tokens=4700)[key] == 300
    assert small.body(talk.transcript, max_tokens=64000, needed_tokens=9000)[key] == 1


@every()
def test_P4_sampling_keys_are_those_that_the_target_takes(source: Peer, target: Peer) -> None:
    talk = Talk().user("hi").says(source.name, "Hello.").user("next")
    body = talk.clean(target.name, temperature=0.5, top_p=0.9)
    assert len(body.keys() & {"temperature", "top_p"}) == {"none": 0, "one": 1, "free": 2}[target.profile.sampling]
    assert not talk.clean(target.name).keys() & {"temperature", "top_p"}


EFFORTS = {"openai-chat": "reasoning_effort", "openai-responses": "reasoning.effort"}


@every()
def test_P5_effort_is_said_in_the_targets_own_words_or_not_at_all(source: Peer, target: Peer) -> None:
    talk = Talk().user("hi").says(source.name, "Hello.").user("next")
    assert not _efforts(
        replace(target, quirks=target.quirks | {"thinking": "none"}).body(talk.transcript, effort="high")
    )
    key = EFFORTS.get(target.protocol, "output_config.effort")
    knows = replace(
        target, quirks=target.quirks | {"effort_key": key, "efforts": ["low", "high"], "thinking": "adaptive"}
    )
    body = knows.body(talk.transcript, effort="high")
    assert "high" in strings(_efforts(body))
    assert knows.check(body, talk.transcript) == []
    assert "max" not in strings(_efforts(knows.body(talk.transcript, effort="max")))


def _efforts(body: JSON) -> JSON:
    return {k: body[k] for k in ("reasoning_effort", "reasoning", "output_config", "thinking") if k in body}


@each(targets=[BY_NAME["anthropic-thinks"]])
def test_P5_a_budget_is_no_less_than_the_service_takes_and_less_than_the_answer(target: Peer) -> None:
    talk = Talk().user("hi")
    for effort in ("minimal", "low", "medium", "high", "max"):
        for bound in (10, 1024, 1025, 4096, 64000):
            body = target.body(talk.transcript, effort=effort, max_tokens=bound, temperature=0.5)
            assert target.refusals(body) == []
            assert ("thinking" in body) == (bound > 1024)


KNOWN_KEYS = {
    "openai-chat": {"model", "messages", "stream", "stream_options", "tools", "tool_choice"},
    "openai-responses": {"model", "input", "instructions", "include", "store", "stream", "tools", "tool_choice"},
    "anthropic-messages": {"model", "messages", "system", "max_tokens", "stream", "tools", "tool_choice"},
}


@every()
def test_P6_nothing_relies_on_what_a_service_stores(source: Peer, target: Peer) -> None:
    body = Talk().user("hi").says(source.name, "Hello.", reasoning="hm").user("next").clean(target.name)
    assert body.keys() <= KNOWN_KEYS[target.protocol]
    assert not blocks(body, "item_reference")
    if target in RESPONSES:
        assert body["store"] is False


@every()
def test_P7_marks_for_the_cache_are_sent_to_those_who_take_them_and_never_stored(source: Peer, target: Peer) -> None:
    talk = Talk().user("hi").says(source.name, "Hello.").user("next")
    assert "cache_control" not in json.dumps(talk.clean(target.name))
    if target in ANTHROPIC:
        marking = replace(target, quirks=target.quirks | {"cache_marks": True})
        body = marking.body(talk.transcript)
        assert json.dumps(body).count("cache_control") == 3
        assert marking.check(body, talk.transcript) == [] and marking.refusals(body, talk.issuers[target.name]) == []
    assert "cache_control" not in talk.transcript.to_json()


LISTED: list[JSON] = [
    {"id": "a", "max_input_tokens": 200000, "max_tokens": 64000, "capabilities": {"image_input": {"supported": True}}},
    {"id": "b", "context_length": 131072, "architecture": {"input_modalities": ["text"]}},
    {"id": "c"},
]


@each()
def test_P8_a_live_list_tells_what_its_models_take(target: Peer) -> None:
    provider = Provider(
        name="x", label="X", protocol=target.protocol, base_url="https://x.test", profile=DEFAULTS[target.protocol]
    )
    first, second, third = models_of(provider, LISTED)
    assert (first.profile.context_window, first.profile.max_output, first.profile.vision) == (200000, 64000, True)
    assert (second.profile.context_window, second.profile.vision) == (131072, False)
    assert third.profile == DEFAULTS[target.protocol], "what is not told is asked for strictly"


@pytest.mark.parametrize("name", [p.name for p in CHAT])
def test_I3_a_blind_model_is_told_of_the_assistants_picture_too(name: str) -> None:
    talk = Talk().user("draw").step(foreign_step(Text("Here."), picture("made.png"))).user("bluer")
    assert "made.png" in shown(talk.clean(name)) or BY_NAME[name].profile.vision

"""Whatever a file holds: it is refused in a sentence, or what came in can be shown, exported and asked about."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aether import exports
from aether.store.blobs import Blobs
from aether.transcript import Transcript, TranscriptError
from aether.ui import exporting, panels, render, usage
from tests.swap.rig import Rig
from tests.unit.test_exports import drawn, pictured, small
from tests.wire.peers import ANTHROPIC, CHAT, RESPONSES

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
ODD: list[Any] = [
    *(None, True, -1, 0, 10**40, -(10**40), 1e308, 5e-324, 2**63, "", EVIL, "\ud800", "\x00", [], {}, [[]], {"a": 1}),
    *("x" * 100_000, "9" * 5000, json.loads("[" * 700 + "]" * 700), ["x"] * 1000),
]


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the places of a JSON value, as deep as a conversation goes."""
    if len(at) > 12:
        return [at]
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(p for key, held in inside for p in paths(held, (*at, key)))]


def put(value: Any, at: tuple[Any, ...], odd: Any) -> Any:
    if not at:
        return odd
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[at[0]] = put(value[at[0]], at[1:], odd)
    return changed


FORMS = [small().to_dict(), pictured(b"x").to_dict(), json.loads(exports.document(small(), "ipynb").data)]


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    value: Any = draw(st.sampled_from(FORMS))
    for _ in range(draw(st.integers(1, 3))):
        value = put(value, draw(st.sampled_from(paths(value)[:400])), draw(st.sampled_from(ODD)))
    return json.dumps(value).encode()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(hostile())
def test_a_hostile_file_is_refused_or_does_no_harm(data: bytes) -> None:
    try:
        talk = exports.read("x.json", data).conversations[0]
    except TranscriptError:
        return
    harmless(talk)


def harmless(talk: Transcript) -> None:
    """Do with a conversation all that is done with one."""
    shown = [m["content"][0]["text"] for m in render.messages(talk)]
    for markup in (*shown, usage.show(talk), panels.usage(talk)):
        assert not re.search(r"<script|<img src=x|onerror=alert\(1\)>", markup)
    for kind in exports.FORMATS:
        assert exports.document(talk, kind).data
    assert Transcript.from_dict(talk.to_dict()) == talk
    for peer in (ANTHROPIC[0], CHAT[0], RESPONSES[0]):
        assert peer.body(talk)


async def test_a_file_that_is_gone_or_that_there_is_no_room_for_changes_nothing(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    runtime, picture = rig.runtime(), drawn()
    before = runtime.transcript
    with pytest.raises(TranscriptError, match="There is no file"):
        await exporting.load(runtime, str(tmp_path / "gone.json"), Blobs(tmp_path / "blobs"))
    written = exports.document(pictured(picture), "json", read_blob=lambda _: picture)
    (tmp_path / written.name).write_bytes(written.data)
    (tmp_path / "in the way").touch()
    with pytest.raises(TranscriptError, match="There is no room"):
        await exporting.load(runtime, str(tmp_path / written.name), Blobs(tmp_path / "in the way"))
    assert runtime.transcript is before
    await exporting.load(runtime, str(tmp_path / written.name), Blobs(tmp_path / "blobs"))
    assert len(runtime.transcript.turns) == 1

"""Recorded answers of real providers, served again over HTTP, byte for byte."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.replay import Recording, byte_by_byte, cut_at, load, recordings
from tests.scripted import ScriptedProvider
from tests.scripted.clients import Connect, body_of, post

ALL = recordings()
SMALL = min((r for r in ALL if r.kind == "stream"), key=lambda r: len(r.response))


def served(server: ScriptedProvider, recording: Recording, chunks: tuple[int, ...] = ()) -> httpx2.Response:
    server.replay(recording, chunks=chunks)
    body = body_of(recording.protocol, "recorded", stream=recording.kind == "stream")
    return post(server, recording.protocol, body)


def test_the_recordings_are_read_whole(recordings_dir: Path) -> None:
    assert len(ALL) == len(list(recordings_dir.glob("*.json"))) > 200
    assert {r.kind for r in ALL} == {"stream", "json", "error"}
    assert load(recordings_dir / f"{SMALL.name}.json") == SMALL


def test_recordings_are_chosen_by_protocol_and_kind() -> None:
    chosen = recordings(protocol="anthropic-messages", kind="stream")
    assert chosen
    assert {(r.protocol, r.kind) for r in chosen} == {("anthropic-messages", "stream")}


def test_every_recording_is_served_as_it_was_recorded(scripted: ScriptedProvider) -> None:
    for recording in ALL:
        response = served(scripted, recording)
        assert (response.status_code, response.text) == (recording.status, recording.response)
        assert response.headers["content-type"] == recording.content_type


def test_a_body_can_be_cut_anywhere(scripted: ScriptedProvider) -> None:
    whole = SMALL.response.encode()
    for position in range(1, len(whole), 97):
        scripted.replay(SMALL, chunks=cut_at(position))
        body = body_of(SMALL.protocol, "recorded", stream=True)
        with httpx2.stream("POST", scripted.url + "/v1/" + SMALL_PATH, json=body, headers=HEADERS) as response:
            assert list(response.iter_raw()) == [whole[:position], whole[position:]]


SMALL_PATH = {"openai-chat": "chat/completions", "openai-responses": "responses"}.get(SMALL.protocol, "messages")
TEXTS = ('"delta":{"content":"', "response.output_text.delta", "text_delta")
"""What a stream with text in it holds, in each of the protocols."""
HEADERS = {"anthropic-version": "2023-06-01"}


def test_a_body_can_come_byte_by_byte(scripted: ScriptedProvider) -> None:
    assert served(scripted, SMALL, byte_by_byte()).text == SMALL.response


@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses", "anthropic-messages"])
async def test_the_sdk_reads_a_replayed_stream_to_its_end(
    connect: Connect, scripted: ScriptedProvider, protocol: str
) -> None:
    recording = next(r for r in recordings(protocol=protocol, kind="stream") if any(m in r.response for m in TEXTS))
    scripted.replay(recording, chunks=(7,))
    assert await connect(protocol).text("recorded")


async def test_a_replayed_signature_counts_as_issued(scripted: ScriptedProvider) -> None:
    recording = next(r for r in ALL if r.name.endswith("test-anthropic-model-thinking-part.0"))
    answer = served(scripted, recording).json()
    history = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": answer["content"]}]
    body = body_of("anthropic-messages", "echo") | {"messages": [*history, {"role": "user", "content": "go on"}]}
    assert post(scripted, "anthropic-messages", body).status_code == 200
    body["messages"][1]["content"][0]["signature"] = "forged" * 8
    assert post(scripted, "anthropic-messages", body).status_code == 400

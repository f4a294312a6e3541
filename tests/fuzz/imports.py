"""Files that a conversation is read from: ours in every version, notebooks, ChatGPT's, Claude's, ZIPs."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from aether import exports
from aether.transcript import Transcript, TranscriptError
from tests.fuzz.door import Door, holds, sendable
from tests.fuzz.history import conversation
from tests.fuzz.odd import changed, dumps, garbled, text
from tests.wire.peers import PEERS, PNG

VERSIONS = Path(__file__).parent.parent / "store" / "versions"
JSON = dict[str, Any]


@cache
def _ours() -> tuple[str, ...]:
    """Return a small conversation in each form of ours."""
    stored = [(VERSIONS / f"{n}.json").read_text() for n in (1, 2)]
    found = Transcript.from_dict(json.loads(stored[1]))
    books = [exports.document(found, "ipynb").data.decode()]
    named = {"sha256": sha256(PNG).hexdigest(), "mime": "image/png", "name": "a.png", "size": len(PNG)}
    turns = [{"prompt": [{"kind": "image", "blob": named}]}]
    packed = {"version": 2, "turns": turns, "files": {named["sha256"]: b64encode(PNG).decode()}}
    return (*(s for s in stored if len(s) < 40_000), *books, json.dumps(packed))


def _chatgpt(rng: Random) -> JSON:
    names = [f"n{i}" for i in range(rng.randrange(1, 8))]
    mapping = {name: _node(rng, name, names, at) for at, name in enumerate(names)}
    return {"title": text(rng), "mapping": mapping, "current_node": rng.choice(names)}


def _node(rng: Random, name: str, names: list[str], at: int) -> JSON:
    content = {"content_type": rng.choice(("text", "text", "multimodal_text", "code")), "parts": [text(rng)]}
    author = {"role": rng.choice(("user", "assistant", "tool", "system"))}
    metadata = {"model_slug": rng.choice(("gpt-4", text(rng)))}
    message = {"author": author, "content": content, "create_time": rng.choice((1.0, None, 1e12)), "metadata": metadata}
    parent = names[at - 1] if at and rng.random() < 0.8 else rng.choice((None, *names))
    return {
        "id": name,
        "parent": parent,
        "children": names[at + 1 : at + 2],
        "message": rng.choice((message, message, None)),
    }


def _claude(rng: Random) -> JSON:
    messages = [
        {"sender": rng.choice(("human", "assistant")), "text": text(rng), "created_at": rng.choice(("2026-01-01T00:00:00Z", text(rng))),
         "content": [{"type": "text", "text": text(rng)}], "attachments": [{"extracted_content": text(rng)}]}
        for _ in range(rng.randrange(5))
    ]  # fmt: skip
    return {"name": text(rng), "chat_messages": messages, "created_at": "2026-01-01T00:00:00Z"}


def made(rng: Random) -> bytes:
    """Return a file."""
    match rng.randrange(8):
        case 0 | 1:
            held: Any = json.loads(rng.choice(_ours()))
        case 2 | 3:
            held = conversation(rng)
        case 4 | 5:
            held = [_chatgpt(rng) for _ in range(rng.choice((1, 1, 2)))]
        case _:
            held = [_claude(rng) for _ in range(rng.choice((1, 1, 2)))]
    data = dumps(changed(rng, held) if rng.random() < 0.7 else held).encode()
    if rng.random() < 0.15:
        data = _zipped(rng, data)
    return garbled(rng, data) if rng.random() < 0.15 else data


def _zipped(rng: Random, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))) as packed:
        for name in (
            rng.choice(("conversations.json", "a/conversations.json", "../conversations.json", "x.json")),
            "b.txt",
        ):
            packed.writestr(name, data if name.endswith("json") else b"b")
    return out.getvalue()


def read(data: bytes) -> None:
    """Import a file; hold that it is refused in a sentence, or comes in and can be kept, exported and asked about."""
    try:
        found = exports.read("a file.json", data)
    except TranscriptError as error:
        sendable(error.sentence, "a refusal")
        holds(len(error.sentence) < 600, "a refusal that is no sentence")
        return
    sendable(found.notes, "the notes")
    for transcript in found.conversations[:2]:
        sendable(transcript.to_dict(), "the conversation")
        peer = PEERS[len(data) % len(PEERS)]
        body = peer.body(transcript)
        sendable(body, "the request")
        refused = peer.check(body, transcript)
        holds(not refused, f"{peer.name} would refuse: {[str(v) for v in refused]}")


DOORS = (Door("imports", made, read, 25_000, 300),)

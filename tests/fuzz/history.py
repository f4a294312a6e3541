"""Conversations that went through everything: lowered to every profile, branched, cut, rendered, exported."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

from aether import branches, exports
from aether.errors import AetherError
from aether.notebook import Notebook
from aether.transcript import Transcript, TranscriptError
from aether.ui import panels, render, usage
from tests.fuzz.door import Door, holds, sendable
from tests.fuzz.markup import is_harmless
from tests.fuzz.odd import changed, dumps, text
from tests.wire.peers import PEERS

JSON = dict[str, Any]
IDS = ("", "call_0", "call_1", "functions.read_file:0", "a|b", "x" * 300, "tëst", "AbCdEf123")
ARGUMENTS = ("{}", "", "null", "[1]", '{"path": "a.txt"}', '{"path": "a', '{"a": NaN}', '{"a": "\\ud800"}', "[" * 300)
OPERATIONS = ("choose", "go_on_from", "walk", "delete", "undo", "delete", "walk", "go_on_from")


def blob(rng: Random) -> JSON:
    """Return bytes by name: some are there, some are gone, some lie about themselves."""
    return {
        "sha256": rng.choice(("png", "pdf", "text", "gone")),
        "mime": rng.choice(("image/png", "image/bmp", "application/pdf", "text/plain", text(rng))),
        "name": text(rng),
        "size": rng.choice((0, 40, 9_000_000, -1, 10**12)),
        "width": rng.choice((0, 10, 9000, 10**9)),
        "height": rng.choice((0, 10, 9000)),
    }


def part(rng: Random, kinds: tuple[str, ...]) -> JSON:
    """Return a part of one of the kinds."""
    kind = rng.choice(kinds)
    match kind:
        case "image":
            return {"kind": kind, "blob": blob(rng), "original": rng.choice((None, blob(rng)))}
        case "file":
            return {"kind": kind, "blob": blob(rng), "text": rng.choice((None, text(rng)))}
        case "tool_call":
            name = rng.choice(("read_file", "calculate", "no_such", text(rng)))
            return {"kind": kind, "id": rng.choice(IDS), "name": name, "arguments": rng.choice((*ARGUMENTS, text(rng)))}
        case _:
            return {"kind": kind, "text": text(rng)}


def step(rng: Random) -> JSON:
    """Return a step of one of the peers, or of nobody."""
    peer = rng.choice(PEERS)
    origin = {
        "protocol": peer.protocol,
        "base_url": peer.origin.base_url,
        "account": "a1b2c3",
        "model": peer.origin.model,
    }
    parts = [part(rng, ("text", "text", "reasoning", "tool_call", "refusal", "image")) for _ in range(rng.randrange(4))]
    results = [
        {"kind": "tool_result", "call_id": p["id"], "name": p["name"], "parts": [part(rng, ("text", "text", "image"))],
         "status": rng.choice(("ok", "error", "not_run"))}
        for p in parts if p["kind"] == "tool_call" and rng.random() < 0.8
    ]  # fmt: skip
    made: JSON = {"provider": peer.name, "model": origin["model"], "origin": origin, "parts": parts, "results": results}
    made["stop"] = rng.choice(("done", "tool", "length", "refusal", "stopped", "error", "unknown", "paused", "context"))
    if rng.random() < 0.2:
        made["notes"] = [text(rng)]
        made["usage"] = {"input": rng.choice((0, 100, 10**6)), "output": 5, "reasoning": rng.choice((0, 5))}
        made["cost_usd"] = rng.choice((None, 0.0, 0.01, 1e-9, 1e6))
    return made


def turn(rng: Random) -> JSON:
    """Return a turn with up to three answers."""
    answers: list[JSON] = []
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        answer: JSON = {"steps": [step(rng) for _ in range(rng.choice((0, 1, 1, 2)))], "stopped": rng.random() < 0.1}
        if rng.random() < 0.15:
            answer["failure"] = {"kind": rng.choice(("rate", "too_long", text(rng))), "message": text(rng)}
        answers.append(answer)
    prompt = [part(rng, ("text", "text", "text", "image", "file", "system_note")) for _ in range(rng.randrange(1, 3))]
    chosen = rng.randrange(len(answers)) if answers else 0
    return {"prompt": prompt, "answers": answers, "chosen": chosen, "at": rng.choice((0.0, 1.0, 1e9, 2e9))}


def conversation(rng: Random) -> JSON:
    """Return a conversation in its JSON form; one of ten is damaged somewhere."""
    turns = [turn(rng) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4)))]
    cuts: list[JSON] = []
    if len(turns) > 1 and rng.random() < 0.25:
        first = rng.randrange(len(turns))
        cuts.append({"first": first, "last": rng.randrange(first, len(turns)), "summary": text(rng), "author": ""})
    ways: list[JSON] = []
    if turns and rng.random() < 0.3:
        ways.append({"first": rng.randrange(len(turns) + 1), "turns": [turn(rng)], "cuts": []})
    system = rng.choice(("", "Be brief.", "You are {model} of {provider}. {other}", text(rng)))
    whole: JSON = {"version": rng.choice((1, 2, 2)), "system": system, "turns": turns, "cuts": cuts, "branches": ways}
    return changed(rng, whole) if rng.random() < 0.1 else whole


def made(rng: Random) -> bytes:
    """Return the JSON text of a conversation."""
    return dumps(conversation(rng)).encode()


def parsed(data: bytes) -> Transcript | None:
    """Return the conversation of an input, every other one as an import takes it; None for what is refused."""
    try:
        imported = len(data) % 2 == 0
        found = exports.read("x.json", data).conversations[0] if imported else _stored(data)
    except TranscriptError as error:
        sendable(error.sentence, "a refusal")
        return None
    sendable(found.to_dict(), "the conversation")
    return found


def _stored(data: bytes) -> Transcript:
    """Return the conversation of an input as one that grew here; raise TranscriptError for what no store could hold."""
    try:
        json.dumps(held := json.loads(data), ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise TranscriptError("No store can hold it.") from error
    return Transcript.from_dict(held)


def lower(data: bytes) -> None:
    """Lower a conversation for two peers; hold that neither would refuse the request."""
    found = parsed(data)
    if found is None:
        return
    number = len(data) + sum(data[:64])
    for peer in (PEERS[number % len(PEERS)], PEERS[(number // 7) % len(PEERS)]):
        body = peer.body(found, strict=number % 3 == 0)
        sendable(body, "the request")
        refused = peer.check(body, found)
        holds(not refused, f"{peer.name} would refuse: {[str(v) for v in refused]}")


def branch(data: bytes) -> None:
    """Do to a conversation what a person can do to its cells; hold that nothing is lost and all of it can be kept."""
    found = parsed(data)
    if found is None:
        return
    rng = Random(data)
    book = Notebook(found)
    for _ in range(rng.randrange(1, 7)):
        before = book.transcript
        kind = rng.choice(OPERATIONS)
        numbers = [rng.choice((0, 0, 1, 2, 3, -1, 10**9)) for _ in range(2)]
        arguments = {"choose": numbers, "undo": []}.get(kind, numbers[:1])
        try:
            getattr(book, kind)(*arguments)
        except AetherError:
            holds(book.transcript is before, "what was refused has changed something")
            continue
        if kind not in ("delete", "undo"):
            lost = [a for a in branches.answers(before) if a not in branches.answers(book.transcript)]
            holds(not lost, f"{kind} lost an answer")
        _sound(book.transcript)


def _sound(transcript: Transcript) -> None:
    again = Transcript.from_dict(json.loads(transcript.to_json()))
    holds(again == transcript, "it does not come back equal")
    for turns, cuts in branches.ways(transcript):
        holds(all(0 <= c.first <= c.last < max(1, len(turns)) for c in cuts), "a cut points nowhere")
        holds(all(a.first <= b.first for a, b in pairwise(cuts)), "cuts are out of order")


def show(data: bytes) -> None:
    """Render a conversation, the totals and the exports of it; hold that the markup is harmless."""
    found = parsed(data)
    if found is None:
        return
    for message in render.messages(found):
        is_harmless(message["content"][0]["text"])
    is_harmless(usage.show(found))
    is_harmless(panels.usage(found))
    for format in exports.FORMATS:
        written = exports.document(found, format)
        if format == "md":
            continue
        try:
            holds(exports.read(written.name, written.data).conversations, "an export does not come back")
        except TranscriptError as error:
            holds("more than" in str(error), f"an export does not come back: {error}")  # a bound of what may come in


DOORS = (
    Door("lowering", made, lower, 100_000, 400),
    Door("branches", made, branch, 30_000, 300),
    Door("rendering", made, show, 2_000, 150),
)

"""Exports of ChatGPT and Claude → conversations to go on with. Pure.

Both services send a list of conversations; one alone is taken as well. What is read are
texts, who said them, when, and how the conversation branched. Whatever else stands there
(pictures, tools, thoughts) is not in a form that could be handed on, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from aether.bounds import CONVERSATIONS_PER_IMPORT, TURNS
from aether.branches import fork
from aether.transcript import Answer, Origin, Step, Text, Transcript, TranscriptError, Turn

NOTE = "Texts were read; pictures, tools and thoughts of the other service were left out."
MOST_BRANCHES = 50
SERVICES = {"mapping": "chatgpt", "chat_messages": "claude"}
"""Which key of a conversation tells which service wrote it; the service stands in the stamps."""

JSON = dict[str, Any]
Said = tuple[str, str, str, float]
"""Who (`user`, `model`), what, which model, when."""


def newest(held: object) -> tuple[Transcript | None, int]:
    """Return the newest conversation of an export, and how many it holds; raise TranscriptError if that is too long.

    The others are looked at for their time alone.
    """
    entries = cast(list[object], held) if isinstance(held, list) else [held]
    best: tuple[float, list[list[Said]], str] = (-1.0, [], "")
    count = 0
    for entry in entries[:CONVERSATIONS_PER_IMPORT]:
        if not isinstance(entry, dict):
            continue
        talk = cast(JSON, entry)
        lines = _chatgpt(talk) if "mapping" in talk else _claude(talk) if "chat_messages" in talk else []
        count += bool(lines)
        at = max((said[3] for line in lines for said in line), default=-1.0)
        if lines and at > best[0]:
            best = at, lines, SERVICES["mapping" if "mapping" in talk else "chat_messages"]
    return _joined(best[1], best[2]), count


def _joined(lines: list[list[Said]], service: str) -> Transcript | None:
    """Return one conversation of several lines that begin alike; the last is the way it goes."""
    transcript: Transcript | None = None
    for line in lines[-MOST_BRANCHES:]:
        turns = _turns(line, service)
        if len(turns) > TURNS:
            raise TranscriptError(f"This conversation has more than {TURNS:,} turns.")
        transcript = fork(transcript, 0, *turns) if transcript else Transcript(turns=turns)
    return transcript if transcript and transcript.turns else None


def _turns(line: list[Said], service: str) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    for who, words, model, at in line:
        if who == "user" or not turns:
            prompt = (Text(words),) if who == "user" else ()
            turns.append(Turn(prompt, at=at))
        if who != "user":
            step = Step(service, model, Origin("", "", "", model), (Text(words),), at=at)
            last = turns[-1]
            steps = (*last.answers[0].steps, step) if last.answers else (step,)
            turns[-1] = Turn(last.prompt, (Answer(steps),), at=last.at)
    return tuple(turns)


def _claude(talk: JSON) -> list[list[Said]]:
    line: list[Said] = []
    for message in _dicts(talk.get("chat_messages")):
        blocks = [_word(b.get("text")) for b in _dicts(message.get("content")) if b.get("type") == "text"]
        files = [_word(f.get("extracted_content")) for f in _dicts(message.get("attachments"))]
        words = "\n\n".join(w for w in (*files, *blocks) if w.strip()) or _word(message.get("text"))
        who = "user" if message.get("sender") == "human" else "model"
        if words.strip():
            line.append((who, words, _word(talk.get("model")) or "claude", _time(message.get("created_at"))))
    return [line] if line else []


def _chatgpt(talk: JSON) -> list[list[Said]]:
    """Return every line from the root to a leaf, the current one last."""
    mapping = talk.get("mapping")
    nodes: dict[str, JSON] = (
        {str(k): cast(JSON, v) for k, v in cast(dict[object, object], mapping).items() if isinstance(v, dict)}
        if isinstance(mapping, dict)
        else {}
    )
    parents = {_word(node.get("parent")) for node in nodes.values()}
    current = _word(talk.get("current_node"))
    leaves = [n for n in nodes if n not in parents and n != current]
    lines = [list(_path(nodes, leaf)) for leaf in (*leaves[-MOST_BRANCHES:], current)]
    return [line for line in lines if line]


def _path(nodes: dict[str, JSON], leaf: str) -> Iterator[Said]:
    chain: list[JSON] = []
    seen: set[str] = set()
    while leaf in nodes and leaf not in seen:
        seen.add(leaf)
        chain.append(nodes[leaf])
        leaf = _word(nodes[leaf].get("parent"))
    for node in reversed(chain):
        message = _dict(node.get("message"))
        content = _dict(message.get("content"))
        parts = content.get("parts")
        words = (
            "\n\n".join(p for p in cast(list[object], parts) if isinstance(p, str)) if isinstance(parts, list) else ""
        )
        who = _dict(message.get("author")).get("role")
        hidden = _dict(message.get("metadata")).get("is_visually_hidden_from_conversation")
        if who in ("user", "assistant") and content.get("content_type") in ("text", "multimodal_text"):
            model = _word(_dict(message.get("metadata")).get("model_slug")) or "unknown"
            if words.strip() and not hidden:
                yield "user" if who == "user" else "model", words, model, _time(message.get("create_time"))


def _dicts(value: object) -> list[JSON]:
    return [cast(JSON, v) for v in cast(list[object], value) if isinstance(v, dict)] if isinstance(value, list) else []


def _dict(value: object) -> JSON:
    return cast(JSON, value) if isinstance(value, dict) else {}


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _time(value: object) -> float:
    """Return seconds since the epoch; 0 for what is no time."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 4e9:
        return float(value)
    try:
        return max(0.0, datetime.fromisoformat(_word(value)).timestamp())
    except (ValueError, OverflowError, OSError):
        return 0.0

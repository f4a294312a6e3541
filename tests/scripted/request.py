"""A request as the server understands it: who asks what, in which protocol.

It reads the bodies of the three protocols, and judges nothing; that is `strict/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from tests.scripted.ids import Issuer
from tests.scripted.reply import JSON
from tests.scripted.strict.rules import Strictness

Protocol = Literal["openai-chat", "openai-responses", "anthropic-messages"]
PATHS: dict[str, Protocol] = {
    "/v1/chat/completions": "openai-chat",
    "/v1/responses": "openai-responses",
    "/v1/messages": "anthropic-messages",
}


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request for an answer.

    `number` counts the requests to this server, `earlier` those for the same model before it.
    """

    protocol: Protocol
    body: JSON
    headers: dict[str, str]
    number: int
    earlier: int
    strictness: Strictness
    issuer: Issuer

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def streams(self) -> bool:
        return self.body.get("stream") is True

    @property
    def key(self) -> str:
        """Return the key that came along, or the empty string."""
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return self.headers.get("x-api-key") or bearer

    @property
    def words(self) -> int:
        """Count the words of everything that was sent to be read: the input tokens of this server."""
        read = {k: v for k, v in self.body.items() if k in SHOWN}
        return sum(len(s.split()) for s in strings(read))

    @property
    def offered(self) -> tuple[str, ...]:
        """Return the names of the tools on offer."""
        tools = cast(list[JSON], self.body.get("tools") or [])
        return tuple(str(t.get("function", t).get("name", "")) for t in tools)

    @property
    def user_text(self) -> str:
        """Return the last text of the user."""
        for item in reversed(self.items):
            if item.get("role") == "user" and (found := texts_of(item.get("content"))):
                return "\n".join(found)
        return ""

    @property
    def results(self) -> tuple[str, ...]:
        """Return the texts of the tool results that the request ends with; none if a user spoke after them."""
        found: list[str] = []
        for item in reversed(self.items):
            here = results_in(item)
            if not here:
                break
            found = here + found
        return tuple(found)

    @property
    def items(self) -> list[JSON]:
        """Return the messages, or the input items, as a list of objects."""
        given = self.body.get("input" if self.protocol == "openai-responses" else "messages")
        if isinstance(given, str):
            return [{"role": "user", "content": given}]
        return [cast(JSON, i) for i in cast(list[object], given)] if isinstance(given, list) else []


SHOWN = frozenset({"messages", "input", "system", "instructions", "tools"})
"""Keys of a body that hold what the model reads."""
UNREAD = frozenset(
    {"data", "signature", "encrypted_content", "image_url", "file_data", "url", "role", "type", "status"}
    | {"id", "call_id", "tool_call_id", "tool_use_id", "media_type", "detail"}
)
"""Keys inside them whose values are no text: bytes, ids, tags."""


def results_in(item: JSON) -> list[str]:
    """Return the texts of the tool results in one message or item; empty if it holds anything else."""
    if item.get("role") == "tool":
        return ["\n".join(texts_of(item.get("content")))]
    if item.get("type") == "function_call_output":
        return ["\n".join(texts_of(item.get("output")))]
    content = item.get("content")
    blocks = cast(list[JSON], content) if isinstance(content, list) else []
    if not blocks or any(b.get("type") != "tool_result" for b in blocks):
        return []
    return ["\n".join(texts_of(b.get("content"))) for b in blocks]


def texts_of(content: object) -> list[str]:
    """Return the texts in a content, be it a string or a list of parts."""
    if isinstance(content, str):
        return [content] if content else []
    parts = cast(list[JSON], content) if isinstance(content, list) else []
    return [str(p["text"]) for p in parts if isinstance(p.get("text"), str)]


def strings(value: object) -> Iterator[str]:
    """Walk every string of a JSON value that a model would read; no base64 among them."""
    match value:
        case str():
            yield value
        case dict():
            for key, inner in cast(dict[str, Any], value).items():
                if key not in UNREAD:
                    yield from strings(inner)
        case list():
            for inner in cast(list[Any], value):
                yield from strings(inner)
        case _:
            return


def json_in(text: str) -> str:
    """Return the first JSON object that stands in a text, or `{}`."""
    for start, letter in enumerate(text):
        if letter == "{":
            try:
                _, length = json.JSONDecoder().raw_decode(text[start:])
            except ValueError:
                continue
            return text[start : start + length]
    return "{}"

"""Clients for the tests of the server itself: the SDK of each protocol, and bare posts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.scripted.server import ScriptedProvider

PROTOCOLS = ("openai-chat", "openai-responses", "anthropic-messages")
Connect = Callable[[str], "Client"]
"""Give a protocol, get a client of it; the fixture `connect` closes what it gave."""
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


def body_of(protocol: str, model: str, text: str = "hello there", **more: Any) -> dict[str, Any]:
    """Return the smallest body of a protocol that says one thing."""
    shown = [{"role": "user", "content": text}]
    match protocol:
        case "openai-chat":
            return {"model": model, "messages": shown, **more}
        case "openai-responses":
            return {"model": model, "input": shown, "store": False, **more}
        case _:
            return {"model": model, "messages": shown, "max_tokens": 100, **more}


def path_of(protocol: str) -> str:
    return {"openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses"}.get(protocol, "/v1/messages")


def headers_of(protocol: str, key: str) -> dict[str, str]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return headers | ({"anthropic-version": "2023-06-01"} if protocol == "anthropic-messages" else {})


def post(
    server: ScriptedProvider, protocol: str, body: dict[str, Any], *, prefix: str = "", key: str = "sk-test"
) -> httpx2.Response:
    """Post a body as it is, without an SDK in between."""
    url = server.url + prefix + path_of(protocol)
    return httpx2.post(url, json=body, headers=headers_of(protocol, key), timeout=10)


class Client:
    """The SDK of a protocol, pointed at the server: the text of an answer, whole or streamed."""

    def __init__(self, server: ScriptedProvider, protocol: str, *, strictness: str = "") -> None:
        self.protocol = protocol
        url = server.base_url(protocol, strictness=strictness)
        self.openai = openai.AsyncOpenAI(base_url=url, api_key="sk-test", max_retries=0)
        self.anthropic = anthropic.AsyncAnthropic(base_url=url, api_key="sk-test", max_retries=0)

    async def aclose(self) -> None:
        """Close the connections; without it they are torn down after their event loop."""
        await self.openai.close()
        await self.anthropic.close()

    async def whole(self, model: str, **more: Any) -> Any:
        body = body_of(self.protocol, model, **more)
        match self.protocol:
            case "openai-chat":
                return await self.openai.chat.completions.create(**body)
            case "openai-responses":
                return await self.openai.responses.create(**body)
            case _:
                return await self.anthropic.messages.create(**body)

    async def events(self, model: str, **more: Any) -> AsyncIterator[Any]:
        async for event in await self.whole(model, stream=True, **more):
            yield event

    async def text(self, model: str, **more: Any) -> str:
        return "".join([t async for t in self.texts(model, **more)])

    async def texts(self, model: str, **more: Any) -> AsyncIterator[str]:
        async for event in self.events(model, **more):
            if text := text_in(event):
                yield text


def text_in(event: Any) -> str:
    """Return the piece of text that a typed event of any of the SDKs carries."""
    if getattr(event, "choices", None):
        return event.choices[0].delta.content or ""
    if getattr(event, "type", "") == "response.output_text.delta":
        return event.delta
    if getattr(event, "type", "") == "content_block_delta" and event.delta.type == "text_delta":
        return event.delta.text
    return ""


def text_of(answer: Any) -> str:
    """Return the text of a whole answer of any of the SDKs."""
    if hasattr(answer, "choices"):
        return answer.choices[0].message.content
    return answer.output_text if hasattr(answer, "output_text") else answer.content[-1].text

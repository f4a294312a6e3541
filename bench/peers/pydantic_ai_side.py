"""The side of pydantic-ai: the history as its own messages, asked on with `Agent.run`. Runs in .venv-peers.

Reads numbers of cases, one a line, and says for each what came of it: null, or the error.
"""

from __future__ import annotations

import asyncio
import json
import sys

from pydantic_ai import Agent, BinaryContent
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from bench.peers.cases import CASES, Case, Said


def read_file(path: str) -> str:
    """Read a file."""
    return path


def agent_for(case: Case, url: str) -> Agent:
    """Return an agent on the model that is asked."""
    if case.target == "anthropic-messages":
        model = AnthropicModel("claude-sonnet-4-5", provider=AnthropicProvider(api_key="k", base_url=url))
    else:
        model = OpenAIChatModel("gpt-4o", provider=OpenAIProvider(api_key="k", base_url=url + "/v1"))
    return Agent(model, tools=[read_file] if case.tools else [])


def messages(history: tuple[Said, ...]) -> list[ModelMessage]:
    """Return the history as pydantic-ai keeps one: what a model said, and between that all that it was told."""
    made: list[ModelMessage] = []
    for said in history:
        if said.role == "assistant":
            made.append(_response(said))
            continue
        if not made or not isinstance(made[-1], ModelRequest):
            made.append(ModelRequest(parts=[]))
        made[-1].parts.append(_told(said))
    return made


def _response(said: Said) -> ModelResponse:
    issuer = "anthropic" if said.signature else "openai"
    parts = []
    if said.reasoning:
        parts.append(ThinkingPart(said.reasoning, signature=said.signature or None, provider_name=issuer))
    if said.text or not said.calls:
        parts.append(TextPart(said.text))
    parts += [ToolCallPart(c.name, c.arguments, c.id) for c in said.calls]
    return ModelResponse(parts=parts, model_name="other", provider_name=issuer)


def _told(said: Said) -> SystemPromptPart | UserPromptPart | ToolReturnPart:
    match said.role:
        case "system":
            return SystemPromptPart(said.text)
        case "tool":
            return ToolReturnPart(said.tool, said.text, said.answers)
        case _ if said.picture:
            return UserPromptPart([said.text, BinaryContent(said.picture, media_type="image/bmp")])
        case _:
            return UserPromptPart(said.text)


async def ask(case: Case, url: str) -> None:
    """Send the request that pydantic-ai makes of the case."""
    await agent_for(case, url).run(case.last, message_history=messages(case.history))


def main() -> None:
    for line in sys.stdin:
        try:
            asyncio.run(ask(CASES[int(line)], sys.argv[1]))
            print("null", flush=True)
        except Exception as error:
            print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)


if __name__ == "__main__":
    main()

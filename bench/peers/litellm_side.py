"""The side of litellm: the history as OpenAI messages, asked on with `completion`. Runs in .venv-peers.

Reads numbers of cases, one a line, and says for each what came of it: null, or the error.
A second argument, `modify_params`, lets litellm change messages so that they become valid.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = (
    "True"  # its list of prices is of no use here, and the network is not needed
)

import litellm

from bench.peers.cases import CASES, Case, Said

PARAMETERS = {"type": "object", "properties": {"path": {"type": "string"}}}
TOOLS = [
    {"type": "function", "function": {"name": "read_file", "description": "Read a file.", "parameters": PARAMETERS}}
]


def messages(case: Case) -> list[dict[str, Any]]:
    """Return the history in the form of OpenAI, as litellm's own answers have it."""
    return [*(_message(said) for said in case.history), {"role": "user", "content": case.last}]


def _message(said: Said) -> dict[str, Any]:
    match said.role:
        case "tool":
            return {"role": "tool", "tool_call_id": said.answers, "name": said.tool, "content": said.text}
        case "assistant":
            return _answer(said)
        case "user" if said.picture:
            url = "data:image/bmp;base64," + base64.b64encode(said.picture).decode()
            return {
                "role": "user",
                "content": [{"type": "text", "text": said.text}, {"type": "image_url", "image_url": {"url": url}}],
            }
        case _:
            return {"role": said.role, "content": said.text}


def _answer(said: Said) -> dict[str, Any]:
    made: dict[str, Any] = {"role": "assistant", "content": said.text}
    if said.calls:
        made["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in said.calls
        ]
    if said.reasoning:
        made["reasoning_content"] = said.reasoning
    if said.signature:
        made["thinking_blocks"] = [{"type": "thinking", "thinking": said.reasoning, "signature": said.signature}]
    return made


def ask(case: Case, url: str) -> None:
    """Send the request that litellm makes of the case."""
    to_anthropic = case.target == "anthropic-messages"
    litellm.completion(
        model="anthropic/claude-sonnet-4-5" if to_anthropic else "openai/gpt-4o",
        api_base=url if to_anthropic else url + "/v1",
        api_key="k",
        messages=messages(case),
        **({"tools": TOOLS} if case.tools else {}),
    )


def main() -> None:
    litellm.modify_params = "modify_params" in sys.argv[2:]
    litellm.suppress_debug_info = True
    for line in sys.stdin:
        try:
            ask(CASES[int(line)], sys.argv[1])
            print("null", flush=True)
        except Exception as error:
            print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)


if __name__ == "__main__":
    main()

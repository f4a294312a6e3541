"""A call of a tool and what came of it, as the tests of tools write them."""

from __future__ import annotations

import json

from aether.tools.toolbox import SessionTools
from aether.transcript import Text, ToolCall, ToolResult


async def run(box: SessionTools, name: str, /, **arguments: object) -> ToolResult:
    """Call a tool as a model does."""
    return await box.run(ToolCall("call_1", name, json.dumps(arguments)))


def text(result: ToolResult) -> str:
    """Return the words of a result."""
    return "".join(p.text for p in result.parts if isinstance(p, Text))

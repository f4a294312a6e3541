"""The protocols as pure functions, one module each, named after the protocol.

    view ─ lower ─▶ body            events ─ Reader ─▶ StreamEvents, Reply

The only room that knows vendors' JSON keys. It opens no connection and reads no clock.
"""

from __future__ import annotations

from aether.profile import Protocol
from aether.wire import anthropic_messages, openai_chat, openai_responses
from aether.wire.base import Ask, InBandError, Reader, Wire

WIRES: dict[Protocol, Wire] = {
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "anthropic-messages": anthropic_messages,
}

__all__ = ["WIRES", "Ask", "InBandError", "Reader", "Wire"]

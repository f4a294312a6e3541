"""Models on services: what each takes, for lowering and for the judge that knows nothing of lowering."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aether.lowering import Target, ToolSpec, View, lower
from aether.profile import DEFAULTS, Profile, Protocol
from aether.transcript import Blob, Origin, Transcript
from aether.wire import WIRES, Ask
from aether.wire.check import Issued, Violation, check, issued_to
from tests.scripted.ids import Issuer
from tests.scripted.strict import chat as strict_chat
from tests.scripted.strict import messages as strict_messages
from tests.scripted.strict import responses as strict_responses
from tests.scripted.strict.rules import Strictness

JSON = dict[str, Any]
SYSTEM = "You are {model}, served by {provider}."
TOOLS = (
    ToolSpec("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}}),
    ToolSpec("calculate", "Calculate.", {"type": "object", "properties": {"expression": {"type": "string"}}}),
)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24
PDF = b"%PDF-1.4 " + b"\0" * 16
BYTES = {"png": PNG, "pdf": PDF, "text": b"plain text"}


def read_blob(blob: Blob) -> bytes:
    """Return the bytes of a test's blob; KeyError for any other."""
    return BYTES[blob.sha256]


@dataclass(frozen=True)
class Peer:
    """One model on one service."""

    name: str
    protocol: Protocol
    quirks: JSON = field(default_factory=dict[str, Any])
    tools: tuple[ToolSpec, ...] = TOOLS

    @cached_property
    def profile(self) -> Profile:
        return DEFAULTS[self.protocol].with_fields(self.quirks)

    @cached_property
    def origin(self) -> Origin:
        return Origin(self.protocol, f"https://{self.name}.test/v1", "a1b2c3", f"{self.name}-model")

    @cached_property
    def target(self) -> Target:
        return Target(self.name, self.origin, self.profile, self.tools if self.profile.tools else ())

    def view(self, transcript: Transcript, *, strict: bool = False) -> View:
        return lower(transcript, self.target, strict=strict)

    def ask(self, **settings: Any) -> Ask:
        return Ask(self.origin.model, self.profile, read_blob=read_blob, **settings)

    def body(self, transcript: Transcript, *, strict: bool = False, **settings: Any) -> JSON:
        """Return the body of the next request to this peer."""
        return WIRES[self.protocol].lower(self.view(transcript, strict=strict), self.ask(**settings))

    def check(self, body: JSON, transcript: Transcript | None = None) -> list[Violation]:
        """Return what our own checker finds."""
        issued = issued_to(transcript, self.origin) if transcript else Issued()
        return check(self.protocol, body, self.profile, issued)

    @cached_property
    def strictness(self) -> Strictness:
        """Say the same facts to the independent judge."""
        profile = self.profile
        keys = {*profile.extra_keys, profile.reasoning_key} - {""}
        return Strictness(
            extra_keys=frozenset(keys),
            nine_char_ids=profile.id_rule == "nine",
            no_user_after_tool=profile.strict_tool_user,
            alternates=profile.strict_alternation and self.protocol == "openai-chat",
            leads_with_system=profile.system == "lead",
            no_system=profile.system == "none",
            takes_mid_system=profile.system == "any",
            takes_images=profile.vision,
            takes_tools=profile.tools,
            wants_string_content=profile.string_content and not profile.vision,
            wants_reasoning=profile.reasoning_needed,
            is_o_series=profile.max_tokens_key == "max_completion_tokens" and profile.sampling == "none",
            sampling=profile.sampling,
            binds_thinking=self.protocol == "anthropic-messages",
        )

    def refusals(self, body: JSON, issuer: Issuer | None = None) -> list[str]:
        """Return why a strict service of this kind would refuse the body, in its words."""
        body, issuer = copy.deepcopy(body), issuer or Issuer()
        match self.protocol:
            case "openai-chat":
                if self.profile.foreign_call_extra:  # a key of this dialect, unknown to the SDK's types
                    for message in body["messages"]:
                        for call in message.get("tool_calls", ()):
                            call.pop("extra_content", None)
                found = strict_chat.faults(body, self.strictness)
            case "openai-responses":
                found = strict_responses.faults(body, self.strictness, issuer)
            case "anthropic-messages":
                found = strict_messages.faults(body, self.strictness, issuer)
        return [f.message for f in found]


SKIPPED = {"google": {"thought_signature": "skip_thought_signature_validator"}}
FULL_CHAT = {"tools": True, "system": "any", "strict_alternation": False, "strict_tool_user": False}
PEERS = (
    Peer("anthropic-old", "anthropic-messages"),
    Peer(
        "anthropic-new",
        "anthropic-messages",
        {"system": "any", "vision": True, "files": True, "sampling": "none", "strict_alternation": False},
    ),
    Peer("anthropic-thinks", "anthropic-messages", {"vision": True, "thinking": "manual"}),
    Peer("anthropic-no-tools", "anthropic-messages", {"tools": False}),
    Peer(
        "chat-openai",
        "openai-chat",
        FULL_CHAT
        | {
            "developer_role": True,
            "vision": True,
            "files": True,
            "max_tokens_key": "max_completion_tokens",
            "string_content": False,
            "sampling": "none",
        },
    ),
    Peer(
        "chat-mistral",
        "openai-chat",
        {"tools": True, "vision": True, "id_rule": "nine", "stream_usage": False, "sampling": "free"},
    ),
    Peer("chat-unknown", "openai-chat"),
    Peer(
        "chat-deepseek",
        "openai-chat",
        {"tools": True, "reasoning_key": "reasoning_content", "reasoning_needed": True, "reasoning_placeholder": "."},
    ),
    Peer(
        "chat-openrouter",
        "openai-chat",
        {
            "tools": True,
            "strict_alternation": False,
            "string_content": False,
            "reasoning_key": "reasoning_details",
            "sampling": "free",
        },
    ),
    Peer("chat-text-only", "openai-chat", {"tools": True, "strict_alternation": False, "strict_tool_user": False}),
    Peer("chat-no-system", "openai-chat", {"tools": True, "system": "none"}),
    Peer(
        "chat-gemini",
        "openai-chat",
        {
            "tools": True,
            "vision": True,
            "string_content": False,
            "sampling": "free",
            "foreign_call_extra": json.dumps({"extra_content": SKIPPED}),
        },
    ),
    Peer(
        "responses-openai",
        "openai-responses",
        {
            "reasoning_key": "encrypted_content",
            "system": "any",
            "developer_role": True,
            "vision": True,
            "files": True,
            "sampling": "none",
        },
    ),
    Peer("responses-local", "openai-responses"),
)
BY_NAME = {p.name: p for p in PEERS}
ANTHROPIC = tuple(p for p in PEERS if p.protocol == "anthropic-messages")
CHAT = tuple(p for p in PEERS if p.protocol == "openai-chat")
RESPONSES = tuple(p for p in PEERS if p.protocol == "openai-responses")
WITH_TOOLS = tuple(p for p in PEERS if p.profile.tools)

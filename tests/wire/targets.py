"""Targets of all kinds, and conversations that such targets really had.

A `Peer` is a model on a service: its profile for lowering, its strictness for the judge. A
`Talk` grows a transcript the way the app does: each step is asked for with the body that
lowering makes, answered by the scripted services' own event streams, signed for that very
body, and read by the wire's own reader.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from aether.events import Reply as Read
from aether.lowering import Target, ToolSpec, View, lower
from aether.profile import DEFAULTS, Profile, Protocol
from aether.transcript import (
    Answer,
    Blob,
    Failure,
    Image,
    Origin,
    Part,
    Step,
    StopReason,
    Text,
    ToolResult,
    Transcript,
    Turn,
)
from aether.wire import WIRES, Ask
from aether.wire.check import Issued, Violation, check
from tests.scripted import chat, messages, responses
from tests.scripted.ids import Issuer
from tests.scripted.reply import Call, Reply
from tests.scripted.request import Ask as Request
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

    @property
    def profile(self) -> Profile:
        return DEFAULTS[self.protocol].with_fields(self.quirks)

    @property
    def origin(self) -> Origin:
        return Origin(self.protocol, f"https://{self.name}.test/v1", "a1b2c3", f"{self.name}-model")

    @property
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
        return check(self.protocol, body, self.profile, issued_to(transcript, self) if transcript else Issued())

    @property
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


def issued_to(transcript: Transcript, peer: Peer) -> Issued:
    """Gather the opaque strings that the peer itself has given out."""
    found: set[str] = set()
    for turn in transcript.turns:
        for answer in turn.answers:
            for step in answer.steps:
                if step.origin == peer.origin:
                    for native in step.native:
                        found |= {str(native.data.get(k)) for k in ("id", "signature", "data", "encrypted_content")}
    return Issued(frozenset(found - {"None", ""}))


SKIPPED = {"google": {"thought_signature": "skip_thought_signature_validator"}}
FULL_CHAT = {"tools": True, "system": "any", "strict_alternation": False, "strict_tool_user": False}
PEERS = (
    Peer("anthropic-old", "anthropic-messages"),
    Peer(
        "anthropic-new",
        "anthropic-messages",
        {"system": "any", "vision": True, "files": True, "sampling": "none", "strict_alternation": False},
    ),
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
SPEAKERS = {"openai-chat": chat, "openai-responses": responses, "anthropic-messages": messages}


def events_of(peer: Peer, reply: Reply, body: JSON, issuer: Issuer) -> list[JSON]:
    """Return the events in which a scripted service streams its reply to the body."""
    request = Request(
        protocol=peer.protocol,
        body=body,
        headers={},
        number=1,
        earlier=0,
        strictness=peer.strictness,
        issuer=issuer,
    )
    raw = b"".join(data for data, _ in SPEAKERS[peer.protocol].frames(reply, request))
    return sse_events(raw.decode())


def sse_events(text: str) -> list[JSON]:
    """Decode the events of a stream of server-sent events."""
    lines = [line[5:].strip() for line in text.split("\n") if line.startswith("data:")]
    return [json.loads(line) for line in lines if line and line != "[DONE]"]


def read(protocol: str, events: Iterable[JSON]) -> Read:
    """Return what the wire's reader makes of the events."""
    reader = WIRES[cast(Protocol, protocol)].reader()
    for event in events:
        reader.feed(event)
    return reader.reply()


GEMINI_SIGNATURE = {"google": {"thought_signature": "own-signature-of-this-call"}}


class Talk:
    """A conversation with many peers, grown step by step."""

    def __init__(self, system: str = SYSTEM) -> None:
        self.transcript = Transcript(system)
        self.issuers = {p.name: Issuer() for p in PEERS}

    def user(self, *parts: Part | str) -> Talk:
        """Begin a turn."""
        prompt = tuple(Text(p) if isinstance(p, str) else p for p in parts)
        self.transcript = self.transcript.with_turn(Turn(prompt))
        return self

    @property
    def turn(self) -> Turn:
        return self.transcript.turns[-1]

    def _set(self, answer: Answer) -> Talk:
        turn = self.turn
        answers = (*turn.answers[:-1], answer) if turn.answers else (answer,)
        last = len(self.transcript.turns) - 1
        self.transcript = self.transcript.replace_turn(last, replace(turn, answers=answers, chosen=len(answers) - 1))
        return self

    def rerun(self) -> Talk:
        """Begin another answer beside the last one."""
        last = len(self.transcript.turns) - 1
        self.transcript = self.transcript.replace_turn(last, self.turn.with_answer(Answer()))
        return self

    def says(
        self,
        name: str,
        text: str = "",
        *,
        reasoning: str = "",
        redacted: bool = False,
        calls: Iterable[Call] = (),
        refusal: str = "",
        results: Iterable[str | ToolResult] = (),
        stop: StopReason | None = None,
        strict: bool = False,
        cut_after: int | None = None,
    ) -> Talk:
        """Let a peer answer one request, as its service streams it; `cut_after`: after so many events."""
        peer = BY_NAME[name]
        reply = Reply(
            text=text,
            reasoning=reasoning,
            redacted=redacted,
            calls=tuple(calls),
            refusal=refusal,
            stop=cast(Any, stop),
        )
        view = peer.view(self.transcript, strict=strict)
        body = WIRES[peer.protocol].lower(view, peer.ask())
        events = events_of(peer, reply, body, self.issuers[name])
        if peer.profile.foreign_call_extra:
            events = [_signed(e) for e in events]
        got = read(peer.protocol, events[:cut_after])
        step = Step(
            provider=peer.name,
            model=peer.origin.model,
            origin=peer.origin,
            parts=got.parts,
            native=got.native if got.complete else (),
            prefix=view.prefix,
            stop=got.stop,
            reported_model=got.reported_model,
            usage=got.usage,
        )
        return self.step(step, results)

    def step(self, step: Step, results: Iterable[str | ToolResult] = ()) -> Talk:
        """Add a step as it is; results as texts answer its calls in order."""
        given = tuple(
            r if isinstance(r, ToolResult) else ToolResult(c.id, c.name, (Text(r),))
            for c, r in zip(step.calls, results, strict=False)
        )
        answer = self.turn.answer or Answer()
        return self._set(replace(answer, steps=(*answer.steps, replace(step, results=given))))

    def fails(self, message: str = "The service is too busy just now.") -> Talk:
        """End the answer with a failure."""
        return self._set(replace(self.turn.answer or Answer(), failure=Failure("overloaded", message)))

    def stops(self) -> Talk:
        """End the answer where it is, as a person's stop does."""
        return self._set(replace(self.turn.answer or Answer(), stopped=True))

    def clean(self, name: str, **settings: Any) -> JSON:
        """Return the next body for a peer, after proving that nobody would refuse it."""
        peer = BY_NAME[name]
        body = peer.body(self.transcript, **settings)
        assert peer.check(body, self.transcript) == []
        assert peer.refusals(body, self.issuers[name]) == []
        return body


def _signed(event: JSON) -> JSON:
    for choice in event.get("choices", ()):
        for call in choice["delta"].get("tool_calls") or ():
            if "id" in call:
                call["extra_content"] = GEMINI_SIGNATURE
    return event


def foreign_step(*parts: Part, results: Iterable[ToolResult] = (), **values: Any) -> Step:
    """Return a step of a model that is none of the peers."""
    origin = Origin("openai-chat", "https://elsewhere.test/v1", "", "stranger")
    return Step("elsewhere", "stranger", origin, parts=parts, results=tuple(results), **values)


def picture(name: str = "cat.png") -> Image:
    """Return a small picture."""
    return Image(Blob("png", "image/png", name, len(PNG), 1024, 768))


def strings(value: object) -> list[str]:
    """Return every string of a JSON value; of strings that hold JSON, the strings in it as well."""
    match value:
        case str():
            inner: object = None
            if value[:1] in ("{", "["):
                try:
                    inner = json.loads(value)
                except (ValueError, RecursionError):
                    inner = None
            return [value, *(strings(inner) if inner is not None else [])]
        case dict():
            return [s for v in cast(JSON, value).values() for s in strings(v)]
        case list():
            return [s for v in cast(list[object], value) for s in strings(v)]
        case _:
            return []


def shown(body: JSON) -> str:
    """Return all text in a body, joined: what a test looks into."""
    return "\n".join(strings({k: body.get(k) for k in ("system", "instructions", "messages", "input")}))


def items(body: JSON) -> list[JSON]:
    """Return the messages or input items of a body."""
    return cast(list[JSON], body.get("messages") or body.get("input") or [])


def blocks(body: JSON, kind: str) -> list[JSON]:
    """Return the blocks or items of one type, wherever they stand in an Anthropic or Responses body."""
    found = [i for i in items(body) if i.get("type") == kind]
    for item in items(body):
        content = item.get("content")
        found += [b for b in content if b.get("type") == kind] if isinstance(content, list) else []
    return found


def calls_in(body: JSON) -> list[JSON]:
    """Return the calls of a body in one form: id, name, arguments as an object."""
    found = [{"id": b["id"], "name": b["name"], "input": b["input"]} for b in blocks(body, "tool_use")]
    for item in items(body):
        for call in item.get("tool_calls") or ():
            function = call["function"]
            found.append({"id": call["id"], "name": function["name"], "input": json.loads(function["arguments"])})
    for item in blocks(body, "function_call"):
        found.append({"id": item["call_id"], "name": item["name"], "input": json.loads(item["arguments"])})
    return found


def results_in(body: JSON) -> list[tuple[str, str]]:
    """Return the tool results of a body in one form: the call's id, all text."""
    found = [(b["tool_use_id"], "\n".join(strings(b["content"]))) for b in blocks(body, "tool_result")]
    found += [(i["tool_call_id"], i["content"]) for i in items(body) if i.get("role") == "tool"]
    outputs = blocks(body, "function_call_output")
    return found + [(i["call_id"], "\n".join(strings(i["output"]))) for i in outputs]

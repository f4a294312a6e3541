"""Conversations that targets of all kinds really had.

A `Talk` grows a transcript the way the app does: each step is asked for with the body that
lowering makes, answered by the scripted services' own event streams, signed for that very
body, and read by the wire's own reader.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, cast

from aether.events import Reply as Read
from aether.profile import Protocol
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
from aether.wire import WIRES
from tests.scripted import chat, messages, responses
from tests.scripted.ids import Issuer
from tests.scripted.reply import Call, Reply
from tests.scripted.request import Ask as Request
from tests.wire.peers import (
    ANTHROPIC,
    BY_NAME,
    BYTES,
    CHAT,
    JSON,
    PEERS,
    PNG,
    RESPONSES,
    SYSTEM,
    TOOLS,
    WITH_TOOLS,
    Peer,
)

__all__ = [
    "ANTHROPIC", "BYTES", "BY_NAME", "CHAT", "JSON", "PEERS", "PNG", "RESPONSES", "SYSTEM", "TOOLS", "WITH_TOOLS",
    "Peer", "Talk", "blocks", "calls_in", "events_of", "foreign_step", "items", "picture", "read", "results_in",
    "shown", "sse_events", "strings",
]  # fmt: skip

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


CLEAN: set[tuple[str, str]] = set()
"""Peer and body of all that was judged to be clean: the judges say the same of the same."""


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
        self.transcript = self.transcript.replace_turn(
            last, replace(self.turn, answers=(*self.turn.answers, Answer()), chosen=len(self.turn.answers))
        )
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
        edit: Callable[[JSON], JSON | None] = lambda event: event,
    ) -> Talk:
        """Let a peer answer one request, as its service streams it.

        `cut_after`: the stream breaks after so many events; `edit` changes an event on its way, or swallows it.
        """
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
        if peer.profile.reasoning_key == "reasoning_details":
            events = [_detailed(e) for e in events]
        events = [kept for e in events if (kept := edit(e)) is not None]
        return self.heard(peer, events[:cut_after], results, prefix=view.prefix)

    def heard(
        self, peer: Peer, events: Iterable[JSON], results: Iterable[str | ToolResult] = (), *, prefix: str | None = None
    ) -> Talk:
        """Add the step that these events of a peer make."""
        got = read(peer.protocol, events)
        step = Step(
            provider=peer.name,
            model=peer.origin.model,
            origin=peer.origin,
            parts=got.parts,
            native=got.native if got.complete else (),
            prefix=peer.view(self.transcript).prefix if prefix is None else prefix,
            stop=got.stop,
            reported_model=got.reported_model,
            usage=got.usage,
        )
        return self.step(step, results)

    def answered(self, *results: ToolResult) -> Talk:
        """Give the last step these results."""
        answer = self.turn.answer or Answer()
        return self._set(replace(answer, steps=(*answer.steps[:-1], replace(answer.steps[-1], results=results))))

    def step(self, step: Step, results: Iterable[str | ToolResult] = ()) -> Talk:
        """Add a step as it is; results as texts answer its calls in order."""
        given = step.results or tuple(
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
        judged = (name, json.dumps(body))
        if judged not in CLEAN:
            assert peer.check(body, self.transcript) == []
            assert peer.refusals(body, self.issuers[name]) == []
            CLEAN.add(judged)
        return body


def _signed(event: JSON) -> JSON:
    for choice in event.get("choices", ()):
        for call in choice["delta"].get("tool_calls") or ():
            if "id" in call:
                call["extra_content"] = GEMINI_SIGNATURE
    return event


def _detailed(event: JSON) -> JSON:
    """Tell reasoning in the form of OpenRouter."""
    for choice in event.get("choices", ()):
        if thought := choice["delta"].pop("reasoning_content", None):
            detail = {"type": "reasoning.text", "text": thought, "index": 0}
            choice["delta"] |= {"reasoning": thought, "reasoning_details": [detail]}
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
    found = [(b["tool_use_id"], _texts(b["content"])) for b in blocks(body, "tool_result")]
    found += [(i["tool_call_id"], i["content"]) for i in items(body) if i.get("role") == "tool"]
    outputs = blocks(body, "function_call_output")
    return found + [(i["call_id"], _texts(i["output"])) for i in outputs]


def _texts(content: str | list[JSON]) -> str:
    return content if isinstance(content, str) else "\n".join(b["text"] for b in content if "text" in b)

"""Histories in which libraries differ, in a form that belongs to none of them. Needs the standard library alone.

Each is what a person could have had with another model before; `last` is what they ask next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Call:
    """A tool call as the other model made it; `arguments` is its raw text."""

    id: str
    name: str = "read_file"
    arguments: str = '{"path": "a.txt"}'


@dataclass(frozen=True)
class Said:
    """One message. `answers` is the id of the call that a tool's text belongs to, `tool` its name."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: tuple[Call, ...] = ()
    answers: str = ""
    tool: str = "read_file"
    reasoning: str = ""
    signature: str = ""
    picture: bytes = b""


@dataclass(frozen=True)
class Case:
    """A history and the question after it.

    `target`: the protocol of the model that is asked. `ordered`: texts that must come in this
    order. `tools` false: none are offered with the request. `extra`: beyond the eighteen.
    """

    id: str
    about: str
    history: tuple[Said, ...]
    last: str = "And now?"
    target: Literal["anthropic-messages", "openai-chat"] = "anthropic-messages"
    ordered: tuple[str, ...] = ()
    tools: bool = True
    extra: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """Return what must not be lost: all that the user and the tools said."""
        said = (*(m.text for m in self.history if m.role in ("user", "tool")), self.last)
        return tuple(t.strip() for t in said if t.strip())


def user(text: str, picture: bytes = b"") -> Said:
    return Said("user", text, picture=picture)


def model(text: str = "", *calls: Call, reasoning: str = "", signature: str = "") -> Said:
    return Said("assistant", text, calls, reasoning=reasoning, signature=signature)


def result(id_: str, text: str = "It says: hello.", tool: str = "read_file") -> Said:
    return Said("tool", text, answers=id_, tool=tool)


def called(*calls: Call) -> tuple[Said, ...]:
    """Return a history in which these calls were made and answered."""
    results = tuple(result(c.id, f"Result {n} of the tool.", c.name) for n, c in enumerate(calls))
    return (user("Please look."), model("I look.", *calls), *results, model("I have looked."))


BMP = (
    b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\x18\0\0\0\0\0\x10\0\0\0\x13\x0b\0\0\x13\x0b\0\0"
    b"\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\xff\0\0\0\xff\0\0\0"
)
READ = Call("call_1")
AGAIN = Call("call_0")
TWICE = (*called(AGAIN), user("Look again."), model("", AGAIN), result("call_0", "The second result."), model("Done."))
HELLO = (user("Hello."), model("Hi, how can I help?"))

CASES = (
    Case("C1", "a call that was never answered", (user("Please look."), model("I look.", READ))),
    Case("C2", "a result without its call", (*HELLO, result("gone", "A result of long ago."), model("I see."))),
    Case(
        "C3",
        "the user spoke before the result",
        (user("Please look."), model("I look.", READ), user("Wait, one thing."), result(READ.id), model("I see.")),
    ),
    Case("C5", "an id with letters that are refused", called(Call("functions.read_file:0|x"))),
    Case("C6", "two ids that look alike once cleaned", called(Call("a.b"), Call("a:b"))),
    Case("C7", "an id used again later", TWICE),
    Case("C8", "an empty id", called(Call(""))),
    Case("M1", "an empty answer", (user("Hello."), model(""), user("Are you there?"), model("Yes."))),
    Case("M1", "a blank answer", (user("Hello."), model(" \n"), user("Are you there?"), model("Yes."))),
    Case("M1", "an empty message of the user", (user(""), model("Hi, how can I help?"))),
    Case("M5", "the assistant begins", (model("Welcome! How can I help?"),)),
    Case("C11", "broken arguments", called(Call("call_1", arguments='{"path": "a.t'))),
    Case("C12", "arguments that are a list", called(Call("call_1", arguments="[1, 2]"))),
    Case("C12", "empty arguments", called(Call("call_1", arguments=""))),
    Case(
        "S2",
        "a system text in mid-chat",
        (user("One."), model("Two."), Said("system", "Answer in French."), user("Three."), model("Quatre.")),
        ordered=("One.", "Two.", "Answer in French.", "Three.", "Quatre."),
    ),
    Case("T1", "reasoning of another model", (user("Hello."), model("Hi.", reasoning="The user greets me."))),
    Case("I4", "a picture in a form that is refused", (user("What is this?", BMP), model("A tiny picture."))),
    Case("C13", "a tool's name that is refused", called(Call("call_1", "fs.read/file"))),
    Case(
        "T8",
        "reasoning with its signature, sent to OpenAI",
        (user("Hello."), model("Hi.", reasoning="The user greets me.", signature="c2lnbmF0dXJl")),
        target="openai-chat",
        extra=True,
    ),
    Case("C14", "calls in the history, no tools offered", called(READ), tools=False, extra=True),
)
"""The eighteen of the survey that `docs/swap-matrix.md` is taken from, and two more; the ids are those of its cases."""

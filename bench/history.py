"""The project's own parts in this process, over the scripted provider, and long transcripts made by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aether.profile import PROTOCOLS
from aether.services import Services
from aether.settings import Settings
from aether.transcript import Answer, Origin, Reasoning, Step, Text, ToolCall, ToolResult, Transcript, Turn
from bench.apps import Aether
from bench.provider import Provider


@contextmanager
def services_over(provider: Provider) -> Iterator[Services]:
    """Yield the services of a process, not started, with the provider under all three protocols."""
    with tempfile.TemporaryDirectory(prefix="aether-bench-") as folder:
        server = Aether().server(provider, Path(folder))
        yield Services(Settings.load(server.environment, dotenv=None))


def worked(steps: int) -> Transcript:
    """Return a conversation of so many steps, two a turn, by models of three protocols in turn, with a tool in each."""
    words = " ".join(f"w{i}" for i in range(200))
    turns: list[Turn] = []
    for number in range(steps // 2):
        protocol = PROTOCOLS[number % len(PROTOCOLS)]
        origin = Origin(protocol, "https://models.test", "a1b2c3", f"model-{protocol}")
        call = ToolCall(f"call_{number}", "read_file", f'{{"path": "notes/{number}.txt"}}')
        result = ToolResult(call.id, call.name, (Text(f"The content of note {number}. " * 8),))
        asked = Step("service", origin.model, origin, (Reasoning("I shall look."), Text("I look."), call), (result,))
        said = Step("service", origin.model, origin, (Text(f"Note {number}: {words}"),))
        turns.append(Turn((Text(f"What is in note {number}?"),), (Answer((asked, said)),)))
    return Transcript("You are {model}.", (*turns, Turn((Text("And all in all?"),))))

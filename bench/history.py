"""The project's own parts in this process, over the scripted provider, and long transcripts made by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aether.parts import Text
from aether.services import Services
from aether.settings import Settings
from aether.transcript import Answer, Origin, Step, Transcript, Turn
from bench.apps import Aether
from bench.provider import Provider


@contextmanager
def services_over(provider: Provider) -> Iterator[Services]:
    """Yield the services of a process, not started, with the provider under all three protocols."""
    with tempfile.TemporaryDirectory(prefix="aether-bench-") as folder:
        server = Aether().server(provider, Path(folder))
        yield Services(Settings.load(server.environment, dotenv=None))


def transcript(steps: int) -> Transcript:
    """Return a conversation of so many turns, one step each, by two models in turn."""
    words = " ".join(f"w{i}" for i in range(200))
    made = Transcript("You are {model}.")
    for number in range(steps):
        protocol = ("openai-chat", "anthropic-messages")[number // 10 % 2]
        origin = Origin(protocol, "http://127.0.0.1:9/v1", "", "m")
        step = Step(provider="p", model="m", origin=origin, parts=(Text(words),))
        made = made.with_turn(Turn((Text(f"question {number}"),), (Answer((step,)),)))
    return made.with_turn(Turn((Text("and now?"),)))

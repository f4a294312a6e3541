"""Run the scripted provider as a process: `python -m tests.scripted_provider --port 8999`.

Prints its address once it takes requests. A test in the same process uses `ScriptedProvider`
itself; what it can play is in `tests/scripted/scripts.py`.
"""

from __future__ import annotations

import argparse
import signal
import threading

from tests.scripted import Call, Counts, Exchange, Reply, ScriptedProvider
from tests.scripted.scripts import MODELS

__all__ = ["Call", "Counts", "Exchange", "Reply", "ScriptedProvider", "main"]


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="A provider for tests and benchmarks, in three protocols.")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--lenient", action="store_true", help="take every body")
    parser.add_argument("--models", default=",".join(MODELS), help="what the list of models shows")
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    models = tuple(options.models.split(","))
    with ScriptedProvider(port=options.port, strict=not options.lenient, models=models) as server:
        print(server.url, flush=True)
        done.wait()


if __name__ == "__main__":
    main()

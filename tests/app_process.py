"""Start the application as a user does, as a process of its own, and read what it says."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parent.parent
READY = "Aether is ready: "
START_TIMEOUT_S = 120.0
HELD = re.compile(r"The event loop (?:is|was) held for [\d.]+ s \(([\d.]+) s of CPU time\)")
HELD_S = float(os.environ.get("AETHER_TEST_HELD_S", "1.5"))
"""CPU seconds for which nothing may hold the event loop of an application under test.

CPU time of the loop's own thread: a machine that is busy with something else makes no test fail.
"""
RUNNING: list[AppProcess] = []
"""The applications that run now; `conftest.py` looks at them after each test."""


class AppProcess:
    """The running application. `url` is its address; `lines` is all that it has written.

    `bodies` is for tests that keep what it has answered. `files`: how many it may open, where that is few.
    """

    files: int | None = None

    def __init__(self, folder: Path, *, providers: str = "", **environment: str) -> None:
        self._folder = folder
        self._environment = {"AETHER_LOCAL": "0", "AETHER_DATA_DIR": str(folder / "data")} | environment
        if providers:
            path = folder / "providers-under-test.toml"
            path.write_text(providers)
            self._environment["AETHER_PROVIDERS"] = str(path)
        self.url = ""
        self.lines: list[str] = []
        self.bodies: list[str] = []
        self._news: queue.Queue[str] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self._looked = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> AppProcess:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AETHER_", "GRADIO_")) and "_KEY" not in k}
        limited = ["bash", "-c", f'ulimit -n {self.files} && exec "$@"', "--"] if self.files else []
        self._process = subprocess.Popen(
            [*limited, sys.executable, str(ROOT / "app.py"), "--port", "0"],
            cwd=self._folder,
            env=kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.url = self.wait_for_line(READY, timeout_s=START_TIMEOUT_S).partition(READY)[2].strip()
        except AssertionError:
            self._process.kill()
            raise
        RUNNING.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        RUNNING.remove(self)
        self.stop()
        if error is None:
            self.look_at_loop()

    def look_at_loop(self) -> None:
        """See that since the last look nothing has held the event loop for long."""
        new, self._looked = self.lines[self._looked :], len(self.lines)
        held = [line for line in new if (said := HELD.search(line)) and float(said[1]) > HELD_S]
        assert not held, "\n".join(held)

    def stop(self, *, timeout_s: float = 15.0) -> int:
        """Ask it to end; return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout_s)

    def wait_for_line(self, words: str, *, timeout_s: float = 10.0) -> str:
        """Return the first line, old or new, that holds `words`; raise AssertionError if none comes."""
        end = time.monotonic() + timeout_s
        for line in list(self.lines):
            if words in line:
                return line
        while (left_s := end - time.monotonic()) > 0:
            try:
                line = self._news.get(timeout=left_s)
            except queue.Empty:
                break
            if words in line:
                return line
        raise AssertionError(f"no line with {words!r}; it said:\n" + "\n".join(self.lines[-30:]))

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._news.put(line.rstrip("\n"))
        self._news.put("")


def scripted_providers(scripted_url: str) -> str:
    """Return a providers file that offers the scripted provider under all three protocols."""
    models = '["echo-small", "echo-large", "gate-3", "stall-3", "think", "error-529", "echo-key-401", "silent-headers"]'
    entry = (
        '[[provider]]\nname = "{0}"\nlabel = "Scripted {0}"\nprotocol = "{1}"\nbase_url = "{2}"\n'
        'api_key_env = "SCRIPTED_KEY"\nmodels = {3}\ncustom_models = true\nprofile = {{ tools = true }}\n'
    )
    protocols = {"chat": "openai-chat", "responses": "openai-responses", "messages": "anthropic-messages"}
    return "\n".join(
        entry.format(name, protocol, scripted_url + ("" if name == "messages" else "/v1"), models)
        for name, protocol in protocols.items()
    )

"""The scripted provider as a process of its own, and what its log says of the last request."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parent.parent
MODELS = ("fast-1", "fast-200", "fast-1000", "fast-2000", "paced-50x200", "paced-50x9000", "paced-300x3000", "echo")


class Provider:
    """A model of a set pace, on a port of its own. Use it as a context manager."""

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Provider:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.scripted_provider", "--lenient", "--models", ",".join(MODELS)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def get(self, path: str) -> Any:
        """Return what one of the provider's controls says."""
        with urlopen(self.url + path) as answer:
            return json.load(answer)

    @property
    def asked(self) -> int:
        """Return how many requests there were."""
        return int(self.get("/_state")["requests"])

    @property
    def answered(self) -> int:
        """Return how many of them asked a model, and not for the list of models: the number of the last answer."""
        return int(self.get("/_state")["answers"])

    @property
    def is_writing(self) -> bool:
        """Tell whether an answer is on its way."""
        return bool(self.get("/_state")["open_streams"])

    def script(self, model: str, replies: list[dict[str, Any]]) -> None:
        """Have a model give these replies next."""
        given = json.dumps({"model": model, "replies": replies}).encode()
        urlopen(Request(self.url + "/_script", given)).close()

    def check(self, *, model: str, message: str, users: int) -> None:
        """Raise AssertionError unless the last request went to `model`, with all `users` messages of the user."""
        last = self.get("/_last")
        said = [m for m in last["body"]["messages"] if m["role"] == "user"]
        wrote = [m for m in last["body"]["messages"] if m["role"] == "assistant"]
        assert last["model"] == model, f"{last['model']} was asked, not {model}"
        assert _text(said[-1]) == message, f"the last message was {_text(said[-1])!r}, not {message!r}"
        assert len(said) == users, f"{len(said)} messages of the user were sent, not {users}"
        assert len(wrote) == users - 1, f"{len(wrote)} answers were sent along, not {users - 1}"


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)

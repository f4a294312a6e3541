"""Recorded exchanges of real providers: read from `tests/recordings`, and turned into replies to be served again.

What the files hold and where they come from is told in `tests/recordings/README.md`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.scripted.reply import Reply

RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Recording:
    """One exchange. `request` is the body that the provider judged, `response` its answer as text."""

    name: str
    provider: str
    protocol: str
    kind: str
    status: int
    content_type: str
    retry_after: str | None
    request: dict[str, Any]
    response: str

    @property
    def is_stream(self) -> bool:
        return self.kind == "stream"

    def reply(self, *, chunks: tuple[int, ...] = ()) -> Reply:
        """Return the recorded response as a reply; `chunks` are lengths in bytes to cut its body into."""
        headers = {"content-type": self.content_type}
        if self.retry_after is not None:
            headers["retry-after"] = self.retry_after
        return Reply(status=self.status, raw=self.response.encode(), headers=headers, chunks=chunks)


def load(path: Path) -> Recording:
    """Read one recording. Its provider, protocol and kind are those of its name."""
    data = json.loads(path.read_text(encoding="utf-8"))
    provider, protocol, kind, *_ = path.name.split(".")
    return Recording(
        name=path.stem,
        provider=provider,
        protocol=protocol,
        kind=kind,
        status=data["status"],
        content_type=data["content_type"],
        retry_after=data["retry_after"],
        request=data["request"],
        response=data["response"],
    )


def recordings(folder: Path = RECORDINGS, *, protocol: str = "*", kind: str = "*") -> list[Recording]:
    """Return the recordings of a folder, sorted by name; of one protocol and kind where given."""
    return [load(p) for p in sorted(folder.glob(f"*.{protocol}.{kind}.*.json"))]


def cut_at(position: int) -> tuple[int, ...]:
    """Return the chunk lengths that cut a body in two at a byte position."""
    return (position, 1 << 30)


def byte_by_byte() -> tuple[int, ...]:
    """Return the chunk lengths that cut a body into single bytes."""
    return (1,)

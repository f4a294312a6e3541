"""Files out and in: a conversation to take along, and one to go on with."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from gradio.processing_utils import save_bytes_to_cache

from aether import exports
from aether.runtime import AgentRuntime
from aether.transcript import Transcript, TranscriptError

KEPT_S = 3600
"""Seconds that a file which was handed out stays on the disk."""


def file(transcript: Transcript, format: str | None) -> str | None:
    """Write the conversation to a file that the page may hand out; None for an unknown format."""
    if format not in exports.FORMATS:
        return None
    document = exports.document(transcript, format)
    return save_bytes_to_cache(document.data, document.name, str(Path(tempfile.gettempdir()) / "gradio"))


async def load(runtime: AgentRuntime, path: str | None) -> tuple[str, ...]:
    """Put the conversation of a file in the place of this one; return what is to be said about it.

    Raises TranscriptError for what is none, BusyError while an answer is being written.
    """
    if not path:
        raise TranscriptError("There is no file.")
    read = await asyncio.to_thread(_read, Path(path))
    runtime.load(read.conversations[0])
    return read.notes


def _read(path: Path) -> exports.Imported:
    if path.stat().st_size > exports.LARGEST:
        raise TranscriptError(f"The file is larger than {exports.LARGEST // 1_000_000} MB.")
    return exports.read(path.name, path.read_bytes())

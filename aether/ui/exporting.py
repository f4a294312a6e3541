"""Files out and in: a conversation to take along, and one to go on with."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from aether import exports
from aether.errors import AetherError
from aether.runtime import AgentRuntime
from aether.services import Services
from aether.transcript import Transcript, TranscriptError
from aether.ui import handlers, panels, words

if TYPE_CHECKING:
    from aether.ui.layout import Page

SOURCES = "A JSON or notebook file from here, or an export of ChatGPT or Claude: the ZIP, or its `conversations.json`."
FORMATS = (
    ("json", "JSON", "All of it; comes back as it was"),
    ("ipynb", "Notebook", "For Jupyter; comes back as it was"),
    ("md", "Markdown", "To read and to hand on"),
)
KEPT_S = 3600
"""Seconds that a file which was handed out stays on the disk."""


def build(page: Page, services: Services) -> None:
    """Put the buttons into the tab Export, and tie them to files."""
    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    with page.place("panel-export"), gr.Column(elem_id="export"):
        gr.Markdown("Take this conversation along", elem_classes="heading", container=False)
        buttons = [gr.Button(label, elem_id=f"export-{name}", min_width=0) for name, label, _ in FORMATS]
        gr.Markdown(_explained(), sanitize_html=False, container=False)
        gr.Markdown("Go on with another one", elem_classes="heading", container=False)
        upload = gr.UploadButton("Open a file", elem_id="import", file_types=[".json", ".ipynb", ".zip"], min_width=0)
        gr.Markdown(SOURCES, container=False)
        said = gr.Markdown("", elem_id="imported", sanitize_html=False, container=False)
    with page.place("wires"):
        exported = gr.File(elem_id="exported", label="Exported")
    for (name, _, _), button in zip(FORMATS, buttons, strict=True):
        button.click(_writer(name), page.runtime, exported, **quick)
    opened = upload.upload(take, [upload, page.runtime], said, **quick)
    handlers.answered(page, opened)


def _writer(name: str) -> Callable[[AgentRuntime], Awaitable[str | None]]:
    async def write(runtime: AgentRuntime) -> str | None:
        return file(runtime.transcript, name)

    return write


def _explained() -> str:
    rows = "".join(f"<li><b>{label}</b> {said}</li>" for _, label, said in FORMATS)
    return f'<ul class="formats">{rows}</ul>'


async def take(path: str | None, runtime: AgentRuntime) -> str:
    """Open the file that a person gave: what is to be said."""
    try:
        notes = await load(runtime, path)
    except AetherError as error:
        return panels.receipt((error.sentence,), tone="error")
    count = words.count(len(runtime.transcript.turns), "cell")
    return panels.receipt((f"Opened, {count}.", *notes))


def file(transcript: Transcript, format: str | None) -> str | None:
    """Write the conversation to a file that the page may hand out; None for an unknown format."""
    if format not in exports.FORMATS:
        return None
    document = exports.document(transcript, format)
    folder = Path(get_upload_folder()) / secrets.token_hex(8)  # a path of its own: an equal one would not be noticed
    return save_bytes_to_cache(document.data, document.name, str(folder))


async def load(runtime: AgentRuntime, path: str | None) -> tuple[str, ...]:
    """Put the conversation of a file in the place of this one; return what is to be said about it.

    Raises TranscriptError for what is none, BusyError while an answer is being written.
    """
    if not path or not was_handed_in(path):
        raise TranscriptError("There is no file.")
    read = await asyncio.to_thread(_read, Path(path))
    runtime.load(read.conversations[0])
    return read.notes


def was_handed_in(path: str) -> bool:
    """Tell whether a path is that of an upload, all links followed."""
    return Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())


def _read(path: Path) -> exports.Imported:
    if path.stat().st_size > exports.LARGEST:
        raise TranscriptError(f"The file is larger than {exports.LARGEST // 1_000_000} MB.")
    return exports.read(path.name, path.read_bytes())

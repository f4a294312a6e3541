"""Files out and in: a conversation to take along, and one to go on with."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from aether import exports
from aether.errors import AetherError
from aether.exports import natives
from aether.exports.natives import Sign, unknown_signature
from aether.runtime import SYSTEM, AgentRuntime
from aether.services import Services
from aether.store.blobs import Blobs
from aether.transcript import Transcript, TranscriptError
from aether.ui import handlers, panels
from aether.ui.furniture import spoken
from aether.ui.plain import FILES, MARKUP, QUICK
from aether.ui.words import say

if TYPE_CHECKING:
    from aether.ui.layout import Page

FORMATS = (("json", "JSON", "files.json"), ("ipynb", "Notebook", "files.ipynb"), ("md", "Markdown", "files.md"))
TOLD = 300
"""Characters of a file's instructions that are told."""
KEPT_S = 3600
"""Seconds that a file which was handed out stays on the disk."""


def build(page: Page, services: Services) -> None:
    """Put the buttons into the tab Export, and tie them to files."""
    with page.place("panel-export"), gr.Column(elem_id="export"):
        _said(spoken("h4", "files.take"))
        buttons = [gr.Button(label, elem_id=f"export-{name}", min_width=0) for name, label, _ in FORMATS]
        _said(_explained())
        _said(spoken("h4", "files.on"))
        upload = gr.UploadButton("Open a file", elem_id="import", file_types=[".json", ".ipynb", ".zip"], min_width=0)
        _said(spoken("p", "files.sources"))
        said = gr.Markdown("", elem_id="imported", **MARKUP)
    with page.place("wires"):
        exported = gr.File(elem_id="exported", label="Exported")
    for (name, _, _), button in zip(FORMATS, buttons, strict=True):
        button.click(_writer(name, services), page.runtime, exported, **FILES)
    opened = upload.upload(_taker(services), [upload, page.runtime], said, **QUICK)
    handlers.answered(page, opened)


def _writer(name: str, services: Services) -> Callable[[AgentRuntime], Awaitable[str | None]]:
    async def write(runtime: AgentRuntime) -> str | None:
        return await file(runtime.transcript, name, services.blobs, sign=signer(services))

    return write


def _taker(services: Services) -> Callable[[str | None, AgentRuntime], Awaitable[str]]:
    async def take(path: str | None, runtime: AgentRuntime) -> str:
        """Open the file that a person gave: what is to be said."""
        try:
            notes = await load(runtime, path, services.blobs, sign=signer(services))
        except AetherError as error:
            return panels.receipt((error.sentence,), tone="error")
        return panels.receipt((say("files.opened", count=len(runtime.transcript.turns)), *notes))

    return take


def _explained() -> str:
    rows = "".join(f"<li><b>{label}</b> {spoken('span', said)}</li>" for _, label, said in FORMATS)
    return f'<ul class="formats">{rows}</ul>'


def _said(markup: str) -> None:
    gr.Markdown(markup, **MARKUP)


def signer(services: Services) -> Sign:
    """Return what signs and verifies the blocks of services that go out in a file."""
    return partial(services.secret.sign, natives.PURPOSE)


async def file(transcript: Transcript, format: str | None, blobs: Blobs, *, sign: Sign | None = None) -> str | None:
    """Write the conversation to a file that the page may hand out; None for an unknown format."""
    if format not in exports.FORMATS:
        return None
    document = await asyncio.to_thread(exports.document, transcript, format, read_blob=blobs.read, sign=sign)
    folder = Path(get_upload_folder()) / secrets.token_hex(8)  # a path of its own: an equal one would not be noticed
    return save_bytes_to_cache(document.data, document.name, str(folder))


async def load(runtime: AgentRuntime, path: str | None, blobs: Blobs, *, sign: Sign | None = None) -> tuple[str, ...]:
    """Put the conversation of a file in the place of this one; return what is to be said about it.

    Blocks that only a model's service can read come in where `sign` has signed them, and nowhere else.
    Raises TranscriptError for what is none, BusyError while an answer is being written.
    """
    if not path or not was_handed_in(path):
        raise TranscriptError("There is no file.")
    try:
        read = await asyncio.to_thread(_read, Path(path))
        await asyncio.to_thread(lambda: [blobs.put(data) for data in read.files])
    except FileNotFoundError:
        raise TranscriptError("There is no file.") from None
    except OSError as error:
        raise TranscriptError("There is no room for files at this moment.") from error
    conversations, notes = await asyncio.to_thread(read.verified, sign or unknown_signature)
    runtime.load(conversations[0])
    return (*notes, *_instructions(runtime.transcript.system))


def _instructions(system: str) -> tuple[str, ...]:
    """Tell of instructions for models that a file brought along: whoever wrote it speaks to them first."""
    if not system.strip() or system == SYSTEM:
        return ()
    words = " ".join(system.split())
    return (say("files.system", words=words if len(words) <= TOLD else words[: TOLD - 1] + "…"),)


def was_handed_in(path: str) -> bool:
    """Tell whether a path is that of an upload, all links followed."""
    return Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())


def _read(path: Path) -> exports.Imported:
    if path.stat().st_size > exports.LARGEST:
        raise TranscriptError(f"The file is larger than {exports.LARGEST // 1_000_000} MB.")
    return exports.read(path.name, path.read_bytes())

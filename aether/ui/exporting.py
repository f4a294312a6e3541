"""Files out and in: a conversation to take along, and one to go on with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.utils import get_upload_folder

from aether import exports
from aether.asking import INDEXED
from aether.attachments import Attachments
from aether.bounds import FILE_BYTES, IMPORT_CPU_S, OWN_BLOBS_PER_IMPORT, READER_MEMORY_BYTES
from aether.errors import AetherError
from aether.exports import Imported, files, natives
from aether.exports.authentic import Content
from aether.exports.natives import Sign, unknown_signature
from aether.gate.files import is_inside
from aether.runtime import SYSTEM, AgentRuntime
from aether.services import Services
from aether.store.blobs import Blobs
from aether.transcript import Blob, Transcript, TranscriptError
from aether.ui import handlers, panels
from aether.ui.conversations import owner_of
from aether.ui.furniture import spoken
from aether.ui.outbox import OUTBOX_S, Outbox
from aether.ui.plain import FILES, MARKUP, QUICK
from aether.ui.words import say

if TYPE_CHECKING:
    from aether.ui.layout import Page

FORMATS = (("json", "JSON", "files.json"), ("ipynb", "Notebook", "files.ipynb"), ("md", "Markdown", "files.md"))
TOLD = 300
"""Characters of a file's instructions that are told."""


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
    outbox = Outbox()
    for (name, _, _), button in zip(FORMATS, buttons, strict=True):
        button.click(_writer(name, services, outbox), page.runtime, exported, **FILES)
    opened = upload.upload(_taker(services), [upload, page.runtime], said, **QUICK)
    handlers.answered(page, opened)


def _writer(name: str, services: Services, outbox: Outbox) -> Callable[[AgentRuntime], Awaitable[str | None]]:
    async def write(runtime: AgentRuntime) -> str | None:
        return await file(runtime, name, services, outbox)

    return write


def _taker(services: Services) -> Callable[[str | None, AgentRuntime, gr.Request], Awaitable[str]]:
    async def take(path: str | None, runtime: AgentRuntime, request: gr.Request) -> str:
        """Open the file that a person gave: what is to be said."""
        try:
            notes = await load(runtime, path, services.blobs, Reader(services, owner_of(request)))
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


async def file(runtime: AgentRuntime, format: str | None, services: Services, outbox: Outbox) -> str | None:
    """Write the conversation to a file that the page may hand out; None for an unknown format."""
    if format not in exports.FORMATS:
        return None
    transcript, owner = runtime.transcript, runtime.keeper.owner
    read_blob, sign = services.blobs.read, signer(services)
    writing = partial(exports.document, transcript, format, read_blob=read_blob, sign=sign)
    document = await services.threads.run(writing, owner=owner)
    path = await services.threads.run(partial(outbox.write, document.name, document.data), owner=owner)
    outbox.add(path, len(document.data), owner=owner)
    asyncio.get_running_loop().call_later(OUTBOX_S, outbox.delete, path)
    return str(path)


@dataclass(frozen=True)
class Reader:
    """What looks at a file of `owner`: workers, and the store that knows which pictures are the owner's."""

    services: Services
    owner: str

    async def read(self, name: str, data: bytes) -> exports.Values:
        """Return the conversation of a file, read in a worker; raise TranscriptError or WorkerError."""
        return await self.services.workers.run(
            exports.read_values,
            name,
            data,
            owner=self.owner,
            timeout_s=IMPORT_CPU_S,
            memory_bytes=READER_MEMORY_BYTES,
        )

    async def own(self, names: dict[str, str]) -> files.Parts:
        """Return the pictures and files, of those with these digests and names, that the owner has already."""
        services = self.services
        digests = await services.store.run(lambda: services.store.digests(self.owner, names), owner=self.owner)
        attachments = Attachments(services.blobs, services.workers, services.picture_workers, services.threads)
        parts: files.Parts = {}
        for digest in digests[:OWN_BLOBS_PER_IMPORT]:
            with suppress(KeyError, AetherError):
                data = await services.threads.run(partial(services.blobs.read, Blob(digest, "")), owner=self.owner)
                parts[digest] = (await attachments.read(names[digest], data, owner=self.owner)).part
        return parts


async def load(runtime: AgentRuntime, path: str | None, blobs: Blobs, reader: Reader | None = None) -> tuple[str, ...]:
    """Put the conversation of a file in the place of this one; return what is to be said about it.

    A picture that the file names and does not carry is taken if it is the visitor's own: a digest alone opens
    nothing. Raises TranscriptError for what is no conversation, WorkerError for what cannot be read within its
    limits, BusyError while an answer is being written. Without a reader the file is read in this process.
    Blocks that only a model's service can read come in where this server has signed them, and nowhere else.
    """
    if not path or not was_handed_in(path):
        raise TranscriptError("There is no file.")
    try:
        run = partial(reader.services.threads.run, owner=reader.owner) if reader else asyncio.to_thread
        name, data = Path(path).name, await run(partial(_bytes_of, Path(path)))
        values = await reader.read(name, data) if reader else exports.read_values(name, data)
        size = await run(lambda: INDEXED * len(values[0].to_json().encode()))
        await runtime.admit_bytes(size + sum(map(len, values[2])))
        transcript, notes = await run(partial(_verified, values, blobs, reader, runtime.keeper.owner))
    except FileNotFoundError:
        raise TranscriptError("There is no file.") from None
    except OSError as error:
        raise TranscriptError("There is no room for files at this moment.") from error
    except AetherError:
        _remove(path)
        raise
    if names := files.unknown(transcript):
        own = await reader.own(names) if reader else {}
        transcript = files.settled(transcript, own)
        notes = (*notes, *([say("files.missing", count=len(names) - len(own))] if len(own) < len(names) else []))
    runtime.load(transcript)
    _remove(path)
    return (*notes, *_instructions(runtime.transcript.system))


def _verified(
    values: exports.Values, blobs: Blobs, reader: Reader | None, owner: str
) -> tuple[Transcript, tuple[str, ...]]:
    """Keep the bytes that a file carries; return its conversation and notes, with the signed blocks alone."""
    transcript, notes, carried, signatures, content = values
    for data in carried:
        blobs.put(data, owner=owner)
    sign = signer(reader.services) if reader else unknown_signature
    accounts = reader.services.accounts(reader.owner) if reader else ()
    found = Imported((transcript,), notes, carried, signatures, Content(*content))
    conversations, notes = found.verified(sign, accounts)
    return conversations[0], notes


def _instructions(system: str) -> tuple[str, ...]:
    """Tell of instructions for models that a file brought along: whoever wrote it speaks to them first."""
    if not system.strip() or system == SYSTEM:
        return ()
    words = " ".join(system.split())
    return (say("files.system", words=words if len(words) <= TOLD else words[: TOLD - 1] + "…"),)


def was_handed_in(path: str) -> bool:
    """Return whether a path is that of an upload, all links followed."""
    return is_inside(path, Path(get_upload_folder()))


def _bytes_of(path: Path) -> bytes:
    if path.stat().st_size > FILE_BYTES:
        raise TranscriptError(f"The file is larger than {FILE_BYTES // 1_000_000} MB.")
    return path.read_bytes()


def _remove(path: str) -> None:
    """Let an upload leave its folder as soon as it was read."""
    Path(path).unlink(missing_ok=True)

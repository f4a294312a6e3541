"""What a person hands in → parts of a message: described from its bytes, made fit for every target.

The name and the declared type are not believed: the bytes tell what it is. A picture loses what a
camera wrote beside its pixels, and becomes one that all services take, with its whole size beside it;
of a document the text is kept too, for models that read nothing else, and its pages are counted.

`part_of` is pure and runs in a worker process; only a text, which costs nothing to read, is read here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import PurePath

from aether.bounds import (
    FILE_BYTES,
    FILE_TEXT_CHARS,
    NAME_CHARS,
    PDF_CPU_S,
    PICTURE_CPU_S,
    READER_MEMORY_BYTES,
)
from aether.errors import AetherError, WorkerFailed, WorkerTimeout
from aether.fair import FairThreads
from aether.pdf_reader import read as read_pdf
from aether.pictures import Drawing, PictureError, cleaned, picture_type
from aether.store.blobs import Blobs
from aether.text import sound
from aether.transcript import Blob, File, Image
from aether.workers import WorkerPool

__all__ = [
    "CUT",
    "AttachmentError",
    "Attachments",
    "Taken",
    "bounded_text",
    "is_cut",
    "part_of",
    "part_read",
    "picture_type",
]

CUT = "[Cut here: the file goes on, and what follows was not taken in.]"
"""Ends the text of a file that is longer than what models are shown."""

Read = tuple[Image | File, tuple[bytes, ...], bool]
"""A part, the bytes that its blobs name where they are not the file's own, and whether it was animated."""


class AttachmentError(AetherError):
    """Say why a file cannot be taken."""

    kind = "attachment"
    remedy = "Your message is kept."


@dataclass(frozen=True)
class Taken:
    """A file that was taken in. `is_first_frame`: of an animated picture, the first frame alone."""

    part: Image | File
    is_first_frame: bool = False


@dataclass(frozen=True)
class Attachments:
    """Take files in, into the folder of bytes. Pictures and documents each have workers of their own."""

    blobs: Blobs
    documents: WorkerPool = field(default_factory=WorkerPool)
    pictures: WorkerPool = field(default_factory=WorkerPool)
    threads: FairThreads = field(default_factory=partial(FairThreads, "files"))

    async def read(self, name: str, data: bytes, *, owner: str) -> Taken:
        """Return the part for a file of `owner`; raise AttachmentError, or WorkerBusy where too much is being read.

        A text waits for no picture, a picture for no document, and nobody for somebody else's three files.
        """
        name = file_name(name)
        _check(name, data)
        if (text := await self.threads.run(partial(_text_file, name, data), owner=owner)) is not None:
            read: Read = (text, (), False)
        else:
            is_document = data.startswith(b"%PDF-")
            pool, cpu_s = (self.documents, PDF_CPU_S) if is_document else (self.pictures, PICTURE_CPU_S)
            try:
                read = await pool.run(
                    part_of, name, data, timeout_s=cpu_s, owner=owner, memory_bytes=READER_MEMORY_BYTES
                )
            except (WorkerTimeout, WorkerFailed) as error:
                raise _unreadable(name, data) from error
        return await self.threads.run(partial(self._keep, read, data, owner), owner=owner)

    def take(self, name: str, data: bytes) -> Image | File:
        """Return the part for a file, read in this process: for files that nobody else has made."""
        name = file_name(name)
        _check(name, data)
        return self._keep(part_read(name, data), data, "").part

    def _keep(self, read: Read, data: bytes, owner: str) -> Taken:
        part, files, is_first_frame = read
        for held in files or (data,):
            self.blobs.put(held, owner=owner)
        return Taken(part, is_first_frame)


def file_name(name: str) -> str:
    """Return the last part of a path as the name of a file, bounded, in one line."""
    return " ".join(sound(PurePath(name.replace("\\", "/")).name)[:NAME_CHARS].split()) or "file"


def part_of(name: str, data: bytes) -> Read:
    """Return the part for a PDF or a picture, with the bytes that it names; raise AttachmentError for any other."""
    if data.startswith(b"%PDF-"):
        try:
            text, goes_on, pages = read_pdf(data)
        except Exception as error:  # a reader that believes what a damaged file says fails in any way
            raise _unreadable(name, data) from error
        blob = replace(blob_of(data, "application/pdf", name), pages=pages)
        return File(blob, bounded_text(text, goes_on=goes_on) if text else None), (), False
    try:
        picture = cleaned(data)
    except PictureError as error:
        if error.size is not None:
            raise AttachmentError(f"{name} has too many pixels: {error.size[0]}×{error.size[1]}.") from None
        raise _unreadable(name, data) from error
    drawings = [picture.sent, *([picture.full] if picture.full else [])]
    sent, *full = (_drawn(drawing, name) for drawing in drawings)
    return Image(sent, full[0] if full else None), tuple(d.data for d in drawings), picture.is_animated


def blob_of(data: bytes, mime: str, name: str) -> Blob:
    """Name some bytes."""
    return Blob(sha256(data).hexdigest(), mime, name, len(data))


def is_cut(part: Image | File) -> bool:
    """Return whether only the beginning of a file's text was taken in."""
    return isinstance(part, File) and (part.text or "").endswith(CUT)


def text_of(data: bytes) -> str | None:
    """Return the text that some bytes are; None if they are none."""
    if b"\0" in data[:8192]:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _check(name: str, data: bytes) -> None:
    if not data:
        raise AttachmentError(f"{name} is empty.")
    if len(data) > FILE_BYTES:
        raise AttachmentError(f"{name} is larger than {FILE_BYTES // 1_000_000} MB.")


def part_read(name: str, data: bytes) -> Read:
    """Return the part for any file; raise AttachmentError."""
    text = _text_file(name, data)
    return (text, (), False) if text is not None else part_of(name, data)


def _text_file(name: str, data: bytes) -> File | None:
    if data.startswith(b"%PDF-") or (text := text_of(data)) is None:
        return None
    return File(blob_of(data, "text/plain", name), bounded_text(text))


def _drawn(drawing: Drawing, name: str) -> Blob:
    return replace(blob_of(drawing.data, drawing.mime, name), width=drawing.width, height=drawing.height)


def bounded_text(text: str, *, goes_on: bool = False) -> str:
    """Return as much of a text as is taken in; where it was cut, it says so."""
    return f"{text[:FILE_TEXT_CHARS]}\n\n{CUT}" if goes_on or len(text) > FILE_TEXT_CHARS else text


def _unreadable(name: str, data: bytes) -> AttachmentError:
    if data.startswith(b"%PDF-"):
        return AttachmentError(f"{name} is a PDF that cannot be read.")
    return AttachmentError(f"{name} is no picture, PDF or text that can be read.")

"""Files that a person hands in: pictures, PDFs, texts, and what only looks like one."""

from __future__ import annotations

import io
import tempfile
import warnings
from functools import cache
from pathlib import Path
from random import Random

from PIL import Image
from pypdf import PdfWriter

from aether.attachments import AttachmentError, Attachments
from aether.pdf_reader import read as read_pdf
from aether.store.blobs import Blobs
from tests.fuzz.door import Door, holds, sendable
from tests.fuzz.odd import garbled, text

FORMS = (
    *(("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1"), ("PNG", "I;16"), ("JPEG", "RGB"), ("JPEG", "CMYK")),
    *(
        ("GIF", "P"),
        ("WEBP", "RGBA"),
        ("BMP", "RGB"),
        ("TIFF", "RGB"),
        ("TIFF", "F"),
        ("TIFF", "CMYK"),
        ("ICO", "RGBA"),
    ),
)
PDF_ERRORS = Exception
"""What the reader of PDFs may end in: in its process of its own, any end of it is a refusal."""


@cache
def _pictures() -> tuple[bytes, ...]:
    found: list[bytes] = []
    for form, mode in FORMS:
        for size in ((3, 2), (40, 30)):
            out = io.BytesIO()
            frames = [Image.new(mode, size)] * 2
            more = {"save_all": True, "append_images": frames[1:]} if form in ("GIF", "TIFF", "WEBP") else {}
            exif = Image.Exif()
            exif[0x0112], exif[0x010E] = 6, "CANARY-EXIF"
            tags = {"exif": exif.tobytes()} if form in ("JPEG", "WEBP", "PNG") and mode != "I;16" else {}
            frames[0].save(out, form, **more, **tags)
            found.append(out.getvalue())
    return tuple(found)


@cache
def _documents() -> tuple[bytes, ...]:
    found: list[bytes] = []
    for pages in (1, 3):
        writer, out = PdfWriter(), io.BytesIO()
        for _ in range(pages):
            writer.add_blank_page(100, 100)
        writer.add_metadata({"/Title": "CANARY"})
        writer.write(out)
        found.append(out.getvalue())
    stream = b"BT /F1 12 Tf (Hello) Tj ET"
    page = (
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/A>>>>>>>>"
    )
    parts = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page]
    parts.append(b"<</Length %d>>stream\n%b\nendstream" % (len(stream), stream))
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (n + 1, part) for n, part in enumerate(parts))
    found.append(b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF")
    return tuple(found)


def made(rng: Random) -> bytes:
    """Return a picture or a text, mostly a damaged one."""
    if rng.random() < 0.25:
        return text(rng, 400).encode(rng.choice(("utf-8", "utf-16", "utf-8")), "surrogatepass")
    data = rng.choice(_pictures())
    return garbled(rng, data) if rng.random() < 0.85 else data


def take(data: bytes) -> None:
    """Take a file in; hold that it is refused in a sentence, or that what was taken in is what it claims."""
    if data.startswith(b"%PDF-"):
        return  # read in a process of its own: the next door
    try:
        with warnings.catch_warnings(record=True):
            part = _desk().take("../a\\b\0\u202e.png", data)
    except AttachmentError as error:
        sendable(error.sentence, "a refusal")
        return
    sendable([part.blob.name, part.blob.mime], "the part")
    holds("/" not in part.blob.name, "a name with a folder in it")
    kept = _desk().blobs.read(part.blob)
    holds(len(kept) == part.blob.size, f"{len(kept)} bytes are kept, {part.blob.size} are named")
    if part.kind == "image":
        shown = Image.open(io.BytesIO(kept))
        holds((part.blob.width, part.blob.height) == shown.size, "a size that is not the picture's")


@cache
def _desk() -> Attachments:
    return Attachments(Blobs(Path(tempfile.mkdtemp(prefix="aether-fuzz-"))))


def document_made(rng: Random) -> bytes:
    """Return a PDF, mostly a damaged one."""
    data = rng.choice(_documents())
    return garbled(rng, data) if rng.random() < 0.9 else data


def read_document(data: bytes) -> None:
    """Read a PDF as its process does: in bounds of time and memory it ends in a text or in an error."""
    try:
        with warnings.catch_warnings(record=True):
            found = read_pdf(data)
    except (PDF_ERRORS, RecursionError):
        return
    holds(isinstance(found[0], str) and len(found[0]) <= 400_000, "a text without bound")


DOORS = (
    Door("uploads", made, take, 15_000, 150),
    Door("documents", document_made, read_document, 50_000, 60),
)

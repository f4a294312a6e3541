"""What a person hands in → parts of a message: sniffed, checked, made fit for every target.

The name and the declared type are not believed: the bytes tell what it is. A picture
becomes one that all services take, its original is kept beside it; of a document the text
is kept too, for models that read nothing else. `take` blocks: it is called in a thread.
"""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath

from PIL import Image as Pictures
from PIL import ImageOps, UnidentifiedImageError

from aether.errors import AetherError
from aether.store.blobs import Blobs
from aether.transcript import Blob, File, Image

LARGEST_FILE = 10_000_000
"""Bytes of one file."""
MOST_PIXELS = 50_000_000
LONGEST_EDGE = 1568
"""Pixels; larger pictures are scaled down by the services anyway (Anthropic's vision guide)."""
LARGEST_PICTURE = 3_700_000
"""Bytes of the picture that is sent: 5 MB in base64, the tightest limit known (claude-code#10612)."""
MOST_CHARS = 400_000
"""Characters of a text, or of what stands in a PDF, that models are shown."""
CUT = "[Cut here: the file goes on, and what follows was not taken in.]"
"""Ends the text of a file that is longer than that."""
READABLE = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "MPO")
"""Forms of pictures that are opened at all: some others would start programs."""
Pictures.init()
PDF_READER = Path(__file__).parent / "pdf_reader.py"
PDF_S = 25.0
KEPT_AS_THEY_ARE = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}


class AttachmentError(AetherError):
    """Say why a file cannot be taken."""

    kind = "attachment"
    remedy = "Your message is kept."


def picture_type(data: bytes) -> str | None:
    """Return the type of a picture that models and browsers show, by its first bytes; None for anything else."""
    starts = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in starts.items() if data.startswith(start)), None)


@dataclass(frozen=True)
class Attachments:
    """Take files in, into the folder of bytes."""

    blobs: Blobs

    def take(self, name: str, data: bytes) -> Image | File:
        """Return the part for a file named `name`; raise AttachmentError with a plain sentence."""
        name = PurePath(name.replace("\\", "/")).name[:120] or "file"
        if not data:
            raise AttachmentError(f"{name} is empty.")
        if len(data) > LARGEST_FILE:
            raise AttachmentError(f"{name} is larger than {LARGEST_FILE // 1_000_000} MB.")
        if data.startswith(b"%PDF-"):
            return File(self._keep(name, data, "application/pdf"), _pdf_text(name, data))
        if (text := _plain_text(data)) is not None:
            return File(self._keep(name, data, "text/plain"), _bounded(text))
        return self._picture(name, data)

    def _keep(self, name: str, data: bytes, mime: str, *, size: tuple[int, int] = (0, 0)) -> Blob:
        return Blob(self.blobs.put(data), mime, name, len(data), *size)

    def _picture(self, name: str, data: bytes) -> Image:
        try:
            picture = Pictures.open(io.BytesIO(data), formats=[form for form in READABLE if form in Pictures.OPEN])
            kind, size = str(picture.format), picture.size
            if size[0] * size[1] > MOST_PIXELS:  # the header tells; nothing was decoded yet
                raise AttachmentError(f"{name} has too many pixels: {size[0]}×{size[1]}.")
            mime = KEPT_AS_THEY_ARE.get(kind)
            if mime and max(size) <= LONGEST_EDGE and len(data) <= LARGEST_PICTURE:
                picture.verify()
                return Image(self._keep(name, data, mime, size=size))
            sent, mime = _rendition(picture)
        except (UnidentifiedImageError, Pictures.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
            raise AttachmentError(f"{name} is no picture, PDF or text that can be read.") from error
        original = self._keep(name, data, f"image/{kind.lower()}", size=size)
        shown = Pictures.open(io.BytesIO(sent)).size
        return Image(self._keep(name, sent, mime, size=shown), original)


def _rendition(picture: Pictures.Image) -> tuple[bytes, str]:
    """Return the picture in a size and form that every service takes, and its type."""
    upright = ImageOps.exif_transpose(picture)
    clear = upright.has_transparency_data
    upright = upright.convert("RGBA" if clear else "RGB")
    upright.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    out = io.BytesIO()
    if clear:
        upright.save(out, "PNG", optimize=True)
        if out.tell() <= LARGEST_PICTURE:
            return out.getvalue(), "image/png"
        out, upright = io.BytesIO(), upright.convert("RGB")
    upright.save(out, "JPEG", quality=88)
    return out.getvalue(), "image/jpeg"


def _plain_text(data: bytes) -> str | None:
    if b"\0" in data[:8192]:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _bounded(text: str, *, goes_on: bool = False) -> str:
    """Return as much of a text as is taken in; where it was cut, it says so."""
    return f"{text[:MOST_CHARS]}\n\n{CUT}" if goes_on or len(text) > MOST_CHARS else text


def is_cut(part: Image | File) -> bool:
    """Tell whether only the beginning of a file's text was taken in."""
    return isinstance(part, File) and (part.text or "").endswith(CUT)


def _pdf_text(name: str, data: bytes) -> str | None:
    """Return the text of a PDF, bounded; None if it has none, as a scan has. It is read in a process of its own."""
    command = [sys.executable, "-I", str(PDF_READER)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=PDF_S, env={}, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        raise AttachmentError(f"{name} is a PDF that cannot be read.") from error
    text = done.stdout.decode("utf-8", "replace")
    return _bounded(text, goes_on=done.stderr.endswith(b"more\n")) if text else None

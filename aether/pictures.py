"""A picture of a stranger → one without metadata that every service takes. It runs in a worker process.

Where a picture is small and of a form that services take, its pixels stay as they are and only those
pieces of the file are copied that pixels need: an allow-list, so that what nobody thought of is left
behind as well. Any other is drawn anew. The orientation that a camera noted is applied; of an animated
picture the first frame is taken.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from PIL import Image as Pictures
from PIL import ImageOps, UnidentifiedImageError

from aether.bounds import FILE_BYTES, PICTURE_BYTES, PICTURE_EDGE_PIXELS, PIXELS, WHOLE_PIXELS

READABLE = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "MPO")
"""Forms of pictures that are opened at all: some others would start programs."""
SENDABLE = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs", b"IDAT", b"IEND")
JPEG_SEGMENTS = (*range(0xC0, 0xC8), *range(0xC9, 0xD0), 0xDA, 0xDB, 0xDD)
"""Frames, tables, scans."""
JFIF_BYTES, ADOBE_BYTES = 16, 14
"""Lengths of the two headers that tell how colours are to be read, without a thumbnail in them."""
ORIENTATION = 0x0112
Pictures.init()


class PictureError(ValueError):
    """Say that bytes are no picture that can be taken; `size` is set where it has too many pixels."""

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        super().__init__("not a picture")
        self.size = size


@dataclass(frozen=True)
class Drawing:
    """The bytes of a picture, and what they are."""

    data: bytes
    mime: str
    width: int
    height: int


@dataclass(frozen=True)
class Cleaned:
    """What is taken of a picture: what is sent; all of its pixels, if those are more; whether it was animated."""

    sent: Drawing
    full: Drawing | None
    is_animated: bool


def picture_type(data: bytes) -> str | None:
    """Return the type of a picture that models and browsers show, by its first bytes; None for anything else."""
    starts = {b"\xff\xd8\xff": "image/jpeg", PNG_HEAD: "image/png", b"GIF8": "image/gif"}
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in starts.items() if data.startswith(start)), None)


def cleaned(data: bytes) -> Cleaned:
    """Return what is taken of a picture; raise PictureError for what is none, or too large."""
    try:
        return _cleaned(data)
    except PictureError:
        raise
    except (UnidentifiedImageError, Pictures.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise PictureError from error
    except (TypeError, KeyError, IndexError, AttributeError, ZeroDivisionError, OverflowError) as error:
        raise PictureError from error  # a decoder that trusts what a damaged file says


def _cleaned(data: bytes) -> Cleaned:
    picture: Any = Pictures.open(io.BytesIO(data), formats=[form for form in READABLE if form in Pictures.OPEN])
    form, size = str(picture.format), cast("tuple[int, int]", picture.size)
    if size[0] * size[1] > PIXELS:  # the header tells; nothing was decoded yet
        raise PictureError(size)
    is_animated = form in ("GIF", "WEBP", "PNG") and bool(getattr(picture, "is_animated", False))
    is_upright = picture.getexif().get(ORIENTATION, 1) == 1
    is_small = form in SENDABLE and max(size) <= PICTURE_EDGE_PIXELS and len(data) <= PICTURE_BYTES
    if is_small:
        picture.load()  # a file that only seems to be a picture is none
    if is_small and is_upright and (kept := _without_metadata(data, form)) is not None:
        return Cleaned(Drawing(kept, SENDABLE[form], *size), None, is_animated)
    if size[0] * size[1] > WHOLE_PIXELS:
        return Cleaned(_rendition(_upright(_scaled(picture))), None, is_animated)
    tables = _tables(picture) if form == "JPEG" else {}
    pixels = _upright(picture)
    full = _encoded(pixels, form, **tables)
    if is_small and full is not None and len(full.data) <= PICTURE_BYTES:
        return Cleaned(full, None, is_animated)
    return Cleaned(_rendition(pixels), full, is_animated)


def _upright(picture: Any) -> Any:
    """Return the pixels the right way up, with nothing beside them that an encoder might write."""
    pixels = ImageOps.exif_transpose(picture)
    pixels.info = {key: value for key, value in pixels.info.items() if key == "transparency"}
    return pixels


def _scaled(picture: Any) -> Any:
    """Scale a very large picture down in its place: it is never in memory twice."""
    picture.draft(None, (PICTURE_EDGE_PIXELS * 2, PICTURE_EDGE_PIXELS * 2))
    if picture.mode in ("RGBA", "LA"):  # any other way makes a second one of the same size
        picture = picture.resize([max(1, edge // 2) for edge in picture.size], Pictures.Resampling.NEAREST)
    if picture.mode == "P":
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.thumbnail((PICTURE_EDGE_PIXELS, PICTURE_EDGE_PIXELS))
    return picture


def _tables(picture: Any) -> dict[str, Any]:
    """Return the tables that a JPEG was written with: with them, hardly anything is lost when it is written again."""
    from PIL.JpegImagePlugin import get_sampling

    sampling = get_sampling(picture)
    return {"qtables": picture.quantization, **({"subsampling": sampling} if sampling >= 0 else {})}


def _encoded(pixels: Any, form: str, **more: Any) -> Drawing | None:
    """Return all pixels in the form that they came in; None where that is too large, or cannot be written."""
    out = io.BytesIO()
    form = "JPEG" if form == "MPO" else form
    quality = {"WEBP": {"quality": 95}, "AVIF": {"quality": 90}}.get(form, {})
    try:
        pixels.save(out, form, **quality, **more)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Drawing(out.getvalue(), f"image/{form.lower()}", *pixels.size) if out.tell() <= FILE_BYTES else None


def _rendition(pixels: Any) -> Drawing:
    """Return the picture in a size and form that every service takes."""
    clear = pixels.has_transparency_data
    if pixels.mode not in ("RGB", "RGBA"):
        pixels = pixels.convert("RGBA" if clear else "RGB")
    pixels.thumbnail((PICTURE_EDGE_PIXELS, PICTURE_EDGE_PIXELS))
    pixels.info = {}
    out = io.BytesIO()
    if clear:
        pixels.save(out, "PNG", optimize=True)
        if out.tell() <= PICTURE_BYTES:
            return Drawing(out.getvalue(), "image/png", *pixels.size)
        out, pixels = io.BytesIO(), pixels.convert("RGB")
    pixels.convert("RGB").save(out, "JPEG", quality=88)
    return Drawing(out.getvalue(), "image/jpeg", *pixels.size)


def _without_metadata(data: bytes, form: str) -> bytes | None:
    """Return the same pixels in a file that holds nothing else; None for a form that has to be drawn anew."""
    if form == "PNG":
        chunks = list(_png_chunks(data))
        is_whole = bool(chunks) and chunks[-1][4:8] == b"IEND"
        return PNG_HEAD + b"".join(chunks) if is_whole else None  # a file that breaks off is drawn anew
    if form == "JPEG":
        return b"\xff\xd8" + b"".join(_jpeg_segments(data)) + b"\xff\xd9"
    return None


def _png_chunks(data: bytes) -> Iterator[bytes]:
    at = len(PNG_HEAD)
    while at + 12 <= len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return
        if kind in PNG_CHUNKS:
            yield data[at:end]
        if kind == b"IEND":
            return
        at = end


def _jpeg_segments(data: bytes) -> Iterator[bytes]:
    """Yield the segments that pixels need, each scan with what follows it, up to the end of the picture."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise PictureError
        marker = data[at + 1]
        if marker == 0xFF:  # filling
            at += 1
            continue
        if marker == 0xD9:
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise PictureError
        if marker == 0xDA:
            end = _scan_end(data, end)
        if marker in JPEG_SEGMENTS or _is_colour_header(marker, length, data[at + 4 : at + 9]):
            yield data[at:end]
        at = end


def _scan_end(data: bytes, at: int) -> int:
    """Return where the pixels of a scan end: at the first marker that is neither a restart nor an escaped byte."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2
    return len(data)


def _is_colour_header(marker: int, length: int, name: bytes) -> bool:
    jfif = marker == 0xE0 and length == JFIF_BYTES and name == b"JFIF\0"
    return jfif or (marker == 0xEE and length == ADOBE_BYTES and name == b"Adobe")

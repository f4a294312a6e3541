"""Bytes that somebody hands in → JSON values, bounded; a ZIP as the services send it is opened. Pure.

It runs in a worker process: what is made to take very long, or to fill the memory, ends that.
"""

from __future__ import annotations

import io
import json
import lzma
import zipfile
import zlib
from typing import NoReturn

from aether.bounds import FILE_BYTES, UNPACKED_BYTES, ZIP_ENTRIES
from aether.transcript import TranscriptError

UNREADABLE = (NotImplementedError, OSError, RuntimeError, EOFError, ValueError)
"""What the reader of a damaged ZIP ends in, beside the errors of its decoders."""
INSIDE = "conversations.json"
"""The file inside the ZIP that ChatGPT and Claude send."""
CHUNK_BYTES = 1_000_000


def load(name: str, data: bytes) -> object:
    """Return the JSON value of a file; raise TranscriptError with a plain sentence."""
    shown = " ".join(name.replace("\\", "/").rsplit("/", 1)[-1].split())[:80] or "The file"
    if len(data) > FILE_BYTES:
        raise TranscriptError(f"{shown} is larger than {FILE_BYTES // 1_000_000} MB.")
    if data.startswith(b"PK\x03\x04"):
        data = _unpacked(shown, data)
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise TranscriptError(f"{shown} is no text.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise TranscriptError(f"{shown} is not JSON that can be read. It may be cut off.") from error


def _unpacked(shown: str, data: bytes) -> bytes:
    """Return the one file inside that is read, unpacked piece by piece: what a ZIP says of sizes is not believed."""
    unpacked = bytearray()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = packed.infolist()
            if len(entries) > ZIP_ENTRIES:
                raise TranscriptError(f"{shown} is a ZIP of more than {ZIP_ENTRIES:,} files.")
            inside = next((e for e in entries if e.filename.rsplit("/", 1)[-1] == INSIDE), None)
            if inside is None:
                raise TranscriptError(f"{shown} holds no {INSIDE}.")
            with packed.open(inside) as file:
                while len(unpacked) <= UNPACKED_BYTES and (piece := file.read(CHUNK_BYTES)):
                    unpacked += piece
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, *UNREADABLE) as error:
        raise TranscriptError(f"{shown} is a ZIP that cannot be opened.") from error
    if len(unpacked) > UNPACKED_BYTES:
        raise TranscriptError(f"What is inside {shown} is larger than {UNPACKED_BYTES // 1_000_000} MB.")
    return bytes(unpacked)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")

"""Bytes that somebody hands in → JSON values, bounded; a ZIP as the services send it is opened. Pure."""

from __future__ import annotations

import io
import json
import zipfile
from typing import NoReturn

from aether.transcript import TranscriptError

LARGEST = 50_000_000
"""Bytes of a file, and of what is unpacked from it."""
INSIDE = "conversations.json"
"""The file inside the ZIP that ChatGPT and Claude send."""


def load(name: str, data: bytes) -> object:
    """Return the JSON value of a file; raise TranscriptError with a plain sentence."""
    shown = " ".join(name.replace("\\", "/").rsplit("/", 1)[-1].split())[:80] or "The file"
    if len(data) > LARGEST:
        raise TranscriptError(f"{shown} is larger than {LARGEST // 1_000_000} MB.")
    if data.startswith(b"PK\x03\x04"):
        data = _unpacked(shown, data)
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise TranscriptError(f"{shown} is no text.") from error
    except (ValueError, RecursionError) as error:
        raise TranscriptError(f"{shown} is not JSON that can be read. It may be cut off.") from error


def _unpacked(shown: str, data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            inside = next((n for n in packed.namelist() if n.rsplit("/", 1)[-1] == INSIDE), None)
            if inside is None:
                raise TranscriptError(f"{shown} holds no {INSIDE}.")
            with packed.open(inside) as file:
                unpacked = file.read(LARGEST + 1)
    except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError, EOFError, ValueError) as error:
        raise TranscriptError(f"{shown} is a ZIP that cannot be opened.") from error
    if len(unpacked) > LARGEST:
        raise TranscriptError(f"What is inside {shown} is larger than {LARGEST // 1_000_000} MB.")
    return unpacked


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")

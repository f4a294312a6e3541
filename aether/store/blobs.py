"""Bytes by their SHA-256: written once, never changed, the same bytes stored once."""

from __future__ import annotations

import re
import tempfile
from hashlib import sha256
from pathlib import Path

from aether.transcript import Blob

DIGEST = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """A folder of files named after what is in them. Made when the first bytes come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Store `data`; return its digest. Raises OSError when the disk takes no more."""
        digest = sha256(data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(data)
            Path(file.name).replace(path)  # a half-written file never bears the name
        return digest

    def read(self, blob: Blob) -> bytes:
        """Return the bytes of `blob`; raise KeyError if they are not here."""
        if not DIGEST.fullmatch(blob.sha256):
            raise KeyError(blob.sha256)
        try:
            return self._path(blob.sha256).read_bytes()
        except FileNotFoundError:
            raise KeyError(blob.sha256) from None

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

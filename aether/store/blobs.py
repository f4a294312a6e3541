"""Bytes by their SHA-256: written once, never changed, the same bytes stored once.

They lie in the database, which all machines share, and as a copy in a folder of this machine. They are
read from the folder: a request to a model waits for no database. What the database could not
take is brought to it with the next bytes.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa

from aether.store.conversations import Store, StoreError
from aether.store.tables import BLOBS
from aether.transcript import Blob

DIGEST = re.compile(r"[0-9a-f]{64}")
_KEEP = sa.text("INSERT INTO blobs (sha256, data) VALUES (:sha256, :data) ON CONFLICT DO NOTHING")


class Blobs:
    """A folder of files named after what is in them, before a store that keeps them for all machines."""

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self._folder = folder
        self._store = store
        self._owed: set[str] = set()

    def put(self, data: bytes) -> str:
        """Store `data`; return its digest. Raises OSError when the disk takes no more."""
        digest = sha256(data).hexdigest()
        self._write(digest, data)
        self._owed.add(digest)
        self._pay()
        return digest

    def read(self, blob: Blob) -> bytes:
        """Return the bytes of `blob`; raise KeyError if they are not here."""
        if not DIGEST.fullmatch(blob.sha256):
            raise KeyError(blob.sha256)
        try:
            return self._path(blob.sha256).read_bytes()
        except FileNotFoundError:
            return self._fetch(blob.sha256)

    def bring(self, blobs: Iterable[Blob]) -> None:
        """See to it that what another machine took in can be read here without waiting."""
        for blob in blobs:
            with suppress(KeyError):
                self.read(blob)

    def _fetch(self, digest: str) -> bytes:
        """Return the bytes that the database has, and keep a copy; raise KeyError."""
        data: object = None
        if self._store is not None:
            with suppress(StoreError), self._store.reading() as connection:
                data = connection.execute(sa.select(BLOBS.c.data).where(BLOBS.c.sha256 == digest)).scalar()
        if not isinstance(data, bytes) or sha256(data).hexdigest() != digest:
            raise KeyError(digest)
        with suppress(OSError):  # the disk is full: it is fetched again
            self._write(digest, data)
        return data

    def _write(self, digest: str, data: bytes) -> None:
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=path.parent)
            fresh = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                fresh.replace(path)  # a half-written file never bears the name
            except OSError:
                fresh.unlink(missing_ok=True)  # nor does it stay on a disk that is full
                raise

    def _pay(self) -> None:
        """Bring to the database what it does not have yet."""
        if self._store is None:
            return
        for digest in tuple(self._owed):
            with suppress(StoreError):
                with self._store.writing() as connection:
                    connection.execute(_KEEP, {"sha256": digest, "data": self._path(digest).read_bytes()})
                self._owed.discard(digest)

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

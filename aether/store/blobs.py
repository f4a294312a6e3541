"""Bytes by their SHA-256: written once, never changed, the same bytes stored once.

They lie in the database, which all machines share, and as a copy in a folder of this machine. They are
read from the folder: a request to a model waits for no database. What the database could not
take is brought to it with the next bytes.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa

from aether.store import references
from aether.store.conversations import Store, StoreError
from aether.store.tables import BLOBS
from aether.transcript import Blob

NOBODY = "nobody"
"""The owner of what was handed in by somebody unknown."""
DIGEST = re.compile(r"[0-9a-f]{64}")
_KEEP = sa.text("INSERT INTO blobs (sha256, data) VALUES (:sha256, :data) ON CONFLICT DO NOTHING")


class Blobs:
    """A folder of files named after what is in them, before a store that keeps them for all machines."""

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self._folder = folder
        self._store = store
        self._owed: dict[str, tuple[str, int]] = {}

    def put(self, data: bytes, *, owner: str = "") -> str:
        """Store `data` for a visitor; return its digest. Raises OSError when the disk takes no more."""
        digest = sha256(data).hexdigest()
        self._write(digest, data)
        self._owed[digest] = (owner or NOBODY, len(data))
        self._pay()
        return digest

    def keep_only(self, digests: Collection[str], *, before: float) -> int:
        """Delete the files that are older than a moment and not named; return how many."""
        old = [path for path in self._folder.glob("??/*") if path.name not in digests and path.name not in self._owed]
        gone = [path for path in old if path.stat().st_mtime < before]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

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
        if path.exists():
            os.utime(path)  # no sweep takes it for an old one
        else:
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
        for digest, (owner, size) in tuple(self._owed.items()):
            with suppress(StoreError):
                with self._store.writing() as connection:
                    references.refer(connection, owner, owner, [Blob(digest, "", "", size)])
                    connection.execute(_KEEP, {"sha256": digest, "data": self._path(digest).read_bytes()})
                self._owed.pop(digest, None)

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

"""The files that were handed out: few for each visitor, deleted after some minutes, readable by this user alone."""

from __future__ import annotations

import os
import secrets
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from gradio.utils import get_upload_folder

OUTBOX_S = 600
"""Seconds that a file which was handed out stays on the disk."""
MAX_FILES = 4
"""Files of one visitor that are there at once; an older one is deleted."""
MAX_BYTES = 200_000_000
"""Bytes of the files of all visitors."""


class Outbox:
    """Write files to hand out, and delete them."""

    def __init__(self) -> None:
        self._files: OrderedDict[Path, tuple[str, int]] = OrderedDict()

    def write(self, name: str, data: bytes) -> Path:
        """Return the path of a new file; raise OSError, and leave nothing, when the disk takes no more. Blocks."""
        folder = Path(get_upload_folder()) / "exports" / secrets.token_hex(8)
        folder.mkdir(parents=True, mode=0o700)
        try:
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
        except OSError:
            self.delete(folder / name)
            raise
        return folder / name

    def add(self, path: Path, size: int, *, owner: str) -> None:
        """Count a file that was written, and delete the oldest beyond the bounds of its visitor and of all.

        For the event loop alone, as `delete` of a file that was counted.
        """
        self._files[path] = (owner, size)
        own = [path for path, (whose, _) in self._files.items() if whose == owner]
        for path in own[:-MAX_FILES]:
            self.delete(path)
        while sum(size for _, size in self._files.values()) > MAX_BYTES and len(self._files) > 1:
            self.delete(next(iter(self._files)))

    def delete(self, path: Path) -> None:
        """Delete a file, if it is still there."""
        self._files.pop(path, None)
        for remove in (path.unlink, path.parent.rmdir):
            with suppress(OSError):
                remove()

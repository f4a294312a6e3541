"""A small disk that can be filled and freed while a process writes to it."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.app_process import AppProcess

SIZE = "16m"


class Disk:
    """A file system of its own where it can be mounted; else a limit to the size of each file of the process."""

    def __init__(self, folder: Path, *, is_mounted: bool) -> None:
        self.folder = folder
        self.is_mounted = is_mounted
        self._filler = folder / "filler"
        self._limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def fill(self, app: AppProcess) -> None:
        """Leave no room for another byte."""
        if not self.is_mounted:
            self._limits = resource.prlimit(app.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(app.pid, resource.RLIMIT_FSIZE, (1, self._limits[1]))
            return
        with self._filler.open("wb", buffering=0) as file:
            for size in (65_536, 1):
                while _written(file.fileno(), size):
                    pass

    def free(self, app: AppProcess) -> None:
        """Make room again."""
        if self.is_mounted:
            self._filler.unlink()
        else:
            resource.prlimit(app.pid, resource.RLIMIT_FSIZE, self._limits)


def _written(file: int, size: int) -> int:
    try:
        return os.write(file, bytes(size))
    except OSError:
        return 0


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Yield a small disk, mounted at `folder` where this user may mount anything."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    is_mounted = not os.geteuid() and not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield Disk(folder, is_mounted=is_mounted)
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)

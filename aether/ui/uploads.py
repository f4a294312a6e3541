"""The files of one upload: how many, what they are called, and that nothing stays of an upload that is refused.

Gradio's parser takes a thousand files, and removes what it has written in one of the ways in which an
upload can end. This one counts before a file is made, and removes what it has made in every other way.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any, cast

from gradio import route_utils
from gradio.route_utils import GradioMultiPartParser, GradioUploadFile
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException

from aether.bounds import FILES_PER_UPLOAD, NAME_CHARS

FIELD = "files"


class UploadParser(GradioMultiPartParser):
    """Parse an upload within the bounds; raise MultiPartException, which is answered with 400."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"max_files": FILES_PER_UPLOAD, "max_fields": FILES_PER_UPLOAD})

    def on_headers_finished(self) -> None:
        """Make the file of a part, under a name that any file system takes."""
        super().on_headers_finished()
        file = self._current_part.file
        if file is not None:
            cast(Any, file).filename = _safe(file.filename or "")

    async def parse(self) -> FormData:
        """Return the parts of the upload."""
        try:
            form = await super().parse()
            if any(name != FIELD or not isinstance(item, GradioUploadFile) for name, item in form.multi_items()):
                raise MultiPartException("An upload holds nothing but files.")
        except BaseException as error:
            self._remove_files()
            if isinstance(error, MultiPartException):
                async for _ in self.stream:  # who is still sending would not read the answer; the gate bounds it
                    pass
            raise
        return form

    def _remove_files(self) -> None:
        for file in cast("list[Any]", self._files_to_close_on_error):
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                Path(file.name).unlink(missing_ok=True)


def bound_uploads() -> None:
    """Let Gradio parse uploads with this."""
    cast(Any, route_utils).GradioMultiPartParser = UploadParser


def _safe(name: str) -> str:
    """Return the last part of a path, bounded with its ending kept."""
    path = PurePath(name.replace("\\", "/").replace("\0", ""))
    ending = path.suffix[:20]
    if path.name in ("", ".."):
        return "file"
    return path.name[: NAME_CHARS - len(ending)].removesuffix(ending) + ending

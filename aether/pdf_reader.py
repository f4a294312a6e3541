"""The text of one PDF, and how many pages it has, within bounds. It runs in a worker process.

A file that was made to be read for ever, or to fill the memory, ends that process and nothing else.
"""

from __future__ import annotations

import io
import logging
import re
from contextlib import suppress
from typing import Any

from pypdf import PdfReader

from aether.bounds import COUNT, FILE_TEXT_CHARS, PDF_PAGES

PAGE = re.compile(rb"/Type\s*/Page\b")
"""A page, where it stands in the open."""


def read(data: bytes) -> tuple[str, bool, int]:
    """Return the text of a PDF, page by page; whether it goes on; and how many pages it may be taken to have.

    Readers differ in what they make of a damaged file, and services are paid by the page: the largest of
    what the pages themselves, the file's own count and the bytes say is taken.
    """
    logging.getLogger("pypdf").disabled = True
    reader = PdfReader(io.BytesIO(data))
    pages = reader.pages
    texts: list[str] = []
    chars = 0
    for number in range(min(len(pages), PDF_PAGES)):
        texts.append(pages[number].extract_text().strip())
        chars += len(texts[-1])
        if chars > FILE_TEXT_CHARS:
            break
    text = "\n\n".join(texts).strip().encode("utf-8", "replace").decode()
    count = max(len(pages), _claimed(reader), len(PAGE.findall(data)), 1)
    return text[:FILE_TEXT_CHARS], len(texts) < len(pages) or len(text) > FILE_TEXT_CHARS, count


def _claimed(reader: PdfReader) -> int:
    """Return how many pages the file says that it has; 0 if that makes no sense."""
    with suppress(Exception):
        root: Any = reader.root_object["/Pages"]
        count = int(root.get_object()["/Count"])
        return count if 0 < count < COUNT else 0
    return 0

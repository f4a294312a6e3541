"""The child process: the text of one PDF, within bounds. Run by path; imports nothing of Aether.

Reads the file from its standard input, writes the text to its standard output, and to its standard
error a word if there is more in the file than that. A file that was
made to be read for ever, or to fill the memory, ends this process and nothing else.
"""

from __future__ import annotations

import io
import logging
import sys
from contextlib import suppress

from pypdf import PdfReader

MOST_PAGES = 200
MOST_CHARS = 400_000
CPU_S = 20
MEMORY_BYTES = 1_500_000_000


def read(data: bytes) -> tuple[str, bool]:
    """Return the text of a PDF, page by page, and whether it goes on."""
    pages = PdfReader(io.BytesIO(data)).pages
    texts: list[str] = []
    for number in range(min(len(pages), MOST_PAGES)):
        texts.append(pages[number].extract_text().strip())
        if sum(map(len, texts)) > MOST_CHARS:
            break
    text = "\n\n".join(texts).strip()
    return text[:MOST_CHARS], len(texts) < len(pages) or len(text) > MOST_CHARS


def _bound() -> None:
    with suppress(ImportError, OSError, ValueError):  # not every system has such bounds
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    _bound()
    logging.disable()
    text, goes_on = read(sys.stdin.buffer.read())
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    if goes_on:
        print("more", file=sys.stderr)

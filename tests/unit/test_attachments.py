"""What a person hands in, and what of it is taken in."""

from __future__ import annotations

from pathlib import Path

from aether.attachments import CUT, Attachments, is_cut
from aether.bounds import FILE_TEXT_CHARS as MOST_CHARS
from aether.bounds import PDF_PAGES as MOST_PAGES
from aether.store.blobs import Blobs
from aether.transcript import File


def taken(folder: Path, name: str, data: bytes) -> File:
    part = Attachments(Blobs(folder)).take(name, data)
    assert isinstance(part, File)
    return part


def pdf(pages: int) -> bytes:
    """Return a PDF whose pages all say "plum"."""
    kids = " ".join(f"{n} 0 R" for n in range(5, 5 + pages))
    page = "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 3 0 R>>>>/MediaBox[0 0 99 99]>>"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        "<</Length 32>>stream\nBT /F1 12 Tf 9 9 Td (plum) Tj ET\nendstream",
        *[page] * pages,
    ]
    written, places = "%PDF-1.4\n", ""
    for number, held in enumerate(objects, 1):
        places += f"{len(written):010} 00000 n \n"
        written += f"{number} 0 obj{held}endobj\n"
    size = len(objects) + 1
    table = f"xref\n0 {size}\n0000000000 65535 f \n{places}trailer<</Root 1 0 R/Size {size}>>\n"
    return f"{written}{table}startxref\n{len(written)}\n%%EOF\n".encode()


def test_a_text_that_is_too_long_says_where_it_was_cut(tmp_path: Path) -> None:
    whole, long = taken(tmp_path, "a.txt", b"x" * MOST_CHARS), taken(tmp_path, "b.txt", b"x" * (MOST_CHARS + 1))
    assert not is_cut(whole)
    assert is_cut(long)
    assert long.text == f"{whole.text}\n\n{CUT}"


def test_a_document_with_too_many_pages_says_where_it_was_cut(tmp_path: Path) -> None:
    whole, long = taken(tmp_path, "a.pdf", pdf(2)), taken(tmp_path, "b.pdf", pdf(MOST_PAGES + 1))
    assert whole.text == "plum\n\nplum"
    assert long.text is not None
    assert (is_cut(whole), is_cut(long)) == (False, True)
    assert long.text.count("plum") == MOST_PAGES

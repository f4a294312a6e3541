"""The head of a request, read strictly: there is one way to tell where the request ends. Pure.

A proxy and this server must never disagree about that. What two readers may read in two ways
is refused: two lengths, a length beside chunks, folded lines, bare line feeds, white space
before a colon. A parser that is lenient by the letter of the standard comes after this.
"""

from __future__ import annotations

import re

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 128
_END = re.compile(rb"\r?\n\r?\n")
_REQUEST = re.compile(rb"[A-Z]{1,20} [\x21-\x7e]+ HTTP/1\.([01])")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_LENGTH = re.compile(rb"\d{1,15}")


def end_of(head: bytes | bytearray, *, since: int = 0) -> int:
    """Return the index behind the empty line that ends a head; -1 if it has not come. `since`: where to look on."""
    match = _END.search(head, max(0, since - 3))
    return match.end() if match else -1


def fault(head: bytes) -> tuple[int, str] | None:
    """Return the status and the sentence that refuse a head; None for one that can be read in one way alone."""
    if not head.endswith(b"\r\n\r\n"):
        return 400, "A line of the request does not end as a line must."
    first, *lines = head[:-4].split(b"\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None:
        return 400, "The request's first line cannot be read."
    if len(lines) > MAX_HEADERS:
        return 431, "The request has too many headers."
    values: dict[bytes, list[bytes]] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            return 400, "A header of the request cannot be read."
        values.setdefault(header[1].lower(), []).append(header[2].rstrip(b" \t"))
    return _length_fault(values, is_old=request[1] == b"0") or _expectation_fault(values)


def _length_fault(values: dict[bytes, list[bytes]], *, is_old: bool) -> tuple[int, str] | None:
    lengths, codings = values.get(b"content-length", []), values.get(b"transfer-encoding", [])
    if len(lengths) + len(codings) > 1:
        return 400, "The request says more than once how long it is."
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        return 400, "The request's length is no number."
    if codings and (is_old or codings[0].lower() != b"chunked"):
        return 400, "The request's transfer coding is not known."
    return None


def _expectation_fault(values: dict[bytes, list[bytes]]) -> tuple[int, str] | None:
    expected = values.get(b"expect", [])
    if expected and (len(expected) > 1 or expected[0].lower() != b"100-continue"):
        return 417, "The request expects what is not done here."
    return None

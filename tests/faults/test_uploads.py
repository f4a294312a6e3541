"""Files that visitors hand in (case 36): bombs, disguises, too many, too much; and that they go away again."""

from __future__ import annotations

import io
import socket
import struct
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from tests.app_process import AppProcess
from tests.faults.sharing import TOKEN, Visitor

MB = 1_000_000


def upload(visitor: Visitor, *files: tuple[str, bytes]) -> list[str]:
    """Hand files in; return where they lie."""
    answer = visitor.http.post("/gradio_api/upload", files=[("files", file) for file in files])
    assert answer.status_code == 200, answer.text
    return answer.json()


def announce(app: AppProcess, visitor: Visitor, size: int) -> str:
    """Say that an upload comes, and send nothing of it; return the head of the answer."""
    host, port = app.url.removeprefix("http://").split(":")
    head = [
        "POST /gradio_api/upload HTTP/1.1",
        f"Host: {host}:{port}",
        f"Content-Length: {size}",
        "Content-Type: multipart/form-data; boundary=x",
        f"X-Aether-Token: {TOKEN}",
        f"Cookie: aether_visitor={visitor.http.cookies['aether_visitor']}",
    ]
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall("\r\n".join([*head, "", ""]).encode())
        raw.shutdown(socket.SHUT_WR)
        return raw.recv(1000).decode()


def event_of(visitor: Visitor, elem_id: str, kind: str) -> int:
    """Return the number of a component's event, as the page knows it."""
    config = visitor.http.get("/config").json()
    component = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == elem_id)
    return next(d["id"] for d in config["dependencies"] if [component, kind] in d["targets"])


def attach(visitor: Visitor, name: str, data: bytes) -> str:
    """Take a file into the message, as the page does; return what it then shows."""
    held = [
        {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        for path in upload(visitor, (name, data))
    ]
    body = {"data": [held, None], "fn_index": event_of(visitor, "attach", "upload"), "session_hash": visitor.session}
    answer = visitor.http.post("/gradio_api/run/predict", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"])


def png(width: int, height: int) -> bytes:
    """Return the head of a picture of that size, and hardly any of its body."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def packed(name: str, data: bytes) -> bytes:
    """Return a ZIP that holds one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def pdf(objects: int) -> bytes:
    """Return a PDF of very many objects, whose pages lead back to themselves."""
    lines = [
        b"%PDF-1.7",
        b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj",
        b"2 0 obj<</Type/Pages/Count 9/Kids[2 0 R]>>endobj",
    ]
    lines += [b"%d 0 obj<</A %d 0 R>>endobj" % (n, n + 1) for n in range(3, objects)]
    return b"\n".join([*lines, b"trailer<</Root 1 0 R/Size %d>>" % objects, b"%%EOF"])


BOMBS = {
    "a picture of 2.5 billion points": ("bomb.png", png(50_000, 50_000)),
    "a packed picture": ("bomb.gz", zlib.compress(bytes(20 * MB))),
    "a document that leads to itself": ("loop.pdf", pdf(20_000)),
    "a document that is cut off": ("cut.pdf", b"%PDF-1.4\n" + b"\xff\x00" * 5_000),
    "a picture that would start a program": ("x.eps", b"\xc5\xd0\xd3\xc6" + bytes(200) + b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    "nothing": ("empty.txt", b""),
}


@pytest.mark.parametrize("what", BOMBS)
def test_case_36_a_bomb_is_refused_in_words_and_holds_nobody_up(link: AppProcess, what: str) -> None:
    visitor, other = Visitor(link), Visitor(link)
    with ThreadPoolExecutor(1) as pool:
        shown = pool.submit(attach, visitor, *BOMBS[what])
        assert other.http.get("/healthz", timeout=5).status_code == 200
        told = shown.result()
    assert 'class="receipt error"' in told.replace("\\", ""), told
    assert 'class="chip"' not in told


def test_case_36_a_packed_conversation_that_grows_is_refused(link: AppProcess) -> None:
    visitor = Visitor(link)
    bomb = packed("conversations.json", bytes(120 * MB))
    assert len(bomb) < MB
    for name, data in (("talk.zip", bomb), ("talk.zip", packed("a/b.json", b"{}")), ("talk.zip", bomb[:-40])):
        (path,) = upload(visitor, (name, data))
        told = visitor.call("import", {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}})
        assert told["turns"] == 0 and told["notes"]


def test_case_36_more_than_is_taken_is_refused_before_it_is_read(link: AppProcess) -> None:
    visitor = Visitor(link)

    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 1_000] * 3

    assert " 413 " in announce(link, visitor, 100 * MB)
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert visitor.http.post("/gradio_api/upload", content=pieces(), headers=kind).status_code == 411
    one = [("files", ("big.bin", bytes(11 * MB)))]
    assert visitor.http.post("/gradio_api/upload", files=one).status_code in (400, 413)
    many = [("files", (f"{n}.txt", b"x")) for n in range(1_001)]
    assert visitor.http.post("/gradio_api/upload", files=many).status_code in (400, 413)
    assert visitor.http.get("/").status_code == 200


DISGUISES = {
    "page.html": b"<script>window.pwned=1</script>",
    "page.png": b"<html><script>window.pwned=1</script></html>",
    "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.pwned=1"/>',
    "both.gif": b"GIF89a/*\0*/=1;window.pwned=1",
}


@pytest.mark.parametrize("name", DISGUISES)
def test_case_36_what_was_handed_in_never_becomes_a_page(link: AppProcess, name: str) -> None:
    visitor = Visitor(link)
    (path,) = upload(visitor, (name, DISGUISES[name]))
    served = visitor.http.get(f"/gradio_api/file={path}")
    if served.status_code == 200:
        assert "sandbox" in served.headers["content-security-policy"]
        assert served.headers["x-content-type-options"] == "nosniff"
        is_shown = served.headers["content-type"].startswith(("text/html", "image/svg"))
        assert not is_shown or "attachment" in served.headers["content-disposition"]
    attach(visitor, name, DISGUISES[name])
    digest = sha256(DISGUISES[name]).hexdigest()
    assert visitor.http.get(f"/api/picture/{digest}").status_code in (200, 404)
    if name != "both.gif":
        assert visitor.http.get(f"/api/picture/{digest}").status_code == 404


def test_case_36_a_visitors_share_of_the_disk_is_used_up(link: AppProcess) -> None:
    """What is announced counts, and nobody has to send it: of a hundred megabytes an hour, three times forty."""
    visitor, other = Visitor(link), Visitor(link)
    told = [announce(link, visitor, 40 * MB) for _ in range(3)]
    assert [" 429 " in head for head in told] == [False, False, True]
    assert upload(other, ("a.txt", b"x"))

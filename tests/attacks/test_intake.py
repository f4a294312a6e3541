"""What strangers hand in: files and conversations that claim more, hold more or cost more than they seem to."""

from __future__ import annotations

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pictures
from PIL.PngImagePlugin import PngInfo

from aether.bounds import UPLOADS_PER_HOUR
from tests.app_process import AppProcess
from tests.faults.sharing import Visitor, providers, shared
from tests.faults.test_uploads import attach, event_of, upload
from tests.scripted import ScriptedProvider

SECRET = "GPS-SECRET-52.1234"


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="module")
def link(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """A shared link whose models see pictures and read files."""
    text = providers(provider.url).replace("{ tools = true }", "{ tools = true, vision = true, files = true }")
    with shared(provider, tmp_path_factory.mktemp("intake"), providers=text, AETHER_LOG_LEVEL="INFO") as app:
        yield app


def told(visitor: Visitor, elem_id: str, kind: str, *data: object) -> str:
    """Let the page do something in a visitor's session; return what it shows."""
    body = {"data": [*data], "fn_index": event_of(visitor, elem_id, kind), "session_hash": visitor.session}
    answer = visitor.http.post("/gradio_api/run/predict", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"])


def send(visitor: Visitor, provider: ScriptedProvider, message: str) -> str:
    """Send the message with its files; return the body that a model was asked with."""
    before = len(provider.requests)
    with visitor.http.stream("GET", f"/gradio_api/heartbeat/{visitor.session}"):  # the page is open
        visitor.http.post("/gradio_api/run/boot", json={"data": [None], "session_hash": visitor.session})
        told(visitor, "send", "click", message, None, None)
        provider.wait_for(lambda server: [e for e in server.requests[before:] if e.is_answer], timeout_s=20)
    return json.dumps(provider.requests[-1].body)


def slow_pdf(pages: int, words: int) -> bytes:
    """Return a small PDF of many pages that all show one and the same long text."""
    text = zlib.compress(b"BT /F1 12 Tf 9 9 Td " + b"(a) Tj 1 0 Td " * words + b"ET", 9)
    kids = " ".join(f"{n} 0 R" for n in range(5, 5 + pages))
    page = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 3 0 R>>>>/MediaBox[0 0 99 99]>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(text), text),
        *[page] * pages,
    ]
    written, places = b"%PDF-1.4\n", b""
    for number, held in enumerate(objects, 1):
        places += b"%010d 00000 n \n" % len(written)
        written += b"%d 0 obj%sendobj\n" % (number, held)
    size = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Root 1 0 R/Size %d>>\n" % (size, places, size)
    return b"%s%sstartxref\n%d\n%%%%EOF\n" % (written, table, len(written))


def test_r8_one_visitors_slow_documents_hold_nobody_up(link: AppProcess) -> None:
    slow, honest = Visitor(link), Visitor(link)
    pdf, picture = slow_pdf(100, 700), io.BytesIO()
    assert len(pdf) < 40_000
    Pictures.new("RGB", (40, 30), "red").save(picture, "PNG")
    with ThreadPoolExecutor(3) as hands:
        reading = [hands.submit(attach, slow, "slow.pdf", pdf) for _ in range(3)]
        for name, data in (("a.txt", b"ten bytes."), ("b.png", picture.getvalue()), ("c.pdf", slow_pdf(1, 1))):
            assert 'class="chip"' in attach(honest, name, data).replace("\\", "")
        assert not all(one.done() for one in reading)  # three of them take far longer than these


def photos() -> dict[str, bytes]:
    """Return small and large pictures that tell where they were taken, in every way that a form has."""
    notes = Pictures.Exif()
    notes[0x010E] = SECRET
    notes.get_ifd(0x8825).update({1: "N", 2: (52.0, 12.0, 34.0), 29: SECRET})
    words = PngInfo()
    words.add_text("Comment", SECRET)
    words.add_itxt("XML:com.adobe.xmp", SECRET, zip=False)
    ways = {"exif": notes, "xmp": SECRET.encode(), "comment": SECRET.encode(), "icc_profile": SECRET.encode() * 9}
    made: dict[str, bytes] = {}
    for form, more in {
        "JPEG": ways,
        "WEBP": ways,
        "PNG": {"exif": notes, "pnginfo": words},
        "TIFF": {"description": SECRET},
    }.items():
        for size in ((200, 150), (2000, 1500)):
            out = io.BytesIO()
            Pictures.new("RGB", size, "red").save(out, form, **more)
            made[f"{form.lower()} {size[0]}"] = out.getvalue() + SECRET.encode()  # and behind its end
    return made


@pytest.mark.parametrize("kind", photos())
def test_p1_a_picture_keeps_its_pixels_alone(link: AppProcess, provider: ScriptedProvider, kind: str) -> None:
    visitor = Visitor(link)
    photo = photos()[kind]
    assert SECRET.encode() in photo
    attach(visitor, f"{kind}.jpg", photo)
    body = send(visitor, provider, "what is on it?")
    sent = [base64.b64decode(url.split('"')[0]) for url in body.split(";base64,")[1:]]
    assert len(sent) == 1
    prompt = visitor.call("transcript")["turns"][0]["prompt"][0]
    blobs = [blob for blob in (prompt["blob"], prompt["original"]) if blob]
    stored = [visitor.http.get(f"/api/picture/{blob['sha256']}").content for blob in blobs]
    for data in (*sent, *stored):
        assert SECRET.encode() not in data
        assert b"Exif" not in data
    with Pictures.open(io.BytesIO(sent[0])) as shown:
        assert shown.size == (prompt["blob"]["width"], prompt["blob"]["height"])


def imported(visitor: Visitor, data: bytes | dict[str, Any], name: str = "talk.json") -> dict[str, Any]:
    """Open a file as a program does; return what is said of it."""
    (path,) = upload(visitor, (name, data if isinstance(data, bytes) else json.dumps(data).encode()))
    return visitor.call("import", {"path": path, "meta": {"_type": "gradio.FileData"}})


def talk(*prompt: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a conversation of one turn that was answered."""
    origin = {"protocol": "openai-chat", "base_url": "http://a.test", "account": "a", "model": "claude-opus-5-5"}
    said = [{"kind": "text", "text": "fine"}]
    step = {"provider": "anthropic", "model": "claude-opus-5-5", "origin": origin, "parts": said, "cost_usd": 77.0}
    return {"version": 2, "turns": [{"prompt": [*prompt], "answers": [{"steps": [step]}]}], **more}


def packed(text: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", text)
    return out.getvalue()


WORDS = {"kind": "text", "text": "a"}
BOMBS: dict[str, Callable[[], bytes]] = {
    "lists": lambda: packed(b"[" + b"[]," * 6_000_000 + b"[]]"),
    "objects": lambda: packed(b"[" + b"{}," * 6_000_000 + b"{}]"),
    "spaces": lambda: packed(b" " * 300_000_000),
    "keys": lambda: packed(b"{" + b",".join(b'"%d":0' % n for n in range(1_000_000)) + b"}"),
    "deep": lambda: b"[" * 9_000_000,
    "deep in a turn": lambda: b'{"version":2,"turns":' + b"[" * 900 + b"]" * 900 + b"}",
    "a number": lambda: b'{"version":2,"turns":[],"x":' + b"9" * 9_000_000 + b"}",
    "infinite": lambda: json.dumps(talk(WORDS)).encode().replace(b"77.0", b"1e999"),
    "a zip in a zip": lambda: packed(packed(b"[]")),
    "turns": lambda: json.dumps({"version": 2, "turns": [{"prompt": []}] * 60_000}).encode(),
    "branches": lambda: json.dumps(talk(branches=[{"first": 0, "turns": [{"prompt": []}]}] * 20_000)).encode(),
    "a long name": lambda: json.dumps(talk(WORDS)).replace("anthropic", "a" * 900_000).encode(),
    "a native": lambda: json.dumps(talk(WORDS)).replace('"parts"', '"native":[{"kind":"other","data":{"a":['
        + "[]," * 300_000 + ']}}],"parts"').replace("[],]", "[]]").encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", BOMBS)
def test_r6_an_import_that_grows_is_read_apart_and_bounded(link: AppProcess, kind: str) -> None:
    visitor, before = Visitor(link), memory_mb(link)
    said = imported(visitor, BOMBS[kind](), "c.zip")
    assert said["notes"]
    if kind != "infinite":  # the figure is left out, with a note
        assert said["turns"] == 0
    assert memory_mb(link) - before < 120


def memory_mb(app: AppProcess) -> float:
    """Return the most memory that the process has had."""
    status = Path(f"/proc/{app.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1_000


CUTS: dict[str, list[dict[str, int]]] = {
    "many": [{"first": 0, "last": 1_999}] * 30_000,
    "equal": [{"first": 0, "last": 5}] * 2,
    "crossing": [{"first": 0, "last": 5}, {"first": 4, "last": 8}],
    "backwards": [{"first": 6, "last": 8}, {"first": 0, "last": 2}],
    "outside": [{"first": 0, "last": 2_000}],
}


@pytest.mark.parametrize("kind", CUTS)
def test_x5_cuts_are_few_in_order_and_apart(link: AppProcess, kind: str) -> None:
    visitor = Visitor(link)
    data = {"version": 2, "turns": [{"prompt": [WORDS], "answers": []}] * 2_000}
    assert imported(visitor, data | {"cuts": [{"first": 1, "last": 5}, {"first": 6, "last": 9}]})["turns"] == 2_000
    said = imported(visitor, data | {"cuts": CUTS[kind]})
    assert said["turns"] == 0 and said["notes"]
    branch = {"first": 0, "turns": [{"prompt": [WORDS]}] * 9, "cuts": CUTS[kind]}
    assert imported(visitor, data | {"branches": [branch]})["turns"] == 0


def test_m1_what_a_file_says_of_its_pictures_is_not_believed(link: AppProcess, provider: ScriptedProvider) -> None:
    """Neither size nor type nor name; and a digest alone opens nobody's picture."""
    owner, thief = Visitor(link), Visitor(link)
    out = io.BytesIO()
    Pictures.new("RGB", (31, 17), "blue").save(out, "PNG")
    digest = sha256(out.getvalue()).hexdigest()
    claims = {"sha256": digest, "mime": "application/pdf", "name": "p" * 150, "size": 1, "width": 9_999, "height": -3}
    picture = {"kind": "image", "blob": claims, "original": {**claims, "sha256": "0" * 64}}
    carrying = talk(picture, WORDS, files={digest: base64.b64encode(out.getvalue()).decode()})
    assert imported(owner, carrying)["turns"] == 1
    blob = owner.call("transcript")["turns"][0]["prompt"][0]["blob"]
    assert (blob["mime"], blob["size"], blob["width"], blob["height"]) == ("image/png", len(out.getvalue()), 31, 17)
    said = imported(thief, talk(picture, WORDS))
    assert said["notes"]
    prompt = thief.call("transcript")["turns"][0]["prompt"][0]
    assert prompt["blob"]["sha256"] == "" and prompt["original"] is None
    thief.ask("what is on it?")
    assert ";base64," not in json.dumps(provider.requests[-1].body)
    assert imported(owner, talk(picture, WORDS))["turns"] == 1  # it is the owner's already
    assert owner.call("transcript")["turns"][0]["prompt"][0]["blob"] == blob


def test_p2_a_stamp_of_a_file_bears_a_mark_wherever_it_is_shown(link: AppProcess) -> None:
    visitor = Visitor(link)
    assert imported(visitor, talk(WORDS))["turns"] == 1
    assert visitor.call("transcript")["turns"][0]["answers"][0]["steps"][0]["imported"] is True
    page = told(visitor, "settle", "click", None, 0)
    assert "did not see this answer" in page and "$77" not in page.partition("totals")[2]
    for kind in ("md", "ipynb"):
        exported = visitor.http.get(f"/gradio_api/file={visitor.call('export', kind)['path']}").text
        assert "did not see this answer" in exported
    again = visitor.http.get(f"/gradio_api/file={visitor.call('export', 'json')['path']}").content
    assert imported(visitor, again.replace(b'"imported":true', b'"imported":false'))["turns"] == 1
    assert visitor.call("transcript")["turns"][0]["answers"][0]["steps"][0]["imported"] is True


@pytest.mark.parametrize("kind", ["json", "ipynb"])
def test_p2_an_unchanged_export_of_this_server_alone_keeps_its_stamps(link: AppProcess, kind: str) -> None:
    visitor, other = Visitor(link), Visitor(link)
    visitor.ask("true words")
    exported = visitor.http.get(f"/gradio_api/file={visitor.call('export', kind)['path']}").content
    assert imported(other, exported, f"talk.{kind}")["turns"] == 1
    assert other.call("transcript") == visitor.call("transcript")
    for lie in (b"other words", b"true\\nwords"):
        assert imported(other, exported.replace(b"true words", lie), f"talk.{kind}")["turns"] == 1
        assert other.call("transcript")["turns"][0]["answers"][0]["steps"][0]["imported"] is True


def uploaded_files(app: AppProcess) -> int:
    """Count what lies in the folder of uploads."""
    folder = Path(Path(f"/proc/{app.pid}/cwd").resolve()) / "gradio"
    return sum(1 for path in folder.rglob("*") if path.is_file())


def test_d5_many_small_files_are_refused_and_leave_nothing(link: AppProcess) -> None:
    before = uploaded_files(link)
    many = [("files", (f"{n}.txt", b"%d" % n)) for n in range(1_000)]
    elsewhere = [(f"field-{n}", (f"{n}.txt", b"%d" % n)) for n in range(16)]
    no_file = [("files", ("a.txt", b"a")), ("files", (None, b"words"))]
    large = [("files", ("a.txt", b"a")), ("files", ("b.bin", bytes(10_600_000)))]
    for files in (many, elsewhere, no_file, large):
        assert Visitor(link).http.post("/gradio_api/upload", files=files).status_code in (400, 413)
        assert uploaded_files(link) == before
    (path,) = upload(Visitor(link), ("../" + "ä" * 900 + ".txt", b"x"))
    assert len(Path(path).name.encode()) < 255 and path.endswith(".txt")


def test_d5_uploads_of_a_visitor_are_counted_whatever_their_size(link: AppProcess) -> None:
    visitor, other = Visitor(link), Visitor(link)
    statuses = {visitor.http.post("/gradio_api/upload", content=b"x").status_code for _ in range(UPLOADS_PER_HOUR + 1)}
    assert 429 in statuses
    assert upload(other, ("a.txt", b"x"))


def test_x2_a_page_has_a_bound_of_pieces(link: AppProcess) -> None:
    visitor, data = Visitor(link), talk(WORDS)
    steps = data["turns"][0]["answers"][0]["steps"]
    visitor.http.headers["Accept-Language"] = "de"
    steps[0]["notes"] = ["a. " * 100] * 300
    steps[:] = steps * 7
    assert imported(visitor, data)["turns"] == 0
    steps[:] = steps[:6]
    assert imported(visitor, data)["turns"] == 1
    calls = [{"kind": "tool_call", "id": f"c{n}", "name": "t", "arguments": "{}"} for n in range(500)]
    steps[:] = [steps[0] | {"parts": calls, "notes": []}] * 20
    assert imported(visitor, data)["turns"] == 1
    assert "7,000 weitere Teile" in told(visitor, "settle", "click", None, 0)

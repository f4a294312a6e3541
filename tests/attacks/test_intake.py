"""What strangers hand in: files and conversations that claim more, hold more or cost more than they seem to."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image as Pictures
from PIL.PngImagePlugin import PngInfo

from tests.app_process import AppProcess
from tests.faults.sharing import Visitor, providers, shared
from tests.faults.test_uploads import attach, event_of
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

"""What is shared is what is seen, and what others of the machine can read is nothing."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
from PIL import Image as Pictures

from aether.exports.natives import DROPPED
from tests.app_process import AppProcess
from tests.faults.sharing import KEY, OPERATOR, OWN_KEY, TOKEN, Visitor, shared, wait_until
from tests.scripted import ScriptedProvider

PLAIN_HTTP = "Others could read your key on its way"
PUBLIC = "https://aether.example"
PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
FILE = b"secret of the file"
AT = {"Host": "aether.example", "X-Aether-Token": TOKEN}


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as an earlier version left it: open to every user of the machine."""
    root = tmp_path_factory.mktemp("deploy")
    for made in (root / "data", root / "data" / "blobs", root / "gradio"):
        made.mkdir(mode=0o755)
        made.chmod(0o755)
    for left in (root / "data" / "blobs" / "old", root / "gradio" / "title-of-a-conversation.md"):
        left.write_text("words")
        left.chmod(0o644)
    return root


@pytest.fixture(scope="module")
def link(provider: ScriptedProvider, folder: Path) -> Iterator[AppProcess]:
    settings = {"AETHER_PUBLIC_URL": PUBLIC, "AETHER_OPERATOR_TOKEN": OPERATOR, "NOBODY_KNOWS_KEY": KEY}
    with shared(provider, folder, **settings) as app:
        yield app


def open_to_others(*folders: Path) -> list[Path]:
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return [path for path in paths if path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]


def test_l1_no_child_reads_a_key_in_what_the_process_was_started_with(link: AppProcess) -> None:
    code = f"print(open('/proc/{link.pid}/environ').read())"
    read = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert not any(secret in read.stdout for secret in (KEY, TOKEN, OPERATOR))
    assert not read.stdout.strip("\0\n")


def test_l1_a_crash_leaves_no_core(link: AppProcess) -> None:
    limits = Path(f"/proc/{link.pid}/limits").read_text()
    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core[4:6] == ["0", "0"]


def test_l2_no_other_user_reads_a_file_of_ours(link: AppProcess, folder: Path) -> None:
    visitor = Visitor(link)
    visitor.ask("private words")
    path = visitor.call("export", "md")["path"]
    assert Path(path).is_file()
    assert (folder / "data" / "aether.db").is_file()
    assert open_to_others(folder / "data", folder / "gradio") == []
    link.wait_for_line("Other users of this machine could read")


def cookies_of(answer: httpx2.Response) -> dict[str, str]:
    """Return the cookies that an answer sets, by name, with their attributes."""
    return {name: rest for line in answer.headers.get_list("set-cookie") for name, _, rest in [line.partition("=")]}


@pytest.mark.parametrize("host", ["aether.example", "AETHER.example:443"])
def test_a_cookie_under_https_has_the_prefix_that_no_other_host_can_set(link: AppProcess, host: str) -> None:
    at = {"Host": host, "Accept": "text/html"}
    (name,) = cookies_of(httpx2.get(f"{link.url}/?token={TOKEN}", headers=at))
    assert name == "__Host-aether_link"
    set_now = cookies_of(httpx2.get(link.url, headers=at | {"X-Aether-Token": TOKEN}))
    (value,) = set_now.values()
    assert set_now.keys() == {"__Host-aether_visitor"}
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(value.split("; "))
    assert "domain" not in value.lower()


def test_a_sibling_domain_cannot_say_who_a_visitor_is(link: AppProcess) -> None:
    """It can set any name but a prefixed one: under HTTPS the plain name is not believed."""
    mallory = Visitor(link)
    planted = f"aether_visitor={mallory.http.cookies['aether_visitor']}"
    answer = httpx2.get(f"{link.url}/api/models", headers=AT | {"Cookie": planted})
    victim = cookies_of(answer)["__Host-aether_visitor"].partition(";")[0]
    both = f"{planted}; __Host-aether_visitor={victim}; {planted}"
    key = {"provider": "keyless", "key": OWN_KEY}
    assert httpx2.post(f"{link.url}/api/key", json=key, headers=AT | {"Cookie": both}).status_code == 204
    assert httpx2.get(f"{link.url}/api/allowance", headers=AT | {"Cookie": both}).json()["own_keys"] == ["keyless"]
    assert mallory.http.get("/api/allowance").json()["own_keys"] == []


@pytest.mark.parametrize("other", ["a=[b]", 'x="', "=;;=", "q={}; é=1", "a\tb=c"])
def test_another_applications_cookie_hides_none_of_ours(link: AppProcess, other: str) -> None:
    mine = Visitor(link).http.cookies["aether_visitor"]
    sent = {"X-Aether-Token": TOKEN, "Cookie": f"{other}; aether_visitor={mine}".encode()}
    assert "set-cookie" not in httpx2.get(f"{link.url}/api/models", headers=sent).headers


@pytest.mark.parametrize("path", ["/", "/config", "/api/models", "/api/allowance", f"/?token={TOKEN}"])
def test_no_cache_keeps_an_answer_that_sets_a_cookie(link: AppProcess, path: str) -> None:
    for host in ("aether.example", httpx2.URL(link.url).netloc.decode()):
        answer = httpx2.get(link.url + path, headers=AT | {"Host": host, "Accept": "text/html"})
        assert cookies_of(answer)
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert "Cookie" in answer.headers["vary"]


@pytest.mark.parametrize("path", ["/", "/config", "/api/models", "/gradio_api/info", "/api/conversations", "/nowhere"])
def test_no_cache_on_the_way_keeps_what_is_a_visitors_own(link: AppProcess, path: str) -> None:
    (rule,) = Visitor(link).http.get(path).headers.get_list("cache-control")
    assert rule in ("no-store", "private, no-cache")


def photo() -> bytes:
    """Return a photo that is scaled down for models, with a place in its metadata."""
    exif, out = Pictures.Exif(), io.BytesIO()
    exif[0x010E] = "GPS-SECRET-52.1234"
    Pictures.new("RGB", (2000, 1500), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


def attach(visitor: Visitor, name: str, data: bytes) -> str:
    (path,) = visitor.http.post("/gradio_api/upload", files={"files": (name, data)}).json()
    return path


def shared_by(visitor: Visitor) -> tuple[str, str]:
    """Share the visitor's newest conversation; return its id and the snapshot's."""
    id_ = visitor.http.get("/api/conversations").json()["entries"][0]["id"]
    return id_, visitor.http.post(f"/api/conversations/{id_}/share").json()["share"]


def opened(link: AppProcess, wanted: str) -> tuple[Visitor, str]:
    """Let another visitor open a snapshot, or a copy of it; return who, and what the page is given."""
    reader = Visitor(link, session="reader")
    body = {"data": [wanted, None], "session_hash": reader.session}
    return reader, reader.http.post("/gradio_api/run/open", json=body).text


def exported(visitor: Visitor) -> str:
    return Path(visitor.call("export", "json")["path"]).read_text()


SECRETS = ("Secret Street", "secret of the file", "secret-system", "GPS-SECRET", '"account":"', "native-secret")


@pytest.fixture(scope="module")
def conversation(link: AppProcess) -> Visitor:
    """A visitor with a conversation that holds more than it shows: branches, files, natives, instructions."""
    visitor = Visitor(link)
    visitor.ask("My address is 12 Secret Street. Plan a party.")
    wish = {"verb": "edit", "turn": 0, "message": "Plan a party."}
    sent = {"data": [json.dumps(wish), None, None], "session_hash": visitor.session}
    assert visitor.http.post("/gradio_api/run/carry_out", json=sent).status_code == 200
    wait_until(link, lambda: visitor.call("transcript")["turns"][0]["answers"])
    document = visitor.call("transcript")
    assert "Secret Street" in json.dumps(document["branches"])
    document["system"] = "secret-system"
    picture, original = (sha256(data).hexdigest() for data in (PIXEL, photo()))
    document["turns"][0]["prompt"] += [
        {"kind": "image", "blob": blob(picture, "image/png"), "original": blob(original, "image/jpeg")},
        {
            "kind": "file",
            "blob": blob(sha256(b"secret of the file").hexdigest(), "text/plain"),
            "text": "secret of the file",
        },
    ]
    (step,) = document["turns"][0]["answers"][0]["steps"]
    step["native"] = [{"kind": "text", "data": {"text": "native-secret"}}]
    given = (PIXEL, photo(), FILE)
    document["files"] = {sha256(data).hexdigest(): b64encode(data).decode() for data in given}
    path = attach(visitor, "c.json", json.dumps(document).encode())
    visitor.call("import", {"path": path, "meta": {"_type": "gradio.FileData"}})
    visitor.ask("And then?")
    return visitor


def blob(digest: str, mime: str) -> dict[str, object]:
    return {"sha256": digest, "mime": mime, "name": "name-that-is-shown", "size": 70, "width": 1, "height": 1}


def test_p1_a_snapshot_holds_what_the_page_shows_and_its_copy_no_more(
    link: AppProcess, folder: Path, conversation: Visitor
) -> None:
    _, share = shared_by(conversation)
    _, page = opened(link, f"s:{share}")
    assert "Plan a party." in page
    assert "And then?" in page
    copier, copied = opened(link, f"copy:{share}")
    assert "Plan a party." in copied
    taken = json.dumps(copier.call("transcript"), separators=(",", ":"))
    for text in (page, copied, taken, exported(copier)):
        assert not [secret for secret in SECRETS if secret in text.replace('"account":""', "")]
        assert sha256(photo()).hexdigest() not in text
    with sqlite3.connect(f"file:{folder / 'data' / 'aether.db'}?mode=ro", uri=True) as database:
        (stored,) = database.execute("select body || title from shares where id = ?", [share]).fetchone()
    assert not [secret for secret in SECRETS if secret in stored.replace('"account":""', "")]


def test_p1_a_snapshot_of_an_older_version_shows_no_more(link: AppProcess, folder: Path, conversation: Visitor) -> None:
    id_, share = shared_by(conversation)
    whole = json.dumps(conversation.call("transcript"))
    assert "Secret Street" in whole
    with sqlite3.connect(folder / "data" / "aether.db", timeout=10) as database:
        title = "My address is 12 Secret Street."
        database.execute("update shares set body = ?, title = ? where id = ?", [whole, title, share])
        database.execute("update conversations set named = 0 where id = ?", [id_])
    for wanted in (f"s:{share}", f"copy:{share}"):
        reader, page = opened(link, wanted)
        assert "Plan a party." in page
        assert not [secret for secret in SECRETS if secret in page + exported(reader).replace('"account":""', "")]


def test_p1_a_copy_goes_on(link: AppProcess, conversation: Visitor) -> None:
    _, share = shared_by(conversation)
    reader, _ = opened(link, f"copy:{share}")
    settled = reader.ask("go on")
    assert settled["status"] == "done"
    assert settled["text"].endswith("go on")


@pytest.mark.parametrize("format", ["json", "ipynb"])
@pytest.mark.parametrize("is_own_key", [False, True])
def test_p1_no_exports_of_one_key_can_be_linked(link: AppProcess, format: str, *, is_own_key: bool) -> None:
    visitor, other = Visitor(link), Visitor(link)
    if is_own_key:
        sent = {"provider": "chat", "key": OWN_KEY}
        assert visitor.http.post("/api/key", json=sent).status_code == 204
    visitor.ask("pelican")
    file = Path(visitor.call("export", format)["path"]).read_text()
    for text in (file, json.dumps(visitor.call("transcript"))):
        assert not [key for key in (KEY, OWN_KEY) if sha256(key.encode()).hexdigest()[:12] in text]
    assert taken(visitor, f"c.{format}", file) == []
    again = Path(visitor.call("export", format)["path"]).read_text()
    assert again.replace(" ", "").count('"native":[]') == file.replace(" ", "").count('"native":[]') == 0
    assert taken(other, f"c.{format}", file) == ([DROPPED] if is_own_key else [])


def taken(visitor: Visitor, name: str, file: str) -> list[str]:
    """Return what is said of a file that a visitor goes on with."""
    path = attach(visitor, name, file.encode())
    return visitor.call("import", {"path": path, "meta": {"_type": "gradio.FileData"}})["notes"]


def test_a_visitors_own_key_is_not_taken_over_plain_http_from_afar(link: AppProcess) -> None:
    visitor = Visitor(link)
    key = {"provider": "keyless", "key": OWN_KEY}
    for host in ("192.0.2.7:7860", "[2001:db8::1]:80"):
        refused = visitor.http.post("/api/key", json=key, headers={"Host": host})
        assert (refused.status_code, refused.json()["error"].split(",")[0]) == (400, PLAIN_HTTP)
        told = visitor.http.get("/api/allowance", headers={"Host": host}).json()
        assert told["own_keys_refused"].startswith(PLAIN_HTTP)
        assert told["own_keys"] == []
    for host in ("localhost", "127.0.0.1:1", "[::1]:7860"):
        assert visitor.http.get("/api/allowance", headers={"Host": host}).json()["own_keys_refused"] == ""
        assert visitor.http.post("/api/key", json=key, headers={"Host": host}).status_code == 204


def test_a_browser_asks_whether_a_picture_is_still_there(link: AppProcess, folder: Path, conversation: Visitor) -> None:
    where = f"/api/picture/{sha256(PIXEL).hexdigest()}"
    shown = conversation.http.get(where)
    assert (shown.status_code, shown.headers["cache-control"]) == (200, "private, no-cache")
    same = {"If-None-Match": shown.headers["etag"]}
    again = conversation.http.get(where, headers=same)
    assert (again.status_code, again.content) == (304, b"")
    assert (
        conversation.http.get("/api/picture/" + "0" * 64, headers={"If-None-Match": f'"{"0" * 64}"'}).status_code == 404
    )

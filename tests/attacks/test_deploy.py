"""What is shared is what is seen, and what others of the machine can read is nothing."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.app_process import AppProcess
from tests.faults.sharing import KEY, OPERATOR, OWN_KEY, TOKEN, Visitor, shared
from tests.scripted import ScriptedProvider

PUBLIC = "https://aether.example"
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

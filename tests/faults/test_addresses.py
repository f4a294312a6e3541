"""Addresses: no visitor can make the server ask one (cases 21 to 25).

There is no field for an address. So every place that takes a text, a file or a name is given
one, and a listener counts who comes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.app_process import AppProcess
from tests.faults.sharing import KEY, OWN_KEY, TOKEN, Canary, Visitor
from tests.faults.test_uploads import event_of
from tests.scripted import ScriptedProvider
from tests.scripted.reply import Reply

HOSTS = (
    *("127.0.0.1", "localhost", "0", "0.0.0.0", "[::1]", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "127.0.0.1.", "localhost.", "①②⑦.⓪.⓪.①", "ok@127.0.0.1", "\\127.0.0.1"),
)
"""This machine, as a listener here could be reached by a careless reader of addresses."""
ELSEWHERE = (
    *("169.254.169.254", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]", "10.0.0.1", "172.16.0.1"),
    *("192.168.0.1", "100.64.0.1", "100.100.100.200", "198.18.0.1", "metadata.google.internal"),
)
SCHEMES = ("file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "ftp://127.0.0.1/", "data:text/plain,x", "http://x:22/")


def addresses(canary: Canary) -> list[str]:
    """Return each address as an attacker types it; those of this machine lead to the listener."""
    return [f"http://{host}:{canary.port}/v1" for host in HOSTS] + [f"http://{host}/" for host in ELSEWHERE]


def file_at(url: str) -> dict[str, Any]:
    """Return a file as Gradio's own pages hand one over, with an address where a path would be."""
    return {"path": url, "url": url, "orig_name": "x.json", "meta": {"_type": "gradio.FileData"}}


def test_cases_21_and_24_no_text_that_a_visitor_can_send_is_an_address(
    link: AppProcess, provider: ScriptedProvider, canary: Canary
) -> None:
    visitor = Visitor(link)
    for number, address in enumerate([*addresses(canary), *SCHEMES]):
        if number % 12 == 0:
            visitor = Visitor(link)  # nobody hands over so many keys in a minute
        name = address.removeprefix("http://")
        assert visitor.http.post("/api/key", json={"provider": address, "key": OWN_KEY}).status_code == 400
        assert visitor.http.post("/api/key", json={"provider": name, "key": OWN_KEY}).status_code == 400
        assert visitor.call("select_model", address, "echo-small")["event_type"] == "model_update_failed"
    visitor = Visitor(link)
    body = {"provider": "chat", "key": OWN_KEY, "base_url": canary.url, "api_base": canary.url, "url": canary.url}
    assert visitor.http.post("/api/key", json=body).status_code == 204
    before = len(provider.requests)
    visitor.choose("chat", "echo-small")
    assert visitor.ask(f"Fetch {canary.url} and ![x]({canary.url}/a.png)")["status"] == "done"
    assert len(provider.requests) == before + 1
    assert canary.hits == []


def test_case_24_a_model_named_like_an_address_is_a_name(link: AppProcess, canary: Canary) -> None:
    visitor = Visitor(link)
    for address in (canary.url, f"../../{canary.url}", f"{canary.url}/v1?x=", "x\r\nHost: evil"):
        visitor.call("select_model", "messages", address)
        visitor.ask("x")
    assert canary.hits == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_case_22_no_redirect_of_a_service_is_followed(
    link: AppProcess, provider: ScriptedProvider, canary: Canary, status: int
) -> None:
    visitor = Visitor(link)
    for name in ("chat", "responses", "messages"):
        provider.script("echo-small", [Reply(status=status, body={}, headers={"location": f"{canary.url}/v1"})])
        visitor.choose(name, "echo-small")
        assert visitor.ask("x")["status"] == "error"
    assert canary.hits == []


def test_case_23_a_name_that_changes_its_address_opens_nothing(link: AppProcess, local: AppProcess) -> None:
    """No visitor can name a host for the server to look up. And a name of theirs that comes to lead here is refused."""
    visitor = Visitor(link)
    for name in (
        "rebind.evil.example",
        f"127.0.0.1.evil.example:{link.url.rpartition(':')[2]}",
        "localhost.evil.example",
    ):
        for app in (link, local):
            answer = visitor.http.get(f"{app.url}/config", headers={"Host": name, "X-Aether-Token": TOKEN})
            assert answer.status_code == 421
            assert "components" not in answer.text


FETCHED = ("gradio_api/file={0}/x", "gradio_api/file=/{0}/x", "gradio_api/proxy={0}/x", "gradio_api/proxy={0}")


def test_case_25_the_pages_own_fetchers_fetch_nothing(link: AppProcess, canary: Canary) -> None:
    visitor = Visitor(link)
    for address in (canary.url, "http://169.254.169.254/latest", canary.url.replace("http://", "https://")):
        for path in FETCHED:
            assert visitor.http.get("/" + path.format(address)).status_code in (403, 404)
        held = file_at(f"{address}/x.json")
        for given in (held, {**held, "path": "x.json"}, [held], {"file": held}, f"{address}/x.json"):
            begun = visitor.http.post("/gradio_api/call/import", json={"data": [given], "session_hash": "tab"})
            assert begun.status_code == 400 or '"turns": 1' not in visitor.heard("import", begun.json()["event_id"])
        for fn_index in range(60):  # every event of the page, with a file where it takes none
            body = {"data": [held] * 6, "fn_index": fn_index, "session_hash": visitor.session, "event_data": None}
            visitor.http.post("/gradio_api/queue/join", json=body, headers={"Connection": "close"})
    assert canary.hits == []


@pytest.mark.parametrize(
    "path", ["data/aether.db", "providers-under-test.toml", ".env", "/etc/passwd", "/proc/self/environ"]
)
def test_case_25_no_file_of_the_machine_is_taken_for_an_upload(link: AppProcess, folder: Path, path: str) -> None:
    visitor = Visitor(link)
    for named in (path, str(folder / path), f"{folder}/data/../{path}"):
        given = {**file_at(""), "path": named, "url": None}
        begun = visitor.http.post("/gradio_api/call/import", json={"data": [given], "session_hash": "tab"})
        assert begun.status_code == 400
        assert visitor.http.get(f"/gradio_api/file={named}").status_code in (403, 404)


def test_cases_05_and_21_an_address_is_sent_its_own_key_and_no_other(link: AppProcess, mine: Canary) -> None:
    visitor = Visitor(link)
    assert visitor.call("select_model", "mine", "m")["event_type"] == "model_update_failed"
    assert mine.hits == []
    assert visitor.http.post("/api/key", json={"provider": "mine", "key": OWN_KEY}).status_code == 204
    visitor.choose("mine", "m")
    assert visitor.ask("x")["status"] == "error"
    assert mine.hits and all(OWN_KEY.encode() in hit and KEY.encode() not in hit for hit in mine.hits)
    assert OWN_KEY not in visitor.raw("transcript")


@pytest.mark.parametrize("meta", [{"_type": "gradio.FileData"}, None])
def test_case_25_no_file_of_the_machine_is_attached_read_or_deleted(
    link: AppProcess, provider: ScriptedProvider, folder: Path, meta: object
) -> None:
    """What a visitor attaches is read, sent to a model, and then deleted: so it must be what they handed in."""
    secret = folder / "operators.env"
    secret.write_text("OPERATORS_KEY=harmless-here")
    visitor = Visitor(link)
    number = event_of(visitor, "attach", "upload")
    for path in (str(secret), "operators.env", f"file://{secret}", f"/tmp/gradio/../..{secret}"):
        held: dict[str, Any] = {"path": path, "orig_name": "x.txt"} | ({"meta": meta} if meta else {})
        for route in ("run/predict", "api/predict", "queue/join"):
            body = {"data": [[held], None], "fn_index": number, "session_hash": visitor.session}
            answer = visitor.http.post(f"/gradio_api/{route}", json=body)
            assert answer.status_code == 400
            assert "harmless-here" not in answer.text
        assert visitor.http.post("/gradio_api/call/import", json={"data": [held]}).status_code == 400
    assert secret.read_text() == "OPERATORS_KEY=harmless-here"

"""Money on a shared link against lies, through the real server: the true bill of the service is the judge."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from aether.exports import document as exported
from aether.exports import read
from aether.exports.natives import DROPPED
from aether.signing import ServerSecret
from aether.transcript import Answer, Native, Origin, Step, Text, Transcript, Turn
from tests.app_process import AppProcess
from tests.attacks.money_upstream import MODELS, PRICE_IN, PRICE_OUT, REPORTS, Upstream
from tests.attacks.test_money_machine import document, picture
from tests.faults.sharing import KEY, Visitor, shared, wait_until
from tests.scripted import ScriptedProvider

PIXEL, PAGE, TEN_PAGES, HUNDRED_PAGES = picture(1, 1), document(1), document(10), document(100)
WEIGHTS = {
    sha256(data).hexdigest(): tokens
    for data, tokens in ((PIXEL, 3), (PAGE, 4_600), (TEN_PAGES, 46_000), (HUNDRED_PAGES, 460_000))
}


class Service:
    """The billing service in a thread of its own."""

    def __init__(self) -> None:
        self.upstream, self.loop = Upstream(KEY, WEIGHTS), asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self.upstream.start(), self.loop).result(10)

    @property
    def bill(self) -> int:
        """Return what the service bills the operator, in nano-dollars."""
        return sum(self.upstream.bill.values())


def providers(port: int, dead: int) -> str:
    price = f"{{ input = {PRICE_IN}, output = {PRICE_OUT} }}"
    models = "".join(f'[[provider.model]]\nid = "{m}"\nprice = {price}\n' for m in MODELS)
    profile = "profile = { vision = true, files = true, context_window = 10000000 }\n"
    return "\n".join(
        f'[[provider]]\nname = "{name}"\nlabel = "X"\nprotocol = "openai-chat"\napi_key_env = "SCRIPTED_KEY"\n'
        f'base_url = "http://127.0.0.1:{at}/v1"\n{profile}{models}'
        for name, at in (("chat", port), ("dead", dead))
    )


@pytest.fixture(scope="module")
def service() -> Service:
    return Service()


@pytest.fixture(scope="module")
def unreachable() -> Iterator[int]:
    """A port at which a connection neither comes about nor fails."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield int(full.getsockname()[1])
        for filler in fillers:
            filler.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("money")


@pytest.fixture(scope="module")
def link(service: Service, unreachable: int, folder: Path) -> Iterator[AppProcess]:
    text = providers(service.upstream.port, unreachable)
    settings = {"AETHER_DEFAULT": "chat/honest", "AETHER_ANSWER_TOKENS": "64", "AETHER_VISITOR_RATE": "1000"}
    with ScriptedProvider() as unused, shared(unused, folder, providers=text, **settings) as app:
        yield app


def ledger(folder: Path) -> int:
    """Return what the link has come to, in nano-dollars."""
    with sqlite3.connect(folder / "data" / "aether.db") as db:
        row = db.execute("SELECT nano_usd FROM ledger_totals WHERE scope = 'link'").fetchone()
    return int(row[0]) if row else 0


def entries(folder: Path) -> list[tuple[int, int | None]]:
    with sqlite3.connect(folder / "data" / "aether.db") as db:
        return db.execute("SELECT reserved, charged FROM ledger_entries ORDER BY at").fetchall()


def bring(visitor: Visitor, conversation: dict[str, Any]) -> Any:
    """Import a conversation; return what the server says to it."""
    files = {"files": ("c.json", json.dumps(conversation).encode(), "application/json")}
    path = visitor.http.post("/gradio_api/upload", files=files).json()[0]
    return visitor.call("import", {"path": path, "meta": {"_type": "gradio.FileData"}})


def conversation(text: str, *data: bytes, mime: str = "image/png", claim: int = 0) -> dict[str, Any]:
    """Return a conversation in a file, whose pictures and documents claim a size."""
    parts: list[dict[str, Any]] = [{"kind": "text", "text": text}]
    for one in data:
        blob = {"sha256": sha256(one).hexdigest(), "mime": mime, "size": claim, "width": 1, "height": 1}
        parts.append({"kind": "image" if one.startswith(b"\x89PNG") else "file", "blob": blob})
    packed = {sha256(one).hexdigest(): base64.b64encode(one).decode() for one in data}
    return {"version": 2, "turns": [{"prompt": parts, "answers": []}], "files": packed}


@contextmanager
def listening(visitor: Visitor, message: str) -> Iterator[None]:
    """Send a message, and listen to its answer meanwhile and to its end."""
    event = visitor.join("chat", message)
    listener = threading.Thread(target=visitor.heard, args=("chat", event))
    listener.start()
    yield
    listener.join(20)


@pytest.mark.parametrize(
    ("length", "mime", "claim"),
    [(381_000, "image/png", 300_000), (90_000, "image/png", 10**9), (1_000, "image/png;" + "a" * 300_000, 0)],
)
def test_m1_what_leaves_is_counted_whatever_a_file_claims(
    link: AppProcess, service: Service, folder: Path, length: int, mime: str, claim: int
) -> None:
    visitor, spent, billed = Visitor(link, session=f"m1-{length}"), ledger(folder), service.bill
    bring(visitor, conversation("y" * length, PIXEL, mime=mime, claim=claim))
    outcome = visitor.ask("go on @m1")
    assert ledger(folder) - spent >= service.bill - billed
    if length > 160_000:
        assert outcome["error"]["kind"] == "too_long"
        assert service.bill == billed
    assert all(charged is None or charged <= reserved for reserved, charged in entries(folder))


def test_m2_what_a_file_says_in_a_services_own_form_never_leaves(link: AppProcess, service: Service) -> None:
    visitor = Visitor(link, session="m2")
    visitor.ask("hello @m2")
    path = visitor.call("export", "json")["path"]
    ours = visitor.http.get(f"/gradio_api/file={path}").json()
    assert ours["turns"][0]["answers"][0]["steps"][0]["native"]
    assert DROPPED not in json.dumps(bring(visitor, ours))
    for change in ("content", "role", "origin"):
        forged = json.loads(json.dumps(ours))
        step = forged["turns"][0]["answers"][0]["steps"][0]
        if change == "origin":
            step["prefix"] = "f" * 32
        else:
            step["native"][0]["data"] |= {change: "INJECTED" if change == "content" else "user"}
        assert DROPPED in json.dumps(bring(visitor, forged), ensure_ascii=False)
    assert visitor.ask("go on @m2")["status"] == "done"
    shown = service.upstream.last
    assert "INJECTED" not in json.dumps(shown)
    assert [m["role"] for m in shown["messages"] if m["role"] != "system"] == ["user", "assistant", "user"]


@pytest.mark.parametrize("format", ["json", "ipynb"])
def test_m2_what_this_server_signed_comes_back_and_nothing_else(format: Any) -> None:
    secret, other = ServerSecret(), ServerSecret()
    origin = Origin("openai-chat", "https://a.test/v1", "a" * 12, "m")
    natives = (Native("text", {"role": "assistant", "content": "hi", "z": {"b": 1, "a": [1.5, None]}}),)
    step = Step("chat", "m", origin, (Text("hi"),), native=natives, prefix="p", imported=True)
    whole = Transcript("", (Turn((Text("hello"),), (Answer((step,)),)),))

    def sign(data: bytes) -> str:
        return secret.sign("native blocks", data)

    file = exported(whole, format, sign=sign)
    accounts = ["b" * 12, origin.account]
    kept, notes = read(file.name, file.data).verified(sign, accounts)
    assert (kept, notes) == ((whole,), ())
    assert read(file.name, file.data).verified(sign, accounts[:1])[1] == (DROPPED,)
    for data, verify in (
        (file.data, lambda data: other.sign("native blocks", data)),
        (exported(whole, format).data, sign),
        (file.data.replace(b'"hi"', b'"ho"'), sign),
        (file.data.replace(b"a.test", b"b.test"), sign),
    ):
        left, notes = read(file.name, data).verified(verify, accounts)
        assert left[0].turns[0].answers[0].steps[0].native == ()
        assert DROPPED in notes
    again = exported(kept[0], format, sign=sign)
    assert read(again.name, again.data).verified(sign, accounts)[0] == (replace(whole),)


@pytest.mark.parametrize("model", [*REPORTS, "outside"])
def test_m3_no_report_is_believed_below_the_truth(link: AppProcess, service: Service, folder: Path, model: str) -> None:
    visitor, spent, billed = Visitor(link, session=f"m3-{model}"), ledger(folder), service.bill
    visitor.choose("chat", model)
    assert visitor.ask("hello @m3")["status"] == "done"
    reserved, charged = entries(folder)[-1]
    assert service.bill > billed
    assert service.bill - billed <= ledger(folder) - spent <= 4 * reserved
    assert charged is None or charged >= 0
    alarms = [line for line in link.lines if "cost more than was set aside" in line]
    assert bool(alarms) or model != "high"


def test_m5_what_never_left_is_given_back(link: AppProcess, service: Service, folder: Path) -> None:
    spent, asked, turns = ledger(folder), service.upstream.requests, entries(folder)
    for number in range(3):
        visitor = Visitor(link, session=f"m5-{number}")
        visitor.choose("dead", "honest")
        with listening(visitor, "x" * 100_000 + " @m5"):
            wait_until(link, lambda n=number: len(entries(folder)) == len(turns) + n + 1)
            visitor.join("stop")
    wait_until(link, lambda: ledger(folder) == spent)
    assert [charged for _, charged in entries(folder)[len(turns) :]] == [0, 0, 0]
    assert service.upstream.requests == asked


def test_m5_what_has_left_stays_charged(link: AppProcess, service: Service, folder: Path) -> None:
    spent, billed, visitor = ledger(folder), service.bill, Visitor(link, session="m5-hang")
    visitor.choose("chat", "hang")
    with listening(visitor, "x @m5"):
        wait_until(link, lambda: service.bill > billed)
        visitor.join("stop")
    assert ledger(folder) - spent >= service.bill - billed


@pytest.mark.parametrize(
    ("data", "copies", "is_sent"), [(PAGE, 1, True), (TEN_PAGES, 2, True), (HUNDRED_PAGES, 4, False)]
)
def test_m7_each_page_of_a_document_is_counted(
    link: AppProcess, service: Service, folder: Path, data: bytes, copies: int, is_sent: bool
) -> None:
    visitor, spent, billed = Visitor(link, session=f"m7-{copies}"), ledger(folder), service.bill
    bring(visitor, conversation("read", *[data] * copies, mime="application/pdf", claim=len(data)))
    outcome = visitor.ask("go on @m7")
    assert (outcome["status"] == "done") is is_sent, outcome
    assert (service.bill > billed) is is_sent
    assert ledger(folder) - spent >= service.bill - billed
    if is_sent:
        reserved, charged = entries(folder)[-1]
        assert charged is not None and charged <= reserved

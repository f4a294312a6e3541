"""Money on a shared link as a state machine: the true bill of the service is the judge after each step.

Visitors ask, stop at any moment, swap in the middle, compare, answer again, bring files that lie, use
keys of their own; the service lies about what it took; the process is killed. Never is a visitor, a
day or the link charged less than the service bills for it, never more than its cap allows, but for
what a report claimed above its reservation, which is bounded and counted.

`AETHER_MONEY_STEPS=10000` runs as many steps; the suite runs some hundred.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from PIL import Image as Pictures
from pypdf import PdfWriter

from aether.catalog import Catalog
from aether.errors import AetherError
from aether.exports import read
from aether.exports.natives import unknown_signature
from aether.guard import Who
from aether.guard.admission import Admission, Room
from aether.guard.allowance import SharedGuard
from aether.guard.media import Scale, measure
from aether.keyring import Keyring, OwnKeys
from aether.limits import Limits
from aether.llm import Budgets, Pool
from aether.redaction import Redactor
from aether.router import ProviderRouter
from aether.runtime import AgentRuntime
from aether.settings import Secret
from aether.share import Share
from aether.store.engine import migrate, open_engine
from aether.store.ledger import Ledger
from aether.transcript import Answer, Blob, File, Image, Native, Origin, Step, Text, Transcript, Turn
from tests.attacks.money_upstream import MODELS, PRICE_IN, PRICE_OUT, Upstream

KEY, OWN_KEY = "sk-operator-0123456789abcdef0123", "sk-visitor-0123456789abcdef0123"
VISITORS = ("ann", "ben", "cat")
CAPS = {"link": 4.0, "day": 3.0, "visitor": 1.5, "turn": 0.6}
NANO = 1_000_000_000
COUNTS: Counter[str] = Counter()
STEPS = int(os.environ.get("AETHER_MONEY_STEPS", "900"))
QUICK = Budgets(connect_s=2.0, first_event_s=5.0, gap_s=5.0, whole_s=10.0, retries=1, longest_wait_s=0.05)


def picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Pictures.new("1", (width, height)).save(out, "PNG")
    return out.getvalue()


def document(pages: int) -> bytes:
    out, writer = io.BytesIO(), PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    writer.write(out)
    return out.getvalue()


BYTES = [picture(1, 1), picture(1568, 1568), picture(3000, 2000), document(1), document(30), document(90)]
TRUTH = [3, 3_136, 4_784, 4_600, 30 * 4_600, 90 * 4_600]
"""What a dear service would count for them."""
DIGESTS = [sha256(data).hexdigest() for data in BYTES]
STORED = dict(zip(DIGESTS, BYTES, strict=True))


class Money(RuleBasedStateMachine):
    """A link, its visitors, and the service that bills."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="money-"))
        self.loop = asyncio.new_event_loop()
        self.upstream = Upstream(KEY, dict(zip(DIGESTS, TRUTH, strict=True)))
        self.loop.run_until_complete(self.upstream.start())
        self.pool = Pool(QUICK, Redactor([KEY, OWN_KEY]))  # all its processes' connections: to make one takes long
        self.pool.load("openai-chat").result()
        self.keyring = Keyring()
        self.world = 0

    @initialize()
    def start(self) -> None:
        with closing(sqlite3.connect(self._path())):
            pass
        engine = open_engine(f"sqlite:///{self._path()}")
        migrate(engine)
        engine.dispose()
        self._open()

    def _path(self) -> Path:
        return self.folder / f"ledger-{self.world}.db"

    def _open(self) -> None:
        """Begin a process over the ledger that is there."""
        models = "".join(
            f'[[provider.model]]\nid = "{m}"\nprice = {{ input = {PRICE_IN}, output = {PRICE_OUT} }}\n' for m in MODELS
        )
        entry = '[[provider]]\nname = "{}"\nlabel = "X"\nprotocol = "openai-chat"\napi_key_env = "K"\nbase_url = "{}"\n'
        path = self.folder / "providers.toml"
        profile = 'own_keys = "loopback"\nprofile = { vision = true, files = true }\n'
        lines = [
            entry.format("chat", f"http://127.0.0.1:{self.upstream.port}/v1") + profile + models,
            entry.format("dead", "http://127.0.0.1:9/v1") + profile + models,
        ]
        path.write_text("\n".join(lines))
        keys = {"K": Secret(KEY)}
        self.engine = open_engine(f"sqlite:///{self._path()}")
        catalog = Catalog.load([path], key=keys.get)
        share = Share(
            budget_usd=CAPS["link"],
            day_budget_usd=CAPS["day"],
            visitor_budget_usd=CAPS["visitor"],
            turn_budget_usd=CAPS["turn"],
            answer_tokens=64,
        )
        self.guard = SharedGuard(
            share,
            ledger=Ledger(self.engine),
            admission=Admission(Room(), None),
            pause=self.folder / "paused",
            scale=Scale(lambda blob: STORED[blob.sha256], _measured),
        )
        router = ProviderRouter(catalog, self.pool)
        self.runtimes = {
            name: AgentRuntime(
                router,
                default="chat/honest",
                limits=Limits(answer_tokens=64),
                read_blob=lambda blob: STORED[blob.sha256],
                guard=self.guard,
                identify=lambda name=name: Who(name, name),
                own_keys=lambda who: OwnKeys(self.keyring, who.visitor),
            )
            for name in VISITORS
        }

    def _run(self, work: Any) -> None:
        COUNTS["actions"] += 1
        with suppress(AetherError):
            self.loop.run_until_complete(work)

    async def _settled(self, name: str) -> None:
        await self.runtimes[name].settle()
        for _ in range(3):
            await asyncio.sleep(0)

    # what visitors do

    async def _asked(self, name: str, model: str, text: str, ticks: int, then: str) -> None:
        runtime = self.runtimes[name]
        runtime.swap(*model.split("/"))
        message = f"{text} @{name}"
        runtime.ask(message, permit=await runtime.admit(message))
        await self._pass(ticks)
        match then:
            case "swap":
                runtime.swap("chat", "honest")
            case "stop":
                await runtime.stop()
            case _ if "hang" in model:
                await runtime.stop()
            case _:
                pass
        await self._settled(name)

    async def _pass(self, ticks: int) -> None:
        """Let some rounds of the loop go by, or some milliseconds."""
        for _ in range(ticks % 60):
            await asyncio.sleep(0)
        if ticks >= 60:
            await asyncio.sleep((ticks - 59) / 1000)

    @rule(
        name=st.sampled_from(VISITORS),
        model=st.sampled_from(MODELS),
        provider=st.sampled_from(["chat"] * 9 + ["dead"]),
        length=st.sampled_from([1, 10, 1_000, 20_000, 150_000, 170_000]),
        ticks=st.integers(0, 75),
        then=st.sampled_from(["wait", "wait", "stop", "swap"]),
    )
    def ask(self, name: str, model: str, provider: str, length: int, ticks: int, then: str) -> None:
        if model == "hang":
            ticks = max(ticks, 62)
        self._run(self._asked(name, f"{provider}/{model}", "é" * (length // 2) + "x", ticks, then))

    @rule(models=st.lists(st.sampled_from(MODELS), min_size=3, max_size=3), length=st.sampled_from([1, 30_000]))
    def all_at_once(self, models: list[str], length: int) -> None:
        async def race() -> None:
            works = [
                self._asked(name, f"chat/{model}", "y" * length, 64 if model == "hang" else 0, "wait")
                for name, model in zip(VISITORS, models, strict=True)
            ]
            await asyncio.gather(*works, return_exceptions=True)

        self._run(race())

    @rule(
        name=st.sampled_from(VISITORS),
        models=st.lists(st.sampled_from([m for m in MODELS if m != "hang"]), min_size=2, max_size=3, unique=True),
        again=st.booleans(),
        ticks=st.one_of(st.none(), st.integers(0, 70)),
    )
    def several(self, name: str, models: list[str], again: bool, ticks: int | None) -> None:
        async def work() -> None:
            runtime, references = self.runtimes[name], [f"chat/{m}" for m in models]
            if again and runtime.transcript.turns:
                permit = await runtime.admit(references=references)
                runtime.rerun_with(len(runtime.transcript.turns) - 1, references, permit=permit)
            else:
                message = f"compare @{name}"
                permit = await runtime.admit(message, references=references)
                runtime.compare(message, references, permit=permit)
            if ticks is not None:
                await self._pass(ticks)
                await runtime.stop()
            await self._settled(name)

        self._run(work())

    @rule(
        name=st.sampled_from(VISITORS),
        files=st.lists(st.integers(0, len(BYTES) - 1), min_size=1, max_size=4),
        claim=st.sampled_from([0, 1, 300_000, 10**9]),
        mime=st.sampled_from(["image/png", "application/pdf", "image/png;" + "a" * 50_000]),
        native=st.booleans(),
    )
    def bring_a_file_that_lies(self, name: str, files: list[int], claim: int, mime: str, native: bool) -> None:
        parts: list[Image | File | Text] = [Text(f"look @{name}")]
        for number in files:
            blob = Blob(DIGESTS[number], mime if number < 3 else "application/pdf", "f", claim, 1, 1)
            parts.append(Image(blob) if number < 3 else File(blob))
        account = sha256(KEY.encode()).hexdigest()[:12]
        origin = Origin("openai-chat", f"http://127.0.0.1:{self.upstream.port}/v1", account, "honest")
        said = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://far.test/x.png"}}]}
        step = Step("chat", "honest", origin, (Text("hm"),), native=(Native("text", said),) if native else ())
        lie = Transcript("", (Turn(tuple(parts), (Answer((step,)),)),))

        async def work() -> None:
            conversations, _ = read("lie.json", lie.to_json().encode()).verified(unknown_signature)
            self.runtimes[name].load(conversations[0])

        self._run(work())

    @rule(name=st.sampled_from(VISITORS))
    def begin_again(self, name: str) -> None:
        self.runtimes[name].new_conversation()

    @rule(name=st.sampled_from(VISITORS))
    def change_the_key(self, name: str) -> None:
        if self.keyring.names(name):
            self.keyring.release(name, "chat")
        else:
            self.keyring.put(name, "chat", OWN_KEY)

    # what befalls the process

    @rule(model=st.sampled_from(MODELS), ticks=st.integers(0, 75), luck=st.integers(0, 2))
    def kill(self, model: str, ticks: int, luck: int) -> None:
        """End the process without a word: what the file of the ledger held at that moment is what there is."""
        if luck:
            return

        async def work() -> None:
            works = [asyncio.ensure_future(self._asked(n, f"chat/{model}", "z" * 999, 80, "wait")) for n in VISITORS]
            await self._pass(ticks)
            before, self.world = self._path(), self.world + 1
            with closing(sqlite3.connect(before)) as old, closing(sqlite3.connect(self._path())) as new:
                old.backup(new)
            others = asyncio.all_tasks() - self.upstream.tasks - {asyncio.current_task()}
            for task in others:  # at once: nothing may leave that the copy does not know
                task.cancel()
            await asyncio.gather(*works, *others, return_exceptions=True)

        COUNTS["kills"] += 1
        self._run(work())
        self.engine.dispose()
        self._open()

    # what always holds

    @invariant()
    def the_bill_is_covered_and_no_cap_is_passed(self) -> None:
        if not hasattr(self, "engine"):
            return
        COUNTS["steps"] += 1
        with closing(sqlite3.connect(self._path())) as db:
            totals = dict(db.execute("SELECT scope, nano_usd FROM ledger_totals").fetchall())
            turns = [row[0] for row in db.execute("SELECT turns FROM ledger_totals").fetchall()]
            entries = db.execute("SELECT scopes, reserved, charged FROM ledger_entries").fetchall()
        spent, over = Counter[str](), Counter[str]()
        for scopes, reserved, charged in entries:
            assert charged is None or 0 <= charged <= 4 * reserved
            for scope in scopes.split("\n"):
                spent[scope] += reserved if charged is None else charged
                over[scope] += max(0, (charged or 0) - reserved)
        assert {k: v for k, v in totals.items() if v} == {k: v for k, v in spent.items() if v}
        assert all(count >= 0 for count in turns)
        for scope, total in totals.items():
            assert 0 <= total <= CAPS[scope.partition(":")[0]] * NANO + over[scope], scope
        for name in VISITORS:
            assert totals.get(f"visitor:{name}", 0) >= self.upstream.bill[name], name
        assert totals.get("link", 0) >= sum(self.upstream.bill.values())

    def teardown(self) -> None:
        COUNTS["requests"] += self.upstream.requests
        COUNTS["machines"] += 1
        if COUNTS["machines"] % 40 == 0:
            print(dict(COUNTS), flush=True)
        with suppress(Exception):
            self.loop.run_until_complete(self.pool.aclose())
        self.upstream.stop()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()
        if hasattr(self, "engine"):
            self.engine.dispose()
        shutil.rmtree(self.folder, ignore_errors=True)


async def _measured(data: bytes, owner: str) -> tuple[int, int]:
    return measure(data)


@pytest.mark.timeout(0 if STEPS > 900 else 240)
def test_money_holds_whatever_is_claimed() -> None:
    began, each = time.perf_counter(), 50 if STEPS <= 900 else 100
    profile = settings(
        max_examples=max(1, STEPS // each),
        stateful_step_count=each,
        deadline=None,
        database=None,
        derandomize=STEPS <= 900,
        phases=[Phase.generate] if STEPS <= 900 else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Money, settings=profile)
    print(f"\n{dict(COUNTS)} in {time.perf_counter() - began:.0f} s")
    assert COUNTS["requests"] > 0

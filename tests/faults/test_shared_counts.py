"""What several processes of one link count together: in Redis, and without it each by itself."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aether.errors import CrowdedError
from aether.guard import Who
from aether.guard.admission import Admission, Room
from aether.guard.allowance import SharedGuard
from aether.guard.places import SharedPlaces
from aether.guard.rates import KEYS, Rates
from aether.settings import Settings
from aether.store.conversations import Store
from aether.store.ledger import Ledger

SHARED = {"AETHER_SHARE_TOKEN": "token-0123456789abcdef", "AETHER_BUDGET_USD": "5", "AETHER_LOCAL": "0"}
needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of its own."""
    folder = tmp_path_factory.mktemp("redis")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "Ready to accept connections" in line:
            break
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)


def settings(**more: str) -> Settings:
    return Settings.load(SHARED | more, dotenv=None)


def replica(folder: Path, redis: str, *, each: int) -> SharedGuard:
    """Return the guard of one of several processes on one link."""
    store = Store(f"sqlite:///{folder / 'aether.db'}")
    store.open()
    return SharedGuard(
        settings().share,
        ledger=Ledger(store.engine),
        admission=Admission(Room(each=9), None),
        pause=folder / "paused",
        places=SharedPlaces(redis, each=each, lease_s=60.0),
    )


def visitor() -> Who:
    return Who(secrets.token_hex(16), "s")


@needs_redis
async def test_turns_at_once_of_a_visitor_are_counted_over_all_processes(redis: str, tmp_path: Path) -> None:
    one, other, who = replica(tmp_path, redis, each=2), replica(tmp_path, redis, each=2), visitor()
    first, second, third, stranger = one.open(who), other.open(who), one.open(who), other.open(visitor())
    await first.enter()
    await second.enter()
    with pytest.raises(CrowdedError):
        await third.enter()
    await third.leave()
    await stranger.enter()
    await second.leave()
    await third.enter()
    for permit in (first, third, stranger):
        await permit.leave()


@needs_redis
async def test_a_turn_of_a_process_that_died_runs_out(redis: str) -> None:
    dead, alive = SharedPlaces(redis, each=1, lease_s=0.0), SharedPlaces(redis, each=1, lease_s=60.0)
    who = visitor().visitor
    assert await dead.take(who, "turn 1")
    assert await alive.take(who, "turn 2")
    assert not await alive.take(who, "turn 3")


@needs_redis
async def test_messages_a_minute_are_counted_over_all_processes(redis: str, tmp_path: Path) -> None:
    share = Settings.load(SHARED | {"AETHER_REDIS_URL": redis, "AETHER_VISITOR_RATE": "3"}, dotenv=None).share
    one, other, who = Rates(share), Rates(share), secrets.token_hex(16)
    assert [await rates.allow(rates.messages, who) for rates in (one, other, one, other, one)] == [
        *[True] * 3,
        *[False] * 2,
    ]
    assert await one.allow(one.messages, "another")


async def test_without_redis_each_process_counts_by_itself(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"redis://127.0.0.1:{free.getsockname()[1]}/0"
    share = settings(AETHER_REDIS_URL=url, AETHER_VISITOR_RATE="2").share
    rates, who = Rates(share), secrets.token_hex(16)
    assert [await rates.allow(rates.messages, who) for _ in range(3)] == [True, True, False]
    permit = replica(tmp_path, url, each=1).open(visitor())
    await permit.enter()
    await permit.leave()


async def test_uploads_are_counted_by_their_size() -> None:
    rates = Rates(settings(AETHER_VISITOR_UPLOAD_MB="1").share)
    assert await rates.allow(rates.uploads, "a", cost=600)
    assert not await rates.allow(rates.uploads, "a", cost=600)
    assert await rates.allow(rates.uploads, "b", cost=600)
    assert await rates.allow(KEYS, "a")

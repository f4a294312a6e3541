"""Fixtures for all tests: the scripted provider, a PostgreSQL server, the recordings of real services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.app_process import RUNNING, AppProcess
from tests.replay import RECORDINGS
from tests.scripted import ScriptedProvider
from tests.scripted.clients import Client, Connect
from tests.swap.rig import Rig


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser tests last: Playwright leaves a loop running, in which no async test could run."""
    items.sort(key=lambda item: "e2e" in item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show beside a failure what the applications under test said last."""
    report = yield
    for name, value in getattr(item, "funcargs", {}).items():
        if report.failed and isinstance(value, AppProcess):
            report.sections.append((f"The last lines of {name}", "\n".join(line[:300] for line in value.lines[-40:])))
    return report


@pytest.fixture(autouse=True)
def the_loop_is_not_held() -> Iterator[None]:
    """See after each test that nothing has held the event loop of an application that runs."""
    yield
    for app in RUNNING:
        app.look_at_loop()


@pytest.fixture
def scripted() -> Iterator[ScriptedProvider]:
    """A fresh scripted provider, strict, on a free port of its own."""
    with ScriptedProvider() as server:
        yield server


@pytest.fixture
async def connect(scripted: ScriptedProvider) -> AsyncIterator[Connect]:
    """The SDKs, pointed at the scripted provider: `connect(protocol)`."""
    clients: list[Client] = []

    def made(protocol: str) -> Client:
        clients.append(Client(scripted, protocol))
        return clients[-1]

    yield made
    for client in clients:
        await client.aclose()


@pytest.fixture
async def rig(scripted: ScriptedProvider, tmp_path: Path) -> AsyncIterator[Rig]:
    """Conversations over the scripted provider, without a page."""
    built = Rig(scripted, tmp_path)
    yield built
    await built.aclose()


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server for the whole run; skipped where it is not installed."""
    if postgres.binaries() is None:
        pytest.skip(postgres.WHY_NOT)
    with postgres.Cluster() as running:
        yield running


@pytest.fixture(scope="session")
def recordings_dir() -> Path:
    """The folder of the recorded exchanges."""
    return RECORDINGS

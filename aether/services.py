"""What all sessions of one process share: catalog, connections, local model, live sessions.

Builds the parts from the settings, starts and stops them with the server, and keeps the
catalog's lists fresh in the background. It answers no one and holds no conversation.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path

from aether.catalog import SHIPPED_PROVIDERS, Catalog, Provider, prices
from aether.discovery import Discovery
from aether.errors import SettingError, SwapError, WorkerFailed, WorkerTimeout
from aether.fair import FairThreads
from aether.gate.origin import Public
from aether.gate.presence import Presence
from aether.guard import OpenGuard, Who
from aether.guard.admission import Admission, Room
from aether.guard.allowance import SharedGuard
from aether.guard.media import MEASURE_S, Scale, measure, unmeasured
from aether.guard.places import OwnPlaces, SharedPlaces
from aether.guard.quota import MB, Bounds, Quota
from aether.guard.rates import Rates
from aether.keeping import StoreKeeper
from aether.keyring import Keyring, OwnKeys
from aether.limits import Limits
from aether.llm import Pool, account_of
from aether.local_model import LocalModel, State
from aether.loop_monitor import LoopMonitor
from aether.metrics import OVERRUNS
from aether.receipts import RecordSpace
from aether.redaction import Redactor
from aether.router import ProviderRouter
from aether.runtime import AgentRuntime
from aether.sessions import MOST, OF_PROGRAMS, Sessions
from aether.settings import Settings
from aether.store.blobs import Blobs
from aether.store.conversations import Store, StoreError
from aether.store.housekeeping import Housekeeping
from aether.store.ledger import Ledger
from aether.store.room import Room as StoreRoom
from aether.tools.toolset import Servers, Toolset
from aether.tools.workspace import Workspace
from aether.workers import WorkerPool

log = logging.getLogger("aether")

LINK_RESERVE, OWN_RESERVE = 500_000_000, 50_000_000
"""Bytes that the disk must have left for what is under way; of a small disk a part (see `_quota`)."""
PREPARE_S = 2.0
"""Seconds after the start at which the default model is made ready for its first message."""


class Services:
    """The parts that live as long as the process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        files = [SHIPPED_PROVIDERS]
        if settings.providers_file is not None:
            files.append(settings.providers_file)
        if (own := Path("providers.toml")).is_file():
            files.append(own)
        self.catalog = Catalog.load(files, key=settings.key)
        keys = [k.reveal() for p in self.catalog.providers if (k := self.catalog.key(p)) is not None]
        self.redact = Redactor([*keys, *settings.secrets()])
        self.pool = Pool(redact=self.redact)
        self.threads = FairThreads("visitors")  # for files of visitors; what counts money waits for none of them
        self.workers = WorkerPool()  # reads documents and conversations that are handed in
        self.picture_workers = WorkerPool()  # so that no picture waits for a document
        self.loop_monitor = LoopMonitor()
        self.render_workers = WorkerPool()  # never waits for a file that takes long
        self.store = _opened(Store(settings.database))
        self.secret = self.store.secret
        self.blobs = Blobs(settings.data_dir / "blobs", self.store)
        self.toolset = self._toolset()
        self.local = self._local_model() if settings.local else None
        self.router = ProviderRouter(
            self.catalog, self.pool, address=self.local.address if self.local is not None else None
        )
        self.discovery = Discovery(self.catalog, self.pool, settings.data_dir / "lists")
        self.discovery.recall()
        self.keyring = Keyring()
        self.identify: Callable[[], Who] = Who
        self.catalog.own_names = lambda: self.keyring.names(self.identify().visitor)
        self.records = RecordSpace()
        self.presence = Presence()
        self.sessions = Sessions(self.presence.listens, of_programs=OF_PROGRAMS if settings.share.on else MOST)
        self.public = Public(settings.share.public_url)
        self.rates = Rates(settings.share) if settings.share.on else None
        self.room = StoreRoom(self.store)
        self.quota = self._quota()
        self.guard = self._shared_guard()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def default(self) -> str:
        """Return the reference of a new session's model: the operator's wish, else the first that is ready."""
        if self.settings.default:
            return self.settings.default
        ready = (p for p in self.catalog.providers if p.models and self.catalog.readiness(p.name).ready)
        first = next(ready, None)
        return f"{first.name}/{first.models[0].id}" if first else ""

    def new_runtime(self, identify: Callable[[], Who] = Who) -> AgentRuntime:
        """Return a fresh runtime on the default model; `identify` tells who asks, when a turn begins."""
        self.identify = identify
        return AgentRuntime(
            self.router,
            default=self.default,
            guard=self.guard or OpenGuard(self.quota),
            identify=identify,
            own_keys=lambda who: OwnKeys(self.keyring, who.visitor, who.own_keys),
            open_records=self.records.open,
            limits=Limits(answer_tokens=self.settings.share.answer_tokens) if self.guard else None,
            open_toolbox=self.toolset.open,
            redact=self.redact,
            read_blob=self.blobs.read,
            open_keeper=partial(StoreKeeper, self.store),
        )

    def accounts(self, visitor: str) -> frozenset[str]:
        """Return the fingerprints of the keys that a visitor's questions may be asked with: ours, and their own."""
        keys = [self.catalog.key(provider) for provider in self.catalog.providers]
        keys += [self.keyring.get(visitor, name) for name in self.keyring.names(visitor)]
        return frozenset(map(account_of, keys))

    def _quota(self) -> Quota:
        """Return what may be kept: on a link by each visitor and by all, on one's own machine what the disk takes."""
        share, data = self.settings.share, self.settings.data_dir
        if not share.on:
            return Quota(self.room, Bounds(OWN_RESERVE, 0.01), folders=[data])
        bounds = Bounds(LINK_RESERVE, 0.05, visitor=share.visitor_disk_mb * MB, all=share.disk_mb * MB)
        file = self.store.engine.url.database if self.store.engine.dialect.name == "sqlite" else None
        return Quota(self.room, bounds, folders=[data, Path(file).parent] if file else [data])

    def _shared_guard(self) -> SharedGuard | None:
        """Return the guard of a link that others use, or that has a cap; None on one's own machine."""
        share = self.settings.share
        if not share.on and not share.capped:
            return None
        room = Room(share.turns_at_once, share.turns_waiting, share.visitor_turns_at_once)
        admission = Admission(room, self.presence.listens if share.on else None)
        each, lease_s = share.visitor_turns_at_once, share.turn_s + 60
        return SharedGuard(
            share,
            ledger=Ledger(self.store.engine),
            admission=admission,
            pause=self.settings.data_dir / "paused",
            rates=self.rates,
            quota=self.quota,
            scale=Scale(self.blobs.read, self._measure),
            overrun=OVERRUNS.inc,
            places=SharedPlaces(share.redis_url, each=each, lease_s=lease_s) if share.redis_url else OwnPlaces(),
        )

    async def _measure(self, data: bytes, owner: str) -> tuple[int, int]:
        """Return what a picture or document comes to; raise WorkerBusy where no place is free to measure it."""
        try:
            return await self.workers.run(measure, data, timeout_s=MEASURE_S, owner=owner or "program")
        except (WorkerTimeout, WorkerFailed):
            return unmeasured()

    def _toolset(self) -> Toolset:
        """Return the tools that the operator allows; servers are named here and start at their first use."""
        settings, workspace = self.settings, Workspace(self.settings.workspace)
        for name, path in (("AETHER_DATA_DIR", settings.data_dir), ("AETHER_MCP", settings.mcp_file)):
            if path is not None and settings.tools != "none" and workspace.holds(path):
                raise SettingError(f"AETHER_WORKSPACE holds what {name} names ({path}), so tools could read it.")
        servers = _mcp_servers(settings.mcp_file, settings.data_dir) if settings.mcp_file is not None else None
        return Toolset(level=settings.tools, workspace=workspace, servers=servers)

    def _local_model(self) -> LocalModel:
        local = LocalModel(models_dir=self.settings.models_dir, environment=self.settings.for_children())
        local.on_change = self._local_changed
        files = [{"id": f.id, "name": f.label} for f in local.models()]
        for provider in self._local_providers():
            self.catalog.merge_live(provider.name, files)
        return local

    def _local_providers(self) -> list[Provider]:
        return [p for p in self.catalog.providers if p.local]

    def _local_changed(self, model_id: str, state: State, reason: str) -> None:
        """Say in the terminal and in the catalog how the local model does."""
        log.info("Local model %s: %s %s", model_id, state, reason)
        for provider in self._local_providers():
            if provider.models and provider.models[0].id == model_id:
                self.catalog.set_status(provider.name, state != "failed", reason)

    async def start(self) -> None:
        """Start the local model and the discovery of live lists, in the background."""
        gc.freeze()  # what was imported stays: no collection walks it again while answers are written
        if self.local is not None:
            self._spawn(self.local.start())
        else:
            for provider in self._local_providers():
                self.catalog.set_status(provider.name, False, "switched off by AETHER_LOCAL=0")
        self.loop_monitor.start()
        self._spawn(self.discovery.run())
        self._spawn(self.sessions.run())
        tidy = Housekeeping(self.room, self.blobs, Ledger(self.store.engine), self.settings.share.keep_days)
        self._spawn(tidy.run())
        self._spawn(self._prepare())

    async def _prepare(self) -> None:
        """Load the table of prices, and what the first message to the default model needs once pages had their time."""
        await asyncio.to_thread(prices.load)
        await asyncio.sleep(PREPARE_S)
        with suppress(SwapError):
            self.router.resolve(self.default).prepare()

    async def stop(self) -> None:
        """End turns, tools, tasks, the local model and all connections."""
        self.loop_monitor.stop()
        await self.sessions.aclose()
        await self.toolset.stop()
        for task in self._tasks:
            task.cancel()
        if self.local is not None:
            await self.local.stop()
        await self.pool.aclose()
        await self.workers.aclose()
        await self.picture_workers.aclose()
        await self.render_workers.aclose()
        self.threads.close()
        self.store.close()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _mcp_servers(file: Path, data_dir: Path) -> Servers:
    from aether.tools.mcp import MCPServers, load_servers  # the SDK is loaded where servers are named

    return MCPServers(load_servers(file), pins=data_dir / "mcp_tools.json")


def _opened(store: Store) -> Store:
    """Return the store, opened if its database is there; if it is not, the store opens it when it comes."""
    try:
        store.open()
    except StoreError:
        log.error("Conversations are not saved: the database cannot be used. It is tried again with each message.")
    return store

"""Live lists of models: asked for in the background, kept on disk, laid over the catalog.

A list from the last run is there at once; a fresh one replaces it when it has come. What a
service answers also tells whether it is ready: a server that does not run yet is asked again
every minute, so that it appears when it is started. No page ever waits for any of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from aether.bounds import LIST_BYTES, LIST_MODELS
from aether.catalog import Catalog, Model, Provider
from aether.errors import AuthError, GarbledError, NetworkError, ProviderError, SilenceError
from aether.llm import LLM, Pool, translate
from aether.settings import Secret
from aether.text import sound_json

log = logging.getLogger("aether")

FRESH_S = 6 * 3600.0
"""Seconds after which a list is asked for again."""
RETRY_S = 60.0
"""Seconds after which a service that did not answer is asked again."""


class Discovery:
    """Keep the catalog's lists fresh. `folder` holds the lists of the last run."""

    def __init__(
        self, catalog: Catalog, pool: Pool, folder: Path, *, fresh_s: float = FRESH_S, retry_s: float = RETRY_S
    ) -> None:
        self._catalog, self._pool, self._folder = catalog, pool, folder
        self._fresh_s, self._retry_s = fresh_s, retry_s

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Return the providers that have a list and may be asked for it."""
        asked = (p for p in self._catalog.providers if p.discover and not p.local)
        return tuple(p for p in asked if not p.api_key_env or self._catalog.key(p) is not None)

    def recall(self) -> None:
        """Lay the lists of the last run over the catalog; one that is damaged is passed over."""
        for provider in self.providers:
            try:
                entries = json.loads(self._file(provider).read_text("utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(entries, list):
                listed = cast(list[object], entries)
                self._catalog.merge_live(
                    provider.name, [cast(dict[str, Any], e) for e in listed if isinstance(e, dict)]
                )

    async def run(self) -> None:
        """Ask every service for its list, again and again; ends when it is cancelled."""
        await asyncio.gather(*(self._keep(p) for p in self.providers))

    async def _keep(self, provider: Provider) -> None:
        said = ""
        while True:
            reason = await self.ask(provider)
            if reason and reason != said:
                log.info("Provider %s: no list of models: %s", provider.name, reason)
            said = reason
            await asyncio.sleep(self._retry_s if reason else self._fresh_s)

    async def ask(self, provider: Provider) -> str:
        """Ask a service once and note what came of it; return why there is no list, or nothing."""
        try:
            entries = await list_models(provider, self._catalog.key(provider), self._pool)
        except ProviderError as error:
            # Only these say that a request would fail as well; some services have no list at all.
            if isinstance(error, NetworkError | SilenceError | AuthError):
                self._catalog.set_status(provider.name, False, str(error))
            return str(error)
        self._catalog.merge_live(provider.name, entries)
        self._catalog.set_status(provider.name, True, "")
        await asyncio.to_thread(self._remember, provider, entries)
        return ""

    def _remember(self, provider: Provider, entries: list[dict[str, Any]]) -> None:
        file = self._file(provider)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh = file.with_suffix(".new")
            fresh.write_text(json.dumps(entries), "utf-8")
            fresh.replace(file)
        except OSError as error:
            log.info("The list of %s cannot be kept: %s", provider.name, error.strerror)

    def _file(self, provider: Provider) -> Path:
        """Name the file after the address too: a list is of one service, not of a name."""
        return self._folder / f"{sha256(f'{provider.name} {provider.base_url}'.encode()).hexdigest()[:16]}.json"


async def list_models(provider: Provider, key: Secret | None, pool: Pool) -> list[dict[str, Any]]:
    """Return the raw entries of a provider's live list of models; raise ProviderError."""
    is_anthropic = provider.protocol == "anthropic-messages"
    wanted: dict[str, Any] = {"extra_query": {"limit": 1000}} if is_anthropic else {}
    try:
        client = await pool.client(provider, key, provider.base_url)
        models: Any = client.models.with_streaming_response
        async with asyncio.timeout(pool.budgets.connect_s * 4), models.list(**wanted) as answer:
            data = await _bounded(answer.iter_bytes(), provider.label)
        return await asyncio.to_thread(_entries, data, provider.label)
    except Exception as error:
        stand_in = Model(id="", label="")
        raise translate(error, LLM(provider, stand_in, key, pool)) from error


async def _bounded(pieces: AsyncIterator[bytes], label: str) -> bytes:
    """Return a whole body, read piece by piece; raise GarbledError for one that is longer than any list."""
    data = bytearray()
    async for piece in pieces:
        data += piece
        if len(data) > LIST_BYTES:
            raise GarbledError(f"{label} sent a list of models that is too long.")
    return bytes(data)


def _entries(data: bytes, label: str) -> list[dict[str, Any]]:
    """Return the entries of a list, no more than are read of one; raise GarbledError for what is no JSON."""
    try:
        answer: object = json.loads(data)
        entries = cast(dict[str, object], answer).get("data") if isinstance(answer, dict) else answer
        listed = cast(list[object], entries)[:LIST_MODELS] if isinstance(entries, list) else []
        return [sound_json(cast(dict[str, Any], e)) for e in listed if isinstance(e, dict)]
    except (ValueError, RecursionError) as error:
        raise GarbledError(f"{label} sent a list of models that could not be read.") from error

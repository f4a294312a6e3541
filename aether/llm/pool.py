"""The process's HTTP connections, and SDK clients over them. An SDK is loaded when a model that needs it is chosen."""

from __future__ import annotations

import asyncio
import importlib
import ssl
import sys
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from aether.catalog import Provider
from aether.connections import Crowd, Transport
from aether.profile import Protocol
from aether.redaction import Redactor
from aether.settings import Secret

if TYPE_CHECKING:
    import anthropic
    import openai

    Client = openai.AsyncOpenAI | anthropic.AsyncAnthropic

SDKS: dict[Protocol, str] = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
}
NO_KEY = "none"
"""Sent where a provider wants no key: given explicitly, so that no SDK looks for one by itself."""


@dataclass(frozen=True)
class Budgets:
    """How long to wait, in seconds, and how often to ask again before the first event."""

    connect_s: float = 5.0
    first_event_s: float = 120.0
    gap_s: float = 120.0
    whole_s: float = 900.0
    retries: int = 2
    longest_wait_s: float = 5.0


class Pool:
    """The process's HTTP connections, one pool for each SDK. Follows no redirect, reads no environment."""

    def __init__(self, budgets: Budgets | None = None, redact: Redactor | None = None) -> None:
        self.budgets = budgets or Budgets()
        self.redact = redact or Redactor()
        self.crowd = Crowd()
        certificates = httpx2.create_ssl_context(trust_env=False)
        self._openai, self._anthropic = self._client(certificates), self._client(certificates)
        self._loading: dict[str, Future[None]] = {}

    def _client(self, certificates: ssl.SSLContext) -> httpx2.AsyncClient:
        budgets = self.budgets
        limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=30.0)
        return httpx2.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            timeout=httpx2.Timeout(budgets.gap_s, connect=budgets.connect_s, pool=budgets.first_event_s),
            transport=Transport(self.crowd, certificates=certificates, limits=limits),
        )

    def load(self, protocol: Protocol) -> Future[None]:
        """Begin to load the SDK of a protocol, in a thread; the same future for all who ask."""
        name = SDKS[protocol]
        if name not in self._loading:
            loading = self._loading[name] = Future()
            if name in sys.modules:
                loading.set_result(None)
            else:
                threading.Thread(target=_load, args=(name, loading), daemon=True, name=f"load {name}").start()
        return self._loading[name]

    async def client(self, provider: Provider, key: Secret | None, base_url: str) -> Client:
        """Return an SDK client over the shared connections; once its SDK is loaded it costs under a millisecond."""
        await asyncio.wrap_future(self.load(provider.protocol))
        secret = key.reveal() if key else NO_KEY
        headers = dict(provider.headers)
        match provider.protocol:
            case "anthropic-messages":
                import anthropic

                return anthropic.AsyncAnthropic(
                    api_key=secret,
                    base_url=base_url,
                    http_client=self._anthropic,
                    max_retries=0,
                    default_headers=headers,
                )
            case "openai-chat" | "openai-responses":
                import openai

                return openai.AsyncOpenAI(
                    api_key=secret, base_url=base_url, http_client=self._openai, max_retries=0, default_headers=headers
                )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._openai.aclose()
        await self._anthropic.aclose()


def _load(name: str, loading: Future[None]) -> None:
    try:
        importlib.import_module(name)
        loading.set_result(None)
    except BaseException as error:
        loading.set_exception(error)

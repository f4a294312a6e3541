"""The only room that talks to a model: SDK clients over one shared pool, one seam.

An SDK is loaded, in a thread, when a model that needs it is chosen: one of them has three
thousand modules, which a process that never speaks its protocol does without.

`LLM` is one model made callable for one session: an immutable binding of provider, model
and key. `LLM.ask(body)` gives an `Exchange`: it yields events, and tells the reply at any time.
Retries happen here, only before the first event; foreign errors are translated here,
once. It does not know what a body means: that is the wire's.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import ssl
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import httpx2

from aether.catalog import Model, Provider
from aether.connections import Crowd, Transport
from aether.errors import GarbledError, NetworkError, ProviderError, SilenceError
from aether.events import Reply, Retried, StreamEvent
from aether.logs import Redactor
from aether.lowering.view import Target, ToolSpec
from aether.profile import Protocol
from aether.settings import Secret
from aether.transcript import Origin
from aether.waits import Waits
from aether.wire import WIRES, Ask, InBandError, Reader, Wire
from aether.wire.faults import classify

if TYPE_CHECKING:
    import anthropic
    import openai

    Client = openai.AsyncOpenAI | anthropic.AsyncAnthropic

JSON = dict[str, Any]
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


Address = Callable[[str], Awaitable[str]]
"""Model id → root URL of the local server that answers for it, once it is up."""


@dataclass(frozen=True)
class LLM:
    """One model made callable for one session. `address` is set where our own server answers.

    `own_key`: the key is the visitor's own.
    """

    provider: Provider
    model: Model
    key: Secret | None
    pool: Pool = field(repr=False)
    address: Address | None = field(default=None, repr=False, compare=False)
    own_key: bool = False

    @property
    def reference(self) -> str:
        """Return the model reference, `provider/model`."""
        return f"{self.provider.name}/{self.model.id}"

    @property
    def wire(self) -> Wire:
        return WIRES[self.provider.protocol]

    @property
    def origin(self) -> Origin:
        """Say who issues what this model answers."""
        account = hashlib.sha256(self.key.reveal().encode()).hexdigest()[:12] if self.key else ""
        return Origin(self.provider.protocol, self.provider.base_url, account, self.model.id)

    def target(self, tools: tuple[ToolSpec, ...] = ()) -> Target:
        """Describe this model to lowering."""
        return Target(self.provider.name, self.origin, self.model.profile, tools)

    def settings(self, **wishes: Any) -> Ask:
        """Return how to ask this model."""
        return Ask(self.model.id, self.model.profile, **wishes)

    def prepare(self) -> None:
        """Have ready what the first request needs; returns at once."""
        self.pool.load(self.provider.protocol)

    def ask(self, body: JSON) -> Exchange:
        """Return one request; nothing is sent before its events are asked for."""
        return Exchange(self, body)

    async def connect(self) -> Client:
        """Return a client, at the address where the model answers now."""
        base_url = self.provider.base_url
        if self.address is not None:
            base_url = await self.address(self.model.id) + urlsplit(base_url).path.rstrip("/")
        return await self.pool.client(self.provider, self.key, base_url)


class Exchange:
    """One request and its streamed answer. Take `events()` once; `reply()` tells what has come so far."""

    def __init__(self, llm: LLM, body: JSON) -> None:
        self._llm = llm
        self._body = body
        self._reader: Reader = llm.wire.reader()

    def reply(self) -> Reply:
        """Return the reply so far."""
        return self._reader.reply()

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        """Yield events; raise ProviderError. Asks again only while nothing has been heard."""
        budgets = self._llm.pool.budgets
        for attempt in range(budgets.retries + 1):
            heard = False
            try:
                with self._llm.pool.crowd.one():
                    async with aclosing(self._once()) as events:
                        async for event in events:
                            heard = True
                            yield event
                return
            except ProviderError as error:
                wait_s = _wait_s(error, attempt, budgets)
                if heard or wait_s is None:
                    raise
                yield Retried(str(error), wait_s, error.not_taken)
            await asyncio.sleep(wait_s)
            self._reader = self._llm.wire.reader()

    async def _once(self) -> AsyncGenerator[StreamEvent, None]:
        llm, budgets = self._llm, self._llm.pool.budgets
        client = await llm.connect()
        await llm.pool.crowd.turn()
        waits = Waits(each_s=budgets.gap_s, whole_s=budgets.whole_s)
        stream: Any = None
        try:
            # Each wait has its own time-out: one that spanned a `yield` could fire in the caller's code.
            async with asyncio.timeout(budgets.first_event_s):
                stream = await _post(client, llm.wire.path, self._body)
                data = await anext(stream, None)
            while data is not None:
                for event in self._reader.feed(cast(JSON, data) if isinstance(data, dict) else {}):
                    yield event
                async with waits.one():
                    data = await anext(stream, None)
        except Exception as error:
            fault = translate(error, llm)
            if stream is not None and isinstance(fault, NetworkError):
                fault = _broke_off(llm, fault.detail)
            raise fault from error
        finally:
            waits.close()
            if stream is not None:
                await stream.close()
        if not self._reader.reply().complete:
            raise _broke_off(llm)


def _broke_off(llm: LLM, detail: str = "") -> NetworkError:
    return NetworkError(f"The answer of {llm.provider.label} broke off.", detail=detail)


async def _post(client: Client, path: str, body: JSON) -> Any:
    """Send the body as it is, through the SDK's own authentication, errors and stream reading."""
    streams: Any = sys.modules[type(client).__module__.partition(".")[0]].AsyncStream
    return await client.post(path, body=body, cast_to=object, stream=True, stream_cls=streams[object])


def _wait_s(error: ProviderError, attempt: int, budgets: Budgets) -> float | None:
    """Return how long to wait before asking again; None: do not."""
    if not error.retryable or attempt >= budgets.retries:
        return None
    wait_s = error.retry_after_s if error.retry_after_s is not None else 0.4 * 3**attempt
    return wait_s if wait_s <= budgets.longest_wait_s else None


def translate(error: Exception, llm: LLM) -> ProviderError:
    """Say in our words what an SDK, the network or a service said in theirs."""
    label, model, redact = llm.provider.label, llm.model.label, llm.pool.redact
    foreign: Any = error
    if isinstance(error, ProviderError):
        return error
    if isinstance(error, (TimeoutError, httpx2.TimeoutException, *_sdk_errors("APITimeoutError"))):
        return SilenceError(f"{label} gave no sign of life in time.")
    if isinstance(error, _sdk_errors("APIStatusError")):
        fault = classify(foreign.status_code, foreign.body, label=label, model=model, headers=foreign.response.headers)
    elif isinstance(error, InBandError):
        fault = classify(None, error.body, label=label, model=model, headers={})
    elif isinstance(error, (httpx2.HTTPError, *_sdk_errors("APIConnectionError"))):
        fault = NetworkError(f"{label} could not be reached.", detail=redact(str(error.__cause__ or error)))
        fault.unsent = isinstance(error.__cause__ or error, httpx2.ConnectError | httpx2.ConnectTimeout)
        return fault
    elif isinstance(error, _sdk_errors("APIError")):
        fault = classify(None, {"error": foreign.body}, label=label, model=model, headers={})
    elif isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return GarbledError(f"{label} sent an answer that could not be read.")
    else:
        return ProviderError(f"{label} could not be asked.", detail=redact(f"{type(error).__name__}: {error}"))
    fault.detail = redact(fault.detail)
    return fault


def _sdk_errors(name: str) -> tuple[type[Exception], ...]:
    """Return the errors of that name of the SDKs that are loaded; the others cannot have raised any."""
    found = (getattr(sys.modules.get(sdk), name, None) for sdk in sorted(set(SDKS.values())))
    return tuple(kind for kind in found if kind is not None)

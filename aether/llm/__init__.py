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
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from aether.bounds import CALLS_PER_STEP
from aether.catalog import Model, Provider
from aether.connections import sending
from aether.errors import GarbledError, NetworkError, ProviderError
from aether.events import CallDelta, Reply, Retried, StreamEvent
from aether.llm.faults import broke_off, translate, wait_before_retry
from aether.llm.pool import Budgets, Pool
from aether.lowering.view import Target, ToolSpec
from aether.redaction import Redactor
from aether.settings import Secret
from aether.transcript import Origin
from aether.waits import Waits
from aether.wire import WIRES, Ask, Reader, Wire
from aether.wire.intake import Intake

if TYPE_CHECKING:
    from aether.llm.pool import Client

__all__ = ["LLM", "Address", "Budgets", "Exchange", "Pool", "account_of", "translate"]

JSON = dict[str, Any]


def account_of(key: Secret | None) -> str:
    """Return a short fingerprint of a key; empty for none."""
    return hashlib.sha256(key.reveal().encode()).hexdigest()[:12] if key else ""


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
    def redact(self) -> Redactor:
        """Return what replaces keys in the words of this model's service: the operator's keys, and this one."""
        return self.pool.redact.knowing(self.key.reveal()) if self.key else self.pool.redact

    @property
    def wire(self) -> Wire:
        return WIRES[self.provider.protocol]

    @property
    def origin(self) -> Origin:
        """Say who issues what this model answers."""
        return Origin(self.provider.protocol, self.provider.base_url, account_of(self.key), self.model.id)

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
        self.is_billable = False
        """Whether the attempt under way may be billed: its first byte has left, and it was not refused."""

    def _sending(self) -> None:
        self.is_billable = True

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
                error.unsent = not self.is_billable
                self.is_billable = not error.not_taken
                wait_s = wait_before_retry(error, attempt, budgets)
                if heard or wait_s is None:
                    raise
                yield Retried(str(error), wait_s)
                self.is_billable = False  # whoever pays has heard of it
            await asyncio.sleep(wait_s)
            self._reader = self._llm.wire.reader()

    async def _once(self) -> AsyncGenerator[StreamEvent, None]:
        llm, budgets = self._llm, self._llm.pool.budgets
        client = await llm.connect()
        await llm.pool.crowd.turn()
        waits = Waits(each_s=budgets.gap_s, whole_s=budgets.whole_s)
        stream: Any = None
        intake = Intake()
        try:
            # Each wait has its own time-out: one that spanned a `yield` could fire in the caller's code.
            async with asyncio.timeout(budgets.first_event_s):
                with sending(self._sending):
                    stream = await _post(client, llm.wire.path, self._body)
                self._sending()  # also where the connection did not say so
                data = await anext(stream, None)
            while data is not None:
                for event in self._reader.feed(intake.take(cast(JSON, data)) if isinstance(data, dict) else {}):
                    if isinstance(event, CallDelta) and event.index >= CALLS_PER_STEP:
                        raise GarbledError(f"{llm.provider.label} sent an answer that could not be read.")
                    yield event
                async with waits.one():
                    data = await anext(stream, None)
            for left in intake.rest():
                for event in self._reader.feed(left):
                    yield event
        except Exception as error:
            fault = translate(error, llm, self._body)
            if stream is not None:
                if isinstance(fault, NetworkError):
                    fault = broke_off(llm, fault.detail)
                fault.status = None  # the service had taken the request: no later word of it is a refusal
            raise fault from error
        finally:
            waits.close()
            if stream is not None:
                await stream.close()
        if not self._reader.reply().complete:
            raise broke_off(llm)


async def _post(client: Client, path: str, body: JSON) -> Any:
    """Send the body as it is, through the SDK's own authentication, errors and stream reading."""
    streams: Any = sys.modules[type(client).__module__.partition(".")[0]].AsyncStream
    return await client.post(path, body=body, cast_to=object, stream=True, stream_cls=streams[object])

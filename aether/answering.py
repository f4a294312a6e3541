"""One answer being made: runs the agent, keeps `live` true to it, logs and records each request.

It is the body of the task that the runtime owns. Whatever ends the agent (its own end, a
stop, an error of a provider or of ours), what has been said is kept in `live`. It holds no
lock and decides nothing about the model: it asks for the one to use before each request.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from aether.agent import AgentEvent, Asked, Draft, Resulted, Stepped, run
from aether.asking import asking
from aether.errors import AetherError, ProviderError, TimeLimit
from aether.events import Retried
from aether.guard import OpenPass, Pass
from aether.limits import Limits
from aether.live import Live
from aether.llm import LLM
from aether.logs import Redactor, harmless
from aether.lowering import View
from aether.metrics import ended, open_stream
from aether.receipts import WireRecord
from aether.tools.base import Toolbox
from aether.transcript import Blob, Failure, StopReason, Text, ToolResult, Transcript
from aether.wire.base import Carried

log = logging.getLogger("aether")

INTERNAL = "Something went wrong inside Aether. Your message is kept. Try again."

UNFINISHED = "The user stopped the answer before this call had given a result."
BROKEN_OFF = "The answer broke off before this call was run."


def _accept_nothing(_: LLM, __: int) -> None: ...


@dataclass(frozen=True)
class Means:
    """What an answer is made with, beside the model: the same for all answers of a session."""

    session: str
    toolbox: Toolbox
    limits: Limits
    redact: Redactor
    read_blob: Callable[[Blob], bytes]
    record: Callable[[WireRecord], None]
    kept: Callable[[], Awaitable[None]]
    permit: Pass = field(default_factory=OpenPass)
    accept: Callable[[LLM, int], None] = _accept_nothing


async def answer(
    asked: Transcript,
    live: Live,
    *,
    llm: Callable[[], LLM],
    learn: Callable[[LLM, ProviderError], None],
    means: Means,
) -> None:
    """Answer the last turn of `asked` into `live`; never raises."""
    try:
        await means.kept()  # the message is safe before the request leaves
        live.waiting = True
        live.touch()
        await means.permit.enter()
        live.waiting = False
        async with asyncio.timeout(means.permit.seconds):
            with open_stream():
                await _follow(asked, live, llm=llm, learn=learn, means=means)
    except asyncio.CancelledError:
        live.stopped = True
        _keep_draft(live, "stopped")
    except TimeoutError:
        live.failure = failure(TimeLimit("This answer took longer than one may take here, and was ended."))
        _keep_draft(live, "error")
    except AetherError as error:
        live.failure = failure(error)
        _keep_draft(live, "error")
        log.warning("Session %s turn failed: %s: %s", means.session, error.kind, error)
    except Exception:
        live.failure = Failure("internal", INTERNAL)
        _keep_draft(live, "error")
        log.exception("Session %s turn failed", means.session)
    finally:
        await means.permit.leave()
    _close_calls(live)
    ended(live.answer().status, live.steps, live.failure)


async def _follow(
    asked: Transcript,
    live: Live,
    *,
    llm: Callable[[], LLM],
    learn: Callable[[LLM, ProviderError], None],
    means: Means,
) -> None:
    """Take each event of the agent, with the guard's leave for each request."""
    steps = run(
        asked,
        llm=llm,
        toolbox=means.toolbox,
        limits=means.limits,
        learn=learn,
        read_blob=means.read_blob,
    )
    async with aclosing(steps) as events:
        async for event in events:
            match event:
                case Asked(draft):
                    await means.permit.reserve(asking(draft, means.limits))
                case Retried() if live.draft is not None:
                    await means.permit.reserve(asking(live.draft, means.limits))
                case Stepped(step):
                    await means.permit.settle(step.usage)
                    if live.draft is not None:
                        means.accept(live.draft.llm, step.usage.input)
                case _:
                    pass
            _take(live, event, means)


def _take(live: Live, event: AgentEvent, means: Means) -> None:
    match event:
        case Asked(draft):
            live.draft = draft
            _record(live, draft, means)
        case Stepped(step):
            live.draft = None
            live.steps.append(step)
        case Resulted(step):
            live.steps[-1] = step
        case _:
            if live.draft is not None:
                live.draft.take(event)
    live.touch()


def _record(live: Live, draft: Draft, means: Means) -> None:
    with harmless("Naming a broken rule"):
        for broken in draft.violations:
            log.warning("Session %s request to %s breaks a rule: %s", means.session, draft.reference, broken)
    notes = tuple(draft.notes)
    record(draft.llm, draft.body, draft.view, turn=live.turn, means=means, at=draft.at, notes=notes)


def record(
    llm: LLM,
    body: dict[str, Any],
    view: View,
    *,
    turn: int,
    means: Means,
    at: float = 0.0,
    notes: tuple[str, ...] = (),
) -> None:
    """Log the request that is about to be sent, and keep it for the inspector, both without keys; never raises.

    The body itself is not touched: what is sent is what was asked for.
    """
    with harmless("Recording a request"):
        own = [llm.key.reveal()] if llm.own_key and llm.key else []
        clean = means.redact.knowing(*own).values(without_media(body))
        _log_request(llm, clean, view, means=means)
        means.record(
            WireRecord(
                turn,
                llm.reference,
                clean,
                at or time.time(),
                protocol=llm.provider.protocol,
                url=llm.provider.base_url.rstrip("/") + llm.wire.path,
                key_name=llm.provider.api_key_env or "",
                messages=len(view.messages),
                omissions=view.omissions,
                notes=notes,
            )
        )


def without_media(value: Any) -> Any:
    """Return a body with a short text in the place of each picture and file; the body itself is not touched."""
    match value:
        case Carried():
            return f"[{value.chars:,} characters of base64, sha256 {value.sha256}]"
        case dict():
            return {key: without_media(inner) for key, inner in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case list():
            return [without_media(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case _:
            return value


def _log_request(llm: LLM, clean: dict[str, Any], view: View, *, means: Means) -> None:
    text = json.dumps(clean, ensure_ascii=False)
    sizes = {
        "session": means.session,
        "provider": llm.provider.name,
        "model": llm.model.id,
        "messages": len(view.messages),
        "tools": len(view.tools),
        "bytes": len(text),
    }
    log.info("LLM REQUEST PAYLOAD %s", json.dumps(sizes))
    log.debug("LLM REQUEST BODY %s", text)


def _close_calls(live: Live) -> None:
    """Give each call that got no result one that says so: its tool has ended with the turn."""
    if live.steps and (last := live.steps[-1]).calls:
        told = UNFINISHED if live.stopped else BROKEN_OFF
        results = tuple(r or ToolResult(c.id, c.name, (Text(told),), "not_run") for c, r in last.answered)
        live.steps[-1] = replace(last, results=results)


def _keep_draft(live: Live, stop: StopReason) -> None:
    draft, live.draft = live.draft, None
    if draft is not None:
        live.steps.append(draft.settle(stop=stop))


def failure(error: AetherError) -> Failure:
    """Return an error as the transcript keeps it, beside the turn."""
    if isinstance(error, ProviderError):
        return Failure(error.kind, error.sentence, error.detail, error.retry_after_s)
    return Failure(error.kind, error.sentence)

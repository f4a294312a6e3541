"""A conversation that does not fit: nothing is sent, and three ways to go on."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aether.errors import BusyError, CellError, ProviderError
from aether.fitting import standing
from aether.runtime import AgentRuntime
from aether.ui import panels
from tests.scripted import ScriptedProvider
from tests.scripted.reply import Counts, Reply
from tests.swap.rig import PROTOCOLS, Rig, say

LONG = "word " * 300


def small(scripted: ScriptedProvider, name: str) -> str:
    """Return the entry of a provider whose model has a small window."""
    return (
        f'[[provider]]\nname = "{name}-small"\nlabel = "Small"\nprotocol = "{PROTOCOLS[name]}"\n'
        f'base_url = "{scripted.base_url(PROTOCOLS[name])}"\napi_key_env = "SCRIPTED_KEY"\nmodels = ["echo-tiny"]\n'
        "profile = { tools = true }\n"
        '[[provider.model]]\nid = "echo-tiny"\nlabel = "Tiny"\ncontext_window = 3000\n'
        "price = { input = 1, output = 10 }\n"
    )


@pytest.fixture
async def tight(scripted: ScriptedProvider, tmp_path: Path) -> AsyncIterator[Rig]:
    built = Rig(scripted, tmp_path, extra="\n".join(small(scripted, n) for n in PROTOCOLS))
    yield built
    await built.aclose()


async def grown(rig: Rig, turns: int = 8) -> AgentRuntime:
    """Return a conversation that is too long for the small models."""
    runtime = rig.runtime("chat/echo-small")
    for number in range(turns):
        counts = Counts(input=400 * (number + 1), output=200)
        rig.scripted.script("echo-small", [Reply(text=f"answer {number} " + LONG[:700], usage=counts)])
        await say(runtime, f"question {number} {LONG[:700]}")
    return runtime


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_the_receipt_says_before_anything_is_sent_that_it_does_not_fit(tight: Rig, name: str) -> None:
    runtime = await grown(tight)
    sent = len(tight.scripted.requests)
    receipt = runtime.swap(f"{name}-small", "echo-tiny")
    assert receipt.fit is not None and not receipt.fit.fits
    assert receipt.fit.needed >= 3000 and receipt.fit.window == 3000
    assert receipt.cost_usd == pytest.approx((receipt.fit.needed + 200 * 10) / 1_000_000, rel=0.2)
    await say(runtime, "does it fit?")
    failure = runtime.transcript.turns[-1].answers[0].failure
    assert failure is not None and failure.kind == "too_long" and "3,000" in failure.message
    assert len(tight.scripted.requests) == sent


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_the_oldest_exchanges_are_left_out_and_come_back(tight: Rig, name: str) -> None:
    runtime = await grown(tight)
    runtime.select(f"{name}-small", "echo-tiny")
    llm = runtime.llm
    assert llm is not None
    before = standing(runtime.transcript, llm, runtime.toolbox.specs)
    whole = runtime.transcript
    assert await runtime.shorten(summarised=False) == before.surplus
    assert standing(runtime.transcript, llm, runtime.toolbox.specs).fit.fits
    assert (await say(runtime, "and now?")).endswith("and now?")
    body = json.dumps(tight.scripted.requests[-1].body)
    assert "question 0 " in body and "question 7 " in body and "question 1 " not in body
    receipt = runtime.swap("chat", "echo-small")
    assert any(o.kind == "turns" for o in receipt.omissions)
    runtime.show_all()
    assert runtime.transcript.turns[:8] == whole.turns and not runtime.transcript.cuts
    await say(runtime, "and now?")
    assert "question 1 " in json.dumps(tight.scripted.requests[-1].body)


async def test_the_summary_is_written_by_the_model_that_knew_it_all(
    tight: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = await grown(tight)
    runtime.select("messages-small", "echo-tiny")
    tight.scripted.script("echo-small", [Reply(text="They spoke of words.", usage=Counts(input=5000, output=60))])
    with caplog.at_level(logging.INFO, "aether"):
        assert await runtime.shorten(summarised=True) > 0
    asked = tight.scripted.requests[-1]
    assert asked.model == "echo-small" and not asked.refused
    assert "Summarise our conversation" in json.dumps(asked.body) and "question 1 " in json.dumps(asked.body)
    assert [r for r in caplog.records if "LLM REQUEST PAYLOAD" in r.getMessage()]
    assert runtime.records[-1].reference == "chat/echo-small"
    cut = runtime.transcript.cuts[0]
    assert (cut.summary, cut.author) == ("They spoke of words.", "chat/echo-small")
    (beside,) = runtime.transcript.beside
    assert (beside.reference, beside.usage.input, beside.usage.output) == ("chat/echo-small", 5000, 60)
    assert f"{8 * 200 + 60:,} out" in panels.usage(runtime.transcript), "what the summary took is in the totals"
    await say(runtime, "and now?")
    sent = tight.scripted.requests[-1]
    assert sent.model == "echo-tiny" and "They spoke of words." in json.dumps(sent.body)
    assert "question 1 " not in json.dumps(sent.body)


async def test_a_summary_that_cannot_be_had_changes_nothing(tight: Rig) -> None:
    runtime = await grown(tight)
    runtime.select("chat-small", "echo-tiny")
    tight.scripted.script("echo-small", [Reply(status=400, body={"error": {"message": "no"}})])
    whole = runtime.transcript
    with pytest.raises(ProviderError):
        await runtime.shorten(summarised=True)
    assert runtime.transcript == whole


async def test_what_fits_is_not_cut_and_what_runs_is_not_either(tight: Rig) -> None:
    runtime = tight.runtime("chat/echo-small")
    await say(runtime, "short")
    with pytest.raises(CellError):
        await runtime.shorten(summarised=False)
    runtime.select("chat", "stall-1")
    runtime.ask("go")
    with pytest.raises(BusyError):
        await runtime.shorten(summarised=False)
    with pytest.raises(BusyError):
        runtime.show_all()
    await runtime.stop()


async def test_one_exchange_that_is_too_long_by_itself_cannot_be_cut(tight: Rig) -> None:
    runtime = tight.runtime("chat-small/echo-tiny")
    await say(runtime, "word " * 5000)
    with pytest.raises(CellError):
        await runtime.shorten(summarised=False)
    runtime.select("chat", "echo-small")
    assert (await say(runtime, "shorter")).endswith("shorter")

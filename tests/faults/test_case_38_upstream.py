"""Case 38: whatever a service does, the person is told in plain words, nothing is lost, and the next turn works."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from aether.llm import Budgets
from tests.scripted import ScriptedProvider
from tests.swap.rig import KEY, PROTOCOLS, Rig, say

IMPATIENT = Budgets(connect_s=2.0, first_event_s=4.0, gap_s=4.0, whole_s=20.0, retries=1, longest_wait_s=0.1)
BEFORE = (
    *("error-400", "error-401", "error-402", "error-403", "error-404", "error-413", "error-429", "error-429-retry-20"),
    *("error-429-retry-3600", "error-429-retry-Wed, 21 Oct 2099 07:28:00 GMT", "error-429-retry-soon", "error-500"),
    *("error-503", "error-504", "error-529", "html-502", "html-200", "quota", "echo-key-401", "silent"),
    *("silent-headers", "empty", "garbled", "gzip-lie-echo"),
)
"""Faults before the first word."""
AFTER = ("stall-3", "cut-3", "unended-3", "inband-error-3")
"""Faults after three words, which are kept."""


async def test_case_38_every_fault_of_every_protocol_is_survived(scripted: ScriptedProvider, tmp_path: Path) -> None:
    rig, some = Rig(scripted, tmp_path, budgets=IMPATIENT), asyncio.Semaphore(14)
    faults = [(name, model) for name in PROTOCOLS for model in (*BEFORE, *AFTER)]

    async def survive(name: str, model: str) -> str:
        """Return what was wrong; empty if all was well."""
        async with some:
            message, runtime = f"precious words of {name} and {model}!", rig.runtime(f"{name}/{model}")
            live = runtime.ask(message)
            await runtime.settle()
            runtime.swap(name, "echo-small")  # nothing goes elsewhere by itself; a person chooses
            said = await say(runtime, "and now")
        mine = [e.model for e in scripted.requests if message in json.dumps(e.body)]
        told = live.failure
        well = told is not None and told.message.endswith(".") and KEY not in f"{told}"
        well = well and runtime.transcript.turns[0].text == message
        well = well and said.endswith("and now") and mine[-1] == "echo-small" and set(mine) == {model, "echo-small"}
        if model in AFTER:  # nothing is asked again after the first word
            well = well and "t3" in live.answer().text and mine.count(model) == 1
        if told is not None and "retry-20" in model:
            well = well and told.retry_after_s == 20.0
        return "" if well else f"{name}/{model}: {told}, {mine}, {live.answer().text!r}, {said!r}"

    lost = [wrong for wrong in await asyncio.gather(*(survive(*fault) for fault in faults)) if wrong]
    await rig.aclose()
    print(f"\nUpstream faults: {len(faults) - len(lost)} of {len(faults)} survived")
    assert not lost, "\n".join(lost)


async def test_case_38_a_dead_address_is_said_in_words(scripted: ScriptedProvider, tmp_path: Path) -> None:
    """Nobody there; a name that is none; a server that speaks no TLS where TLS is asked for."""
    addresses = {
        "dead": "http://127.0.0.1:9",
        "nameless": "http://nobody.invalid",
        "plain": scripted.url.replace("http:", "https:"),
    }
    extra = "".join(
        f'[[provider]]\nname = "{kind}-{name}"\nlabel = "Dead"\nprotocol = "{protocol}"\n'
        f'base_url = "{address}/v1"\nmodels = ["m"]\n'
        for kind, address in addresses.items()
        for name, protocol in PROTOCOLS.items()
    )
    rig = Rig(scripted, tmp_path, budgets=IMPATIENT, extra=extra)

    async def asked(reference: str) -> None:
        runtime = rig.runtime(f"{reference}/m")
        live = runtime.ask("precious words")
        await runtime.settle()
        assert live.failure is not None
        assert live.failure.kind == "network"
        assert "could not be reached" in live.failure.message
        assert runtime.transcript.turns[0].text == "precious words"

    await asyncio.gather(*(asked(f"{kind}-{name}") for kind in addresses for name in PROTOCOLS))
    await rig.aclose()

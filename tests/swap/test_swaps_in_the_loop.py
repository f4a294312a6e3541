"""Swaps inside the tool loop, stops inside it, and loops that would not end; over every ordered pair of protocols."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aether.limits import Limits
from aether.runtime import AgentRuntime
from aether.tools.base import tool
from aether.tools.toolbox import SessionTools
from aether.transcript import ToolResult, Transcript
from tests.calls import text
from tests.scripted import ScriptedProvider
from tests.scripted.log import Exchange
from tests.scripted.reply import Call, Reply
from tests.swap.rig import PROTOCOLS, Rig, say

PAIRS = [(a, b) for a in PROTOCOLS for b in PROTOCOLS]
THOUGHT = "I should look that up."


class Desk:
    """Two tools: one that answers at once, and one that waits for `open` to be set."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.open = asyncio.Event()
        self.ended = asyncio.Event()

        @tool(reads_only=True)
        async def look(word: str) -> str:
            """Look a word up."""
            return f"found {word}"

        @tool(reads_only=True)
        async def fetch(word: str) -> str:
            """Fetch a word from far away."""
            self.began.set()
            try:
                await self.open.wait()
            finally:
                self.ended.set()
            return f"fetched {word}"

        self._tools = (look.made({}), fetch.made({}))

    def toolbox(self) -> SessionTools:
        return SessionTools(lambda: self._tools)


def call(name: str, word: str) -> Call:
    return Call(name=name, arguments=json.dumps({"word": word}))


def asks(*calls: Call) -> Reply:
    return Reply(reasoning=THOUGHT, text="One moment.", calls=calls)


def sent(rig: Rig) -> list[Exchange]:
    """Return the requests so far, none of which was refused (a refused one would be sent again, unseen)."""
    assert not [r.refused for r in rig.scripted.requests if r.refused]
    return rig.scripted.requests


def stamps(runtime: AgentRuntime) -> list[str]:
    answer = runtime.transcript.turns[-1].answer
    return [s.reference for s in answer.steps] if answer else []


def results(runtime: AgentRuntime) -> list[ToolResult]:
    answer = runtime.transcript.turns[-1].answer
    return [r for s in answer.steps for r in s.results] if answer else []


@pytest.fixture
async def priced(scripted: ScriptedProvider, tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig with a provider `priced`, whose price is known."""
    entry = (
        f'[[provider]]\nname = "priced"\nlabel = "Priced"\nprotocol = "openai-chat"\n'
        f'base_url = "{scripted.base_url("openai-chat")}"\napi_key_env = "SCRIPTED_KEY"\n'
        f'models = ["forever-nap"]\nprofile = {{ tools = true }}\n'
        f'[[provider.model]]\nid = "forever-nap"\nprice = {{ input = 1.0, output = 1.0 }}\n'
    )
    built = Rig(scripted, tmp_path, extra=entry)
    yield built
    await built.aclose()


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_a_swap_between_call_and_result(rig: Rig, first: str, second: str) -> None:
    """The result of the old model's call, from a slow tool, goes to the new one, beside that of its neighbour."""
    desk = Desk()
    runtime = rig.runtime(f"{first}/a", open_toolbox=desk.toolbox)
    rig.scripted.script("a", [asks(call("fetch", "moon"), call("look", "sun"))])
    rig.scripted.script("b", [Reply(text="both are there")])
    live = runtime.ask("moon and sun?")
    await desk.began.wait()
    runtime.select(second, "b")
    assert runtime.pending
    desk.open.set()
    await runtime.settle()
    assert live.answer().text == "One moment.\n\nboth are there"
    requests = sent(rig)
    assert [(r.protocol, r.model) for r in requests] == [(PROTOCOLS[first], "a"), (PROTOCOLS[second], "b")]
    body = json.dumps(requests[1].body)
    assert all(words in body for words in ("moon and sun?", "One moment.", "fetched moon", "found sun"))
    assert stamps(runtime) == [f"{first}/a", f"{second}/b"]
    assert [r.status for r in results(runtime)] == ["ok", "ok"]


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_swaps_between_two_calls_there_and_back(rig: Rig, first: str, second: str) -> None:
    """A calls, B calls, A answers: A gets its own step back as it made it, and that of B as a foreign one."""
    desk = Desk()
    runtime = rig.runtime(f"{first}/a", open_toolbox=desk.toolbox)
    ask_a, ask_b = asks(call("look", "one")), asks(call("look", "two"))
    rig.scripted.script("a", [Reply(**{**vars(ask_a), "hold_after": 1}), Reply(text="done")])
    rig.scripted.script("b", [Reply(**{**vars(ask_b), "hold_after": 1})])
    runtime.ask("one and two?")
    for provider, model in ((second, "b"), (first, "a")):
        await rig.scripted.until(lambda s: s.log.held_streams == 1)
        runtime.select(provider, model)
        rig.scripted.release()
        await rig.scripted.until(lambda s, model=model: s.requests[-1].model == model)
    await runtime.settle()
    requests = sent(rig)
    assert [(r.protocol, r.model) for r in requests] == [
        (PROTOCOLS[first], "a"),
        (PROTOCOLS[second], "b"),
        (PROTOCOLS[first], "a"),
    ]
    assert "found one" in json.dumps(requests[1].body)
    assert all(words in json.dumps(requests[2].body) for words in ("found one", "found two"))
    assert stamps(runtime) == [f"{first}/a", f"{second}/b", f"{first}/a"]
    assert runtime.transcript.turns[0].answers[0].text.endswith("done")


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_a_stop_during_a_tool_ends_it_and_the_next_message_works_on_any_model(
    rig: Rig, first: str, second: str
) -> None:
    desk = Desk()
    runtime = rig.runtime(f"{first}/a", open_toolbox=desk.toolbox)
    rig.scripted.script("a", [asks(call("look", "sun"), call("fetch", "moon"))])
    live = runtime.ask("sun and moon?")
    await desk.began.wait()
    while not live.steps[-1].results:
        await live.changed(live.version, 5.0)
    assert await runtime.stop()
    assert desk.ended.is_set()
    found, stopped = results(runtime)
    assert (found.status, stopped.status) == ("ok", "not_run")
    assert "found sun" in text(found) and "stopped" in text(stopped)
    assert runtime.transcript.turns[0].answers[0].status == "stopped"
    runtime.select(second, "echo-large")
    assert (await say(runtime, "go on")).endswith("go on")
    body = json.dumps(sent(rig)[-1].body)
    assert "found sun" in body and "stopped the answer" in body
    assert Transcript.from_dict(runtime.transcript.to_dict()) == runtime.transcript


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_a_model_that_asks_for_tools_for_ever_stops_and_the_next_turn_goes_on(
    rig: Rig, first: str, second: str
) -> None:
    runtime = rig.runtime(f"{first}/forever-look", open_toolbox=Desk().toolbox, limits=Limits(steps=3))
    live = runtime.ask("look")
    await runtime.settle()
    assert live.failure is not None and live.failure.kind == "limit_steps"
    assert "3 times" in live.failure.message and "continue" in live.failure.message
    assert len(sent(rig)) == len(live.steps) == 3
    assert all(s.results for s in live.steps), "the calls of the last step were run as well"
    runtime.select(second, "echo-large")
    assert (await say(runtime, "continue")).endswith("continue")
    assert not [r for r in sent(rig) if r.status != 200]


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        ({"tokens": 30}, "limit_tokens"),
        ({"usd": 0.000_05}, "limit_cost"),
        ({"seconds": 0.1}, "limit_time"),
    ],
)
async def test_each_limit_is_a_typed_stop(priced: Rig, limits: dict[str, Any], kind: str) -> None:
    @tool(reads_only=True)
    async def nap() -> str:
        """Sleep a little."""
        await asyncio.sleep(0.03)
        return ""

    napping = nap.made({})
    runtime = priced.runtime(
        "priced/forever-nap", open_toolbox=lambda: SessionTools(lambda: (napping,)), limits=Limits(**limits)
    )
    live = runtime.ask("sleep")
    await runtime.settle()
    assert live.failure is not None and live.failure.kind == kind
    assert 1 <= len(live.steps) < 24
    runtime.select("messages", "echo-small")
    assert (await say(runtime, "continue")).endswith("continue")


@pytest.mark.parametrize("provider", PROTOCOLS)
async def test_calls_with_one_id_each_get_their_own_result(rig: Rig, provider: str) -> None:
    runtime = rig.runtime(f"{provider}/a", open_toolbox=Desk().toolbox)
    twins = tuple(Call(name="look", arguments=json.dumps({"word": w}), id="call_same") for w in ("one", "two"))
    rig.scripted.script("a", [Reply(calls=twins)])
    runtime.ask("both?")
    await rig.scripted.until(lambda s: len(s.requests) >= 1)
    runtime.select("messages" if provider == "chat" else "chat", "echo-large")
    await runtime.settle()
    step = runtime.transcript.turns[0].answers[0].steps[0]
    told = [(json.loads(c.arguments)["word"], text(r)) for c, r in step.answered if r]
    assert [(w, f"found {w}" in t) for w, t in told] == [("one", True), ("two", True)]
    assert not sent(rig)[-1].refused

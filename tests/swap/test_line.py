"""The line of a page: the answer being written, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Message

from aether import visitors
from aether.live import Lives
from aether.runtime import AgentRuntime
from aether.ui.handlers import writing
from aether.ui.painter import Painter
from aether.ui.stream import PATH, Lines, difference
from tests.swap.rig import Rig


@asynccontextmanager
async def served(lines: Lines) -> AsyncIterator[str]:
    """Serve the lines on a port of their own; yield the address."""
    app = Starlette(routes=[Route(PATH, lines, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await running


def after(states: str, event: dict[str, object]) -> str:
    """Return the state that an event makes of the last one, as a browser counts."""
    kept = states.encode("utf-16-le")[: 2 * int(str(event["keep"]))].decode("utf-16-le")
    return kept + str(event["then"])


def states(body: str) -> list[str]:
    """Return every state that a response showed."""
    shown = [""]
    for line in body.split("\n\n"):
        if line:
            shown.append(after(shown[-1], json.loads(line.removeprefix("data: "))))
    return shown[1:]


@given(st.text(), st.text(), st.text())
def test_a_difference_makes_the_new_state_of_the_old(same: str, old: str, new: str) -> None:
    event = difference(same + old, same + new)
    assert after(same + old, event) == same + new
    assert len(str(event["then"])) <= len(new)


async def test_a_page_is_sent_the_whole_answer(rig: Rig) -> None:
    runtime, lines = rig.runtime(), Lines(Painter(), writing)
    async with served(lines) as url, httpx2.AsyncClient() as client:
        runtime.ask("say 😀 and <b>no more</b>")
        answer = await client.post(url + PATH, json={"key": lines.key(runtime)})
    assert answer.headers["content-type"].startswith("text/event-stream")
    last = states(answer.text)[-1]
    assert "You said: say 😀 and &lt;b&gt;no more&lt;/b&gt;" in last


async def test_each_turn_is_handed_out_once(rig: Rig) -> None:
    runtime = rig.runtime()
    waiting = asyncio.create_task(runtime.turns.next(5.0))
    await asyncio.sleep(0)  # it waits before there is a turn
    runtime.ask("one")
    assert await waiting is runtime.lives
    assert await runtime.turns.next(0.0) is None
    await runtime.settle()
    runtime.ask("two")
    assert await runtime.turns.next(5.0) is runtime.lives
    await runtime.settle()


async def test_a_key_that_nobody_was_told_is_refused(rig: Rig) -> None:
    runtime, lines = rig.runtime(), Lines(Painter(), writing)
    key = lines.key(runtime)
    assert len(key) >= 43
    assert lines.key(runtime) == key
    assert lines.key(rig.runtime()) != key
    async with served(lines) as url, httpx2.AsyncClient() as client:
        for body in ({"key": ""}, {"key": key[:-1]}, {"key": runtime.session}, {"key": None}, {}, [], None):
            assert (await client.post(url + PATH, json=body)).status_code == 404
        assert (await client.post(url + PATH, content=b"{" * 50_000)).status_code == 404


async def test_a_message_begins_its_turn_over_the_line(rig: Rig) -> None:
    runtime, lines = rig.runtime(), Lines(Painter(), writing)
    async with served(lines) as url, httpx2.AsyncClient() as client:
        answer = await client.post(url + PATH, json={"key": lines.key(runtime), "message": "go on"})
    assert "You said: go on" in states(answer.text)[-1]
    assert [turn.text for turn in runtime.transcript.turns] == ["go on"]


async def test_a_message_that_cannot_be_asked_changes_nothing(rig: Rig) -> None:
    runtime, lines = rig.runtime("chat/stall-3"), Lines(Painter(), writing)
    key = lines.key(runtime)
    async with served(lines) as url, httpx2.AsyncClient() as client:
        for message in ("", "  \n", 3, ["a"], {"text": "a"}):
            refused = await client.post(url + PATH, json={"key": key, "message": message})
            assert refused.status_code == 409
        stranger = {visitors.HEADER: "another visitor"}
        refused = await client.post(url + PATH, json={"key": key, "message": "go on"}, headers=stranger)
        assert refused.status_code == 409
        assert runtime.transcript.turns == ()
        runtime.ask("go on")
        refused = await client.post(url + PATH, json={"key": key, "message": "and on"})
        assert refused.status_code == 409  # one turn at a time
    assert [turn.text for turn in runtime.transcript.turns] == ["go on"]
    await runtime.stop()


async def test_a_message_that_overtook_its_swap_waits_for_it(rig: Rig) -> None:
    runtime, lines = rig.runtime(), Lines(Painter(), writing)
    shown = "messages/echo-small"
    assert runtime.reference != shown
    body = {"key": lines.key(runtime), "message": "go on", "model": shown}
    async with served(lines) as url, httpx2.AsyncClient() as client:
        sending = asyncio.create_task(client.post(url + PATH, json=body))
        await asyncio.sleep(0.1)  # the swap is on its way for so long
        assert runtime.transcript.turns == ()
        runtime.select(*shown.split("/"))
        answer = await sending
    assert "You said: go on" in states(answer.text)[-1]
    assert rig.scripted.requests[-1].model == "echo-small"
    assert runtime.transcript.turns[-1].answer is not None
    assert runtime.transcript.turns[-1].answer.steps[-1].reference == shown


async def test_a_message_for_a_model_that_is_not_chosen_is_not_asked_of_another(rig: Rig) -> None:
    runtime, lines = rig.runtime(), Lines(Painter(), writing, swap_s=0.05)
    async with served(lines) as url, httpx2.AsyncClient() as client:
        for shown in ("messages/echo-small", "", 3, ["chat/echo-small"]):
            body = {"key": lines.key(runtime), "message": "go on", "model": shown}
            assert (await client.post(url + PATH, json=body)).status_code == 409
    assert runtime.transcript.turns == ()
    assert rig.scripted.requests == []


async def test_a_page_that_leaves_ends_its_answer(rig: Rig) -> None:
    runtime, lines = rig.runtime("chat/stall-3"), Lines(Painter(), writing)
    async with served(lines) as url, httpx2.AsyncClient() as client:
        runtime.ask("go on")
        async with client.stream("POST", url + PATH, json={"key": lines.key(runtime)}) as answer:
            async for text in answer.aiter_text():
                if "t3" in text:
                    break
        await runtime.settle()
    assert runtime.live is not None
    assert runtime.live.stopped
    await asyncio.to_thread(rig.scripted.wait_for, lambda s: s.requests[-1].ended == "client closed")


async def test_a_line_that_only_waited_ends_no_answer_when_its_page_leaves(rig: Rig) -> None:
    runtime, lines = rig.runtime("chat/stall-3"), Lines(Painter(), writing)
    leaves = asyncio.Event()
    body = json.dumps({"key": lines.key(runtime)}).encode()
    heard = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        if (first := next(heard, None)) is not None:
            return first
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None: ...

    waiting = asyncio.create_task(lines({"type": "http", "method": "POST", "headers": []}, receive, send))
    async with served(lines) as url, httpx2.AsyncClient() as client:
        asked = {"key": lines.key(runtime), "message": "go on"}
        async with client.stream("POST", url + PATH, json=asked) as answer:
            assert "data: " in await anext(answer.aiter_text())
            leaves.set()
            await waiting
            assert runtime.busy
        await runtime.settle()


async def test_of_two_lines_that_wait_the_last_one_gets_the_turn(rig: Rig) -> None:
    runtime = rig.runtime()
    before, last = (asyncio.create_task(runtime.turns.next(5.0)) for _ in range(2))
    await asyncio.sleep(0)  # both wait before there is a turn
    runtime.ask("one")
    assert (await before, await last) == (None, runtime.lives)
    await runtime.settle()


async def test_a_stop_ends_no_turn_that_began_after_the_one_it_names(rig: Rig) -> None:
    runtime = rig.runtime("chat/stall-3")
    runtime.ask("one")
    assert await runtime.stop(until=1)
    runtime.ask("two")
    assert not await runtime.stop(until=1)
    assert runtime.busy
    assert await runtime.stop(until=2)


async def test_a_page_that_does_not_read_holds_neither_the_answer_nor_memory(rig: Rig) -> None:
    rendered: list[int] = []

    def large(_: AgentRuntime, lives: Lives) -> str:
        rendered.append(lives.version)
        return str(lives.version) + "x" * 8_000_000

    runtime, lines = rig.runtime("chat/paced-200x150"), Lines(Painter(), large)
    async with served(lines) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        body = json.dumps({"key": lines.key(runtime)}).encode()
        writer.write(b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (PATH.encode(), len(body), body))
        runtime.ask("as fast as you can")
        await runtime.settle()
        assert runtime.lives is not None
        assert runtime.lives.version > 150
        assert len(rendered) <= 2, "more was rendered than the page has read"
        heard = b""
        while not heard.endswith(b"\r\n0\r\n\r\n") and (more := await reader.read(1 << 20)):
            heard = heard[-16:] + more
        assert rendered[-1] == runtime.lives.version, "what it is sent next is the newest"
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_defect_in_what_is_painted_is_told_in_the_log(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    def broken(runtime: AgentRuntime, lives: Lives) -> str:
        raise ValueError("no such class")

    runtime, lines = rig.runtime(), Lines(Painter(), broken)
    async with served(lines) as url, httpx2.AsyncClient() as client:
        runtime.ask("hello")
        with suppress(httpx2.RemoteProtocolError):
            await client.post(url + PATH, json={"key": lines.key(runtime)})
    await runtime.settle()
    assert "could not be painted" in caplog.text
    assert "no such class" in caplog.text

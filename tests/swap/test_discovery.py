"""Live lists: asked for in the background, kept on disk, and they tell whether a service is ready."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aether.catalog import Catalog
from aether.discovery import Discovery
from aether.llm import Budgets, Pool
from aether.settings import Secret
from tests.scripted import ScriptedProvider
from tests.swap.rig import KEY, PROTOCOLS


def lists(scripted: ScriptedProvider, folder: Path, *, key: str = KEY, retry_s: float = 60.0) -> Discovery:
    file = folder / "providers.toml"
    file.write_text(
        "\n".join(
            f'[[provider]]\nname = "{name}"\nlabel = "{name}"\nprotocol = "{protocol}"\n'
            f'base_url = "{scripted.base_url(protocol)}"\napi_key_env = "SCRIPTED_KEY"\ndiscover = true\n'
            for name, protocol in PROTOCOLS.items()
        )
    )
    catalog = Catalog.load([file], key=lambda name: Secret(key) if key else None)
    pool = Pool(Budgets(connect_s=1.0))
    return Discovery(catalog, pool, folder / "lists", retry_s=retry_s)


def ids(discovery: Discovery, name: str) -> list[str]:
    return [m.id for m in discovery._catalog.models(name)]  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_a_list_is_asked_for_and_there_again_after_a_restart(
    scripted: ScriptedProvider, tmp_path: Path, name: str
) -> None:
    first = lists(scripted, tmp_path)
    provider = next(p for p in first.providers if p.name == name)
    assert ids(first, name) == []
    assert await first.ask(provider) == ""
    assert "echo-small" in ids(first, name)
    assert scripted.requests[-1].method == "GET"
    again = lists(scripted, tmp_path)
    again.recall()
    assert ids(again, name) == ids(first, name)
    assert KEY not in "".join(f.read_text() for f in (tmp_path / "lists").iterdir())


async def test_a_damaged_list_is_passed_over(scripted: ScriptedProvider, tmp_path: Path) -> None:
    first = lists(scripted, tmp_path)
    for provider in first.providers:
        await first.ask(provider)
    for file, garbage in zip(sorted((tmp_path / "lists").iterdir()), ("{", "7", '[1, null, {"id": 3}]'), strict=True):
        file.write_text(garbage)
    again = lists(scripted, tmp_path)
    again.recall()
    assert [ids(again, name) for name in PROTOCOLS] == [[], [], []]


async def test_a_server_that_starts_later_appears(tmp_path: Path) -> None:
    with ScriptedProvider() as early:
        port = early.port
        discovery = lists(early, tmp_path, retry_s=0.05)
    running = asyncio.create_task(discovery.run())
    catalog = discovery._catalog  # pyright: ignore[reportPrivateUsage]
    async with asyncio.timeout(10):
        while catalog.readiness("chat").ready:
            await asyncio.sleep(0.01)
        assert "could not be reached" in catalog.readiness("chat").reason
        with ScriptedProvider(port=port):
            while not ids(discovery, "chat"):
                await asyncio.sleep(0.01)
            assert catalog.readiness("chat").ready
    running.cancel()
    await asyncio.wait({running})


async def test_without_a_key_nobody_is_asked(scripted: ScriptedProvider, tmp_path: Path) -> None:
    assert lists(scripted, tmp_path, key="").providers == ()


@pytest.mark.parametrize("said", ["7", '{"data": 7}', '{"data": {"id": "m"}}', '"models"', "null"])
async def test_an_answer_that_is_no_list_is_an_empty_one(tmp_path: Path, said: str) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(said)}\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write((head + said).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        file = tmp_path / "providers.toml"
        file.write_text(
            '[[provider]]\nname = "odd"\nlabel = "Odd"\nprotocol = "openai-chat"\n'
            f'base_url = "http://127.0.0.1:{port}/v1"\ndiscover = true\n'
        )
        catalog = Catalog.load([file], key=lambda _: None)
        discovery = Discovery(catalog, Pool(Budgets(connect_s=5.0)), tmp_path / "lists")
        assert await discovery.ask(catalog.provider("odd")) == ""
    assert catalog.models("odd") == ()

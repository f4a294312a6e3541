"""Live lists: asked for in the background, kept on disk, and they tell whether a service is ready."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import repeat
from pathlib import Path

import pytest

from aether.bounds import LIST_BYTES, LIST_MODELS
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


async def asked(folder: Path, head: str, pieces: Iterator[bytes]) -> tuple[str, int, Catalog]:
    """Ask a service that answers so; return what is said of it, how many bytes it could send, and the catalog."""
    sent = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            writer.write(f"HTTP/1.1 {head}\r\ncontent-type: application/json\r\n\r\n".encode())
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        file = folder / "providers.toml"
        file.write_text(
            '[[provider]]\nname = "odd"\nlabel = "Odd"\nprotocol = "openai-chat"\n'
            f'base_url = "http://127.0.0.1:{port}/v1"\ndiscover = true\n'
        )
        catalog = Catalog.load([file], key=lambda _: None)
        discovery = Discovery(catalog, Pool(Budgets(connect_s=5.0)), folder / "lists")
        return await discovery.ask(catalog.provider("odd")), sent, catalog


@pytest.mark.parametrize("said", ["7", '{"data": 7}', '{"data": {"id": "m"}}', '"models"', "null"])
async def test_an_answer_that_is_no_list_is_an_empty_one(tmp_path: Path, said: str) -> None:
    reason, _, catalog = await asked(tmp_path, "200 OK", iter([said.encode()]))
    assert (reason, catalog.models("odd")) == ("", ())


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
async def test_a_list_or_a_refusal_that_never_ends_is_not_read_on(tmp_path: Path, status: str) -> None:
    reason, sent, _ = await asked(tmp_path, status, repeat(b" " * 1_000_000))
    assert reason
    assert sent < LIST_BYTES + 20_000_000  # what the sockets hold


async def test_a_list_that_unpacks_to_far_more_is_not_kept(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(200_000_000), 1)
    reason, _, _ = await asked(tmp_path, "200 OK\r\ncontent-encoding: gzip", iter([bomb]))
    assert "too long" in reason


@pytest.mark.parametrize("said", [b"{", b"[" * 200_000, b"\xff", b"9" * 5_000])
async def test_a_list_that_is_no_json_is_refused_in_a_sentence(tmp_path: Path, said: bytes) -> None:
    reason, _, _ = await asked(tmp_path, "200 OK", iter([said]))
    assert reason == "Odd sent a list of models that could not be read."


async def test_a_list_of_very_many_models_is_read_in_part(tmp_path: Path) -> None:
    said = json.dumps({"data": [{"id": f"m{n}"} for n in range(LIST_MODELS + 500)]}).encode()
    reason, _, catalog = await asked(tmp_path, "200 OK", iter([said]))
    assert (reason, len(catalog.models("odd"))) == ("", LIST_MODELS)

"""What an operator writes, and what services list: `.env`, providers files, live lists of models."""

from __future__ import annotations

import json
import tempfile
import tomllib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from aether.catalog import SHIPPED_PROVIDERS, Catalog
from aether.errors import AetherError, CatalogError, SettingError
from aether.lowering import Target, lower
from aether.settings import Settings
from aether.transcript import Origin, Text, Transcript, Turn
from aether.wire import WIRES, Ask
from tests.fuzz.door import Door, holds, sendable
from tests.fuzz.odd import changed, dumps, text, value

ROOT = Path(__file__).parent.parent.parent
ASKED = Transcript("Be brief.", (Turn((Text("hello"),)),))


@cache
def _names() -> tuple[str, ...]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    found = [line.lstrip("# ").partition("=")[0] for line in lines if "=" in line]
    return tuple(n for n in found if n.isidentifier() and n.isupper())


def env_made(rng: Random) -> bytes:
    """Return settings, as JSON."""
    usual = (
        "1",
        "0",
        "5",
        "0.5",
        "-1",
        "1e9",
        "nan",
        "https://a.b",
        "127.0.0.1",
        "0.0.0.0",
        "::1",
        "local/x",
        "a,b",
        "5,25",
    )
    names = rng.sample(_names(), rng.randrange(1, 6))
    return json.dumps({n: rng.choice(usual) if rng.random() < 0.6 else text(rng) for n in names}).encode()


def env_read(data: bytes) -> None:
    """Read settings; hold that a bad one is told in a sentence."""
    env = {str(k): str(v) for k, v in json.loads(data).items()}
    try:
        found = Settings.load(env, dotenv=None)
        repr(found)
        holds(found.loopback or found.with_address(None, None), "open without a lock")
    except SettingError as error:
        holds("Traceback" not in error.sentence and error.sentence, "no sentence")


@cache
def _entries() -> str:
    return json.dumps(tomllib.loads(SHIPPED_PROVIDERS.read_text())["provider"])


def file_made(rng: Random) -> bytes:
    """Return the entries of a providers file, as JSON."""
    entries = rng.sample(json.loads(_entries()), rng.choice((1, 1, 2)))
    return dumps(changed(rng, entries) if rng.random() < 0.9 else entries).encode()


def file_read(data: bytes) -> None:
    """Read a providers file; hold that it is refused in a sentence, or that a request can be built for its models."""
    try:
        written = "\n".join(_toml(entry) for entry in json.loads(data))
    except (ValueError, RecursionError, TypeError):
        return
    path = _folder() / "providers.toml"
    path.write_text(written, "utf-8", "replace")
    try:
        catalog = Catalog.load([path], key=lambda name: None)
    except CatalogError as error:
        holds(len(error.sentence) < 3000 + len(data), "a refusal that is no sentence")
        return
    for provider in catalog.providers:
        for model in catalog.models(provider.name)[:1]:
            target = Target(provider.name, Origin(provider.protocol, provider.base_url, "a", model.id), model.profile)
            sendable(WIRES[provider.protocol].lower(lower(ASKED, target), Ask(model.id, model.profile)), "the request")
    sendable(catalog.to_dict(), "the list of models")


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="aether-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))


def _toml(entry: Any) -> str:
    """Write an entry as TOML, each value in one line."""
    if not isinstance(entry, dict):
        return f"provider = {_value(entry)}"
    return "[[provider]]\n" + "\n".join(f"{json.dumps(str(k))} = {_value(v)}" for k, v in entry.items())


def _value(held: Any) -> str:
    match held:
        case None:
            return "'none'"
        case dict():
            return "{" + ", ".join(f"{json.dumps(str(k))} = {_value(v)}" for k, v in held.items()) + "}"
        case list():
            return "[" + ", ".join(map(_value, held)) + "]"
        case float():
            return repr(held)
        case _:
            return json.dumps(held)


LISTED: list[dict[str, Any]] = [
    {"id": "a/b", "name": "B", "context_length": 1000, "pricing": {"prompt": "0.000001", "completion": "0.00001"},
     "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
     "supported_parameters": ["tools"], "top_provider": {"max_completion_tokens": 100}},
    {"id": "models/c", "inputTokenLimit": 5, "outputTokenLimit": 6, "display_name": "C"},
    {"id": "d", "type": "chat", "capabilities": {"completion_chat": True, "vision": {"supported": True}}, "active": True},
    {"id": "e", "meta": {"n_ctx": 4096}, "max_model_len": 10, "type": "embedding"},
]  # fmt: skip


def list_made(rng: Random) -> bytes:
    """Return the entries of a live list, as JSON."""
    entries = changed(rng, json.loads(json.dumps(LISTED)))
    return dumps([*(entries if isinstance(entries, list) else [entries]), value(rng)][:8]).encode()


@cache
def _catalog() -> Catalog:
    return Catalog.load([SHIPPED_PROVIDERS], key=lambda name: None)


def list_read(data: bytes) -> None:
    """Merge a live list; hold that an entry that makes no sense costs that entry alone."""
    try:
        entries = [e for e in json.loads(data) if isinstance(e, dict)]
    except (ValueError, RecursionError, TypeError):
        return
    catalog = Catalog(_catalog().providers, key=lambda name: None)
    try:
        catalog.merge_live("openrouter", entries)
        sendable(catalog._provider_dict(catalog.provider("openrouter"), catalog.models("openrouter")), "the list")
    except AetherError as error:
        sendable(error.sentence, "a refusal")


DOORS = (
    Door("settings", env_made, env_read, 200_000, 200),
    Door("provider-files", file_made, file_read, 8_000, 80),
    Door("model-lists", list_made, list_read, 100_000, 120),
)

"""Fixtures of the attacks: one shared link and one local application for all, and a look for secrets after each."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app_process import AppProcess, scripted_providers
from tests.faults.sharing import FILE_SECRET, KEY, OPERATOR, WATCHED, Canary, providers, shared
from tests.scripted import ScriptedProvider

ANSWER_TOKENS = "64"
PRICED = ("forever-calculate", "error-401", "error-529", "cut-3", "echo-key-401", "think", "silent", "tool-read_file")
PRICED += ("inband-error-0", "inband-error-3")
ELSEWHERE = {
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "ANTHROPIC_AUTH_TOKEN": "sk-CANARY-ELSEWHERE-0123456789",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Elsewhere: 1",
    "OPENAI_LOG": "debug",
    "ANTHROPIC_LOG": "debug",
}
"""An environment that would send a careless SDK elsewhere, and make it tell all it knows."""


@pytest.fixture(autouse=True)
def no_secret_is_seen() -> Iterator[None]:
    """After each case: no secret in any output, answer or file of any application that runs."""
    yield
    for watch in WATCHED:
        watch.look()


@pytest.fixture(scope="package")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as server:
        yield server


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("link")


@pytest.fixture(scope="package")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for tools with all that leads out of it, and all that is no file."""
    around = tmp_path_factory.mktemp("around")
    inside, outside = around / "workspace", around / "outside"
    for made in (inside / "docs", inside / ".git", outside):
        made.mkdir(parents=True)
    for secret in (outside / "secret.txt", outside / "two-names.txt", inside / ".git" / "config"):
        secret.write_text(FILE_SECRET)
    (inside / ".env").write_text(f"KEY={FILE_SECRET}")
    (inside / "docs" / "a.txt").write_text("hello\n")
    (inside / "slow.txt").write_text("a" * 50_000 + "!\n" + "ab" * 25_000 + "\n")
    (inside / "binary.bin").write_bytes(bytes(range(256)) * 100)
    (inside / "latin.txt").write_bytes("Grüße\n".encode("latin-1"))
    with (inside / "sparse").open("wb") as sparse:
        sparse.truncate(5 * 1024**3)
    for link, target in (
        ("link.txt", outside / "secret.txt"),
        ("linkdir", outside),
        ("docs/up", "../.."),
        ("inner.txt", "docs/a.txt"),
        ("zero", "/dev/zero"),
    ):
        (inside / link).symlink_to(target)
    os.link(outside / "two-names.txt", inside / "hard.txt")
    os.mkfifo(inside / "pipe")
    here = Path.cwd()
    os.chdir(inside)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("sock")
        os.chdir(here)
        yield inside


@pytest.fixture(scope="package")
def mine() -> Iterator[Canary]:
    """A provider at another address, which the operator named, with a key of its own."""
    listener = Canary()
    yield listener
    listener.close()


@pytest.fixture(scope="package")
def link(provider: ScriptedProvider, folder: Path, workspace: Path, mine: Canary) -> Iterator[AppProcess]:
    """A link on which each visitor has three messages, with all logs at their loudest."""
    settings = {
        "AETHER_TOOLS": "read",
        "AETHER_WORKSPACE": str(workspace),
        "AETHER_VISITOR_TURNS": "3",
        "AETHER_TURN_BUDGET_USD": "0.5",
        "AETHER_ANSWER_TOKENS": ANSWER_TOKENS,
        "AETHER_OPERATOR_TOKEN": OPERATOR,
        "AETHER_PUBLIC_URL": "https://aether.example",
    }
    other = (
        f'\n[[provider]]\nname = "mine"\nlabel = "Mine"\nprotocol = "openai-chat"\nbase_url = "{mine.url}/v1"\n'
        'api_key_env = "MINE_KEY"\nown_keys = "loopback"\n'
        '[[provider.model]]\nid = "m"\nprice = { input = 1.0, output = 1.0 }\n'
    )
    text = providers(provider.url, models=PRICED) + other
    with shared(provider, folder, providers=text, **ELSEWHERE | settings) as app:
        yield app


@pytest.fixture(scope="package")
def local(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """The application as it runs on one's own machine."""
    with AppProcess(
        tmp_path_factory.mktemp("local"),
        providers=scripted_providers(provider.url),
        AETHER_DEFAULT="chat/echo-small",
        SCRIPTED_KEY=KEY,
    ) as process:
        yield process
        assert not any(KEY in line for line in process.lines)


@pytest.fixture
def canary() -> Iterator[Canary]:
    """An address at which nobody may ask."""
    listener = Canary()
    yield listener
    listener.close()

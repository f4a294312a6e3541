"""What the documentation says is run: its Python, its curl, its provider entries, its links."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aether.catalog.file import read_providers
from aether.profile import DEFAULTS
from aether.tools.mcp import load_servers
from tests.app_process import AppProcess

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ADDRESS = "http://127.0.0.1:7860"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """The application with the local model, as the examples expect it."""
    with AppProcess(tmp_path_factory.mktemp("app"), AETHER_LOCAL="1") as process:
        process.wait_for_line("Local model smollm2-135m: ready", timeout_s=60)
        yield process


@pytest.mark.e2e
@pytest.mark.local
@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_the_python_of_a_page_runs_from_top_to_bottom(app: AppProcess, page: str) -> None:
    known: dict[str, Any] = {}
    found = blocks(ROOT / page, "python")
    assert found
    for block in found:
        exec(compile(block.replace(ADDRESS, app.url), page, "exec"), known)
    if "swap" in known:
        assert known["swap"]["event_type"] == "model_updated"
        assert known["second"]["steps"][0]["provider"] == "local-anthropic"


@pytest.mark.e2e
@pytest.mark.local
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_curl_of_the_api_page_answers(app: AppProcess) -> None:
    for block in blocks(ROOT / "docs/api.md", "sh"):
        script = "set -eu\n" + block.replace(ADDRESS, app.url)
        said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout
        ended = ('"status": "done"', '"status":"ok"', '"status": "stopped"')
        assert any(status in said for status in ended)
        assert said.count("event: complete") == block.count("-sN"), "each call that is read ends"


@pytest.mark.parametrize("page", ["README.md", "docs/adding-a-provider.md", "docs/scaling.md"])
def test_a_provider_entry_of_a_page_is_whole(page: str, tmp_path: Path) -> None:
    entry = next(block for block in blocks(ROOT / page, "toml") if "[[provider]]" in block)
    path = tmp_path / "providers.toml"
    path.write_text(entry)
    ((provider,), _) = read_providers(path)
    assert provider.name == tomllib.loads(entry)["provider"][0]["name"]


def test_the_profile_and_the_servers_of_a_page_are_read(tmp_path: Path) -> None:
    profile = blocks(ROOT / "docs/adding-a-provider.md", "toml")[1]
    told = tomllib.loads(profile)["profile"]
    assert replace(DEFAULTS["openai-chat"], **told) == DEFAULTS["openai-chat"].with_fields(told)
    servers = tmp_path / "mcp.json"
    servers.write_text(blocks(ROOT / "docs/adding-a-tool.md", "json")[0])
    assert [entry.name for entry in load_servers(servers)] == ["time", "git", "wiki"]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_to_a_file_finds_it(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


def test_what_the_tree_of_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    tree = text[text.index("\naether/\n") : text.index("\ntests/ ")]
    folder = ROOT / "aether"
    for line in tree.splitlines()[2:]:
        depth, said = len(line) - len(line.lstrip()), line.strip()
        at = folder if depth == 2 else folder / "ui"
        for name in re.findall(r"[\w-]+(?:\.(?:py|toml|css|js)\b|/)", said.split("   ")[0]):
            assert (at / name).exists(), f"{at.name}/{name}"


def test_every_file_that_a_page_names_is_there() -> None:
    """A path in backticks with a folder of ours before it, or a file of the root."""
    for page in PAGES:
        for path in re.findall(r"`((?:aether|tests|docs|deploy|bench|scripts)/[\w./-]+)`", page.read_text()):
            known = "NAME" in path or (ROOT / path).exists()
            assert known or page.is_relative_to(ROOT / "docs/adr"), f"{page.name}: {path}"


def test_every_setting_and_every_command_that_a_page_names_is_there() -> None:
    known = (ROOT / "aether/settings.py").read_text() + (ROOT / "aether/share.py").read_text()
    known += "".join(p.read_text() for p in (ROOT / "tests").rglob("*.py")) + (ROOT / "Makefile").read_text()
    known += "AETHER_LONG"  # switches the long tests on
    commands = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in (*PAGES, ROOT / "SECURITY.md", ROOT / ".env.example"):
        text = page.read_text()
        unknown = {name for name in re.findall(r"\bAETHER_[A-Z_]+[A-Z]\b", text) if name not in known}
        assert not unknown, f"{page.name}: {unknown}"
        assert set(re.findall(r"`?\bmake ([a-z0-9]+)\b(?=`|\s+#|$)", text, re.MULTILINE)) <= commands, page.name


def test_every_setting_that_is_read_is_in_the_example() -> None:
    read = (ROOT / "aether/settings.py").read_text() + (ROOT / "aether/share.py").read_text()
    told = (ROOT / ".env.example").read_text()
    assert not {name for name in re.findall(r'"(AETHER_[A-Z_]+)"', read) if name not in told}

"""From the operator's settings to the toolbox of each session."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from aether.errors import SettingError
from aether.services import Services
from aether.settings import Settings
from aether.transcript import ToolCall
from tests.calls import text

FILE_TOOLS = {"list_files", "read_file", "search_text"}
OTHERS = {"calculate", "current_time"}


def load(**env: str) -> Settings:
    return Settings.load(env, dotenv=None)


def services(tmp_path: Path, **env: str) -> Services:
    return Services(load(AETHER_LOCAL="0", AETHER_DATA_DIR=str(tmp_path / "data"), **env))


def folder(tmp_path: Path) -> Path:
    """Make a workspace beside the data."""
    made = tmp_path / "work"
    made.mkdir(exist_ok=True)
    return made


def names(built: Services) -> set[str]:
    return {s.name for s in built.new_runtime().toolbox.specs}


def test_by_default_the_tools_read_the_workspace_beside_the_app() -> None:
    assert (load().tools, load().workspace, load().mcp_file) == ("read", Path("workspace"), None)
    assert load(AETHER_TOOLS="ALL").tools == "all"


@pytest.mark.parametrize(
    ("name", "value"),
    [("AETHER_TOOLS", "write"), ("AETHER_TOOLS", "1"), ("AETHER_WORKSPACE", "/no/such"), ("AETHER_MCP", "/no/such")],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        load(**{name: value})


def test_a_damaged_file_of_servers_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "mcp.json").write_text("{")
    with pytest.raises(SettingError, match="AETHER_MCP"):
        services(tmp_path, AETHER_MCP=str(tmp_path / "mcp.json"))


def test_what_is_offered_follows_the_settings(tmp_path: Path) -> None:
    here = str(folder(tmp_path))
    assert names(services(tmp_path, AETHER_WORKSPACE=here)) == FILE_TOOLS | OTHERS
    assert names(services(tmp_path, AETHER_WORKSPACE=here, AETHER_TOOLS="none")) == set()


def test_a_workspace_that_is_not_there_turns_off_the_tools_that_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    built = services(tmp_path)
    assert names(built) == OTHERS
    off = {s.name: s.off_because for s in built.new_runtime().toolbox.states if s.off_because}
    assert set(off) == FILE_TOOLS and "does not exist" in off["read_file"]


def test_a_workspace_that_holds_the_conversations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="AETHER_WORKSPACE holds what AETHER_DATA_DIR names"):
        services(tmp_path, AETHER_WORKSPACE=str(tmp_path))
    assert names(services(tmp_path, AETHER_WORKSPACE=str(tmp_path), AETHER_TOOLS="none")) == set()


async def test_each_session_has_switches_of_its_own(tmp_path: Path) -> None:
    template = services(tmp_path, AETHER_WORKSPACE=str(folder(tmp_path))).new_runtime()
    one, other = copy.deepcopy(template), copy.deepcopy(template)
    one.toolbox.switch("calculate", on=False)
    call = ToolCall("1", "calculate", json.dumps({"expression": "1+1"}))
    assert "switched it off" in text(await one.toolbox.run(call))
    assert text(await other.toolbox.run(call)) == text(await template.toolbox.run(call)) == "2"

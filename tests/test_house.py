"""The house: which room may know what. The order of imports is the way the data goes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "aether"

ORDER = [
    "web",
    "doors",
    "routes",
    "ui",
    "services",
    "sessions",
    "gate",
    "runtime",
    "keeping",
    "answering",
    "receipts",
    "loop_monitor",
    "metrics",
    "live",
    "binding",
    "fitting",
    "ahead",
    "notebook",
    "exports",
    "branches",
    "attachments",
    "pdf_reader",
    "pictures",
    "asking",
    "agent",
    "limits",
    "guard",
    "tools",
    "discovery",
    "router",
    "keyring",
    "keys",
    "llm",
    "connections",
    "local_model",
    "local_server",
    "fit",
    "wire",
    "lowering",
    "store",
    "public_view",
    "logs",
    "repeats",
    "redaction",
    "events",
    "transcript",
    "parts",
    "catalog",
    "profile",
    "visitors",
    "settings",
    "share",
    "signing",
    "secret",
    "usage",
    "workers",
    "worker_process",
    "fair",
    "refusals",
    "errors",
    "text",
    "provider_errors",
    "process",
    "bounds",
    "rounds",
    "waits",
    "lean",
]
"""The rooms, top to bottom: a room imports only what stands below it."""

PURE = ["limits", "fit", "branches", "exports", "wire", "lowering", "events", "transcript", "parts", "profile", "usage"]
PURE += ["errors", "refusals", "provider_errors", "share", "signing", "secret", "redaction", "text"]
PURE += ["public_view"]
PURE += ["bounds"]
IMPURE_IMPORTS = {"asyncio", "os", "socket", "subprocess", "threading", "httpx2", "openai", "anthropic", "gradio"}


def sources() -> list[Path]:
    return sorted(p for p in HOUSE.rglob("*.py") if p.name != "__init__.py" or p.parent != HOUSE)


def room(path: Path) -> str:
    inside = path.relative_to(HOUSE)
    return inside.parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names):
                found |= {n.name for n in names}
            case ast.ImportFrom(module=str(module)):
                found.add(module)
    return found


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room(p) for p in sources()} <= set(ORDER)


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(HOUSE)))
def test_a_room_imports_only_what_stands_below_it(path: Path) -> None:
    own = ORDER.index(room(path))
    used = {m.split(".")[1] for m in imports(path) if m.startswith("aether.")}
    above = {r for r in used if ORDER.index(r) < own}
    assert not above, f"{path.name} imports rooms above it: {above}"


def test_the_tree_of_the_readme_stands_in_that_order() -> None:
    tree = (ROOT / "README.md").read_text().partition("\naether/\n")[2].partition("\ntests/")[0]
    rows = re.findall(r"^  (\w.*?)(?:   |$)", tree, re.MULTILINE)
    place = {name.rstrip("/").removesuffix(".py"): at for at, row in enumerate(rows) for name in row.split()}
    assert set(ORDER) - set(place) == set()
    for path in sources():
        used = {m.split(".")[1] for m in imports(path) if m.startswith("aether.")}
        assert not {r for r in used if place[r] < place[room(path)]}, path.name


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(HOUSE)))
def test_a_pure_room_does_no_io(path: Path) -> None:
    if room(path) in PURE:
        assert not {m.split(".")[0] for m in imports(path)} & IMPURE_IMPORTS


KNOWS = {
    "gradio": {"ui", "web"},
    "openai": {"llm"},
    "anthropic": {"llm"},
    "httpx2": {"llm", "connections"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
}


@pytest.mark.parametrize(("package", "rooms"), KNOWS.items())
def test_a_package_is_known_in_its_room_alone(package: str, rooms: set[str]) -> None:
    knowing = {room(p) for p in sources() if package in {m.split(".")[0] for m in imports(p)}}
    assert knowing <= rooms


def test_only_settings_read_the_environment() -> None:
    readers = {room(p) for p in sources() if re.search(r"\bos\.(environ|getenv)\b", p.read_text())}
    assert readers == {"settings"}


VENDOR_KEYS = re.compile(
    r"""["'](tool_use_id|tool_calls|tool_call_id|input_schema|function_call"""
    r"""|reasoning_content|encrypted_content|thinking|finish_reason)["']"""
)


def test_vendors_keys_live_in_the_wires_alone() -> None:
    # The API of the app itself names "tool_calls" in what `/chat` returns: live.py writes that contract.
    knowing = {room(p) for p in sources() if VENDOR_KEYS.search(p.read_text())}
    assert knowing <= {"wire", "live"}


def test_no_room_decides_by_a_providers_name() -> None:
    names = set(re.findall(r'^name = "([^"]+)"', (HOUSE / "providers.toml").read_text(), re.MULTILINE))
    assert names
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                words = {c.value for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, str)}
                assert not words & names, f"{path.name}:{node.lineno} compares with a provider's name"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(HOUSE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 310
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno <= 45, f"{path.name}: {node.name}"


def test_no_module_holds_state_that_sessions_could_share() -> None:
    """A list, set or dict at module level must be a constant in capitals that nothing changes."""
    changing = {"append", "add", "update", "pop", "setdefault", "clear", "extend", "insert", "remove", "discard"}
    for path in sources():
        tree = ast.parse(path.read_text())
        names = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in changing:
                target = node.func.value
                assert not (isinstance(target, ast.Name) and target.id in names and target.id.isupper()), path.name

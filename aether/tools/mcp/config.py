"""The operator's file of MCP servers (`AETHER_MCP`), in the `mcpServers` form of other clients.

    {"mcpServers": {"time": {"command": "mcp-server-time", "args": [], "env": {}, "trusted": true},
                    "wiki": {"url": "https://wiki.example/mcp", "headers": {"Authorization": "Bearer …"}}}}

Nobody but the operator names a server, a command or an address. Keys of other clients that
mean nothing here are passed over. Values of `env` and `headers` are shown nowhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from aether.errors import SettingError

SERVER_NAME = re.compile(r"(?=.{1,32}$)[A-Za-z0-9]+([_-][A-Za-z0-9]+)*")
"""No `__` and none at the end: `server__tool` must come apart in one way only."""
HTTP_TYPES = ("http", "streamable-http", "streamableHttp", "streamable_http")


@dataclass(frozen=True)
class Stdio:
    """A server that is a child process. `env` is all that it gets beside PATH, HOME and the like."""

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    cwd: str | None = None


@dataclass(frozen=True)
class Http:
    """A server at an address, spoken to by streamable HTTP."""

    url: str
    headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True)
class Entry:
    """One server. `trusted`: the operator takes its word on which of its tools only read."""

    name: str
    reach: Stdio | Http
    trusted: bool = False


def load_servers(path: Path) -> tuple[Entry, ...]:
    """Read the file; raise SettingError with a sentence that names what is wrong and where."""
    try:
        data: object = json.loads(path.read_text("utf-8"))
    except OSError:
        raise SettingError(f"AETHER_MCP names a file that cannot be read: {path}.") from None
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise SettingError(f"The file in AETHER_MCP, {path}, is not valid JSON{where}.") from None
    servers = _mapping(data).get("mcpServers")
    if not isinstance(servers, dict):
        raise SettingError(f'The file in AETHER_MCP, {path}, must hold one object: {{"mcpServers": {{…}}}}.')
    entries = cast("dict[str, object]", servers).items()
    return tuple(_entry(name, _mapping(raw)) for name, raw in entries if not _mapping(raw).get("disabled"))


def _entry(name: str, raw: dict[str, Any]) -> Entry:
    if not SERVER_NAME.fullmatch(name):
        raise _wrong(name, "has a name of other signs than letters, digits and single - or _, or of more than 32")
    trusted = raw.get("trusted", False)
    if not isinstance(trusted, bool):
        raise _wrong(name, 'must have true or false as "trusted"')
    match raw:
        case {"command": _, "url": _}:
            raise _wrong(name, 'must have "command" or "url", not both')
        case {"command": str(command)} if command.strip():
            return Entry(name, _stdio(name, command, raw), trusted)
        case {"url": str(url)}:
            return Entry(name, _http(name, url, raw), trusted)
        case _:
            raise _wrong(name, 'needs a "command" (to be started) or a "url" (to be reached)')


def _stdio(name: str, command: str, raw: dict[str, Any]) -> Stdio:
    args, cwd = raw.get("args", []), raw.get("cwd")
    if not isinstance(args, list) or not all(isinstance(a, str) for a in cast("list[object]", args)):
        raise _wrong(name, 'must have a list of strings as "args"')
    if cwd is not None and not isinstance(cwd, str):
        raise _wrong(name, 'must have a folder as "cwd"')
    return Stdio(command, tuple(cast("list[str]", args)), _strings(name, "env", raw), cwd)


def _http(name: str, url: str, raw: dict[str, Any]) -> Http:
    kind = raw.get("type", raw.get("transport", "http"))
    if kind not in HTTP_TYPES:
        raise _wrong(name, f"is of the type {str(kind)[:40]}; only stdio and streamable HTTP are spoken")
    try:
        parts = urlsplit(url)
        reachable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise _wrong(name, 'has a "url" that is no http or https address') from None
    if not reachable:
        raise _wrong(name, 'has a "url" that is no http or https address')
    if "@" in parts.netloc:
        raise _wrong(name, 'has a user or a password in its "url"; put it into "headers"')
    return Http(url, _strings(name, "headers", raw))


def _strings(name: str, key: str, raw: dict[str, Any]) -> dict[str, str]:
    value = raw.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in cast("dict[str, object]", value).values()):
        raise _wrong(name, f'must have an object of strings as "{key}"')
    return cast("dict[str, str]", value)


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _wrong(name: str, what: str) -> SettingError:
    return SettingError(f"In the file in AETHER_MCP, the server {name[:40]!r} {what}.")

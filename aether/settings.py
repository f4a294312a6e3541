"""Settings: the only reader of the process's environment, and of the file `.env`.

Everything is read once, checked, and frozen. Keys are held as `Secret`, which shows itself
nowhere. `close_environment` then takes from the process what an SDK or a child process
could pick up behind our back.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import unquote

from dotenv import dotenv_values

from aether import process
from aether.errors import SettingError
from aether.secret import Secret as Secret
from aether.share import Share, switch

ToolLevel = Literal["none", "read", "all"]
"""Which tools the agent has: none, those that only read, or all, where others ask first."""
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
READ_BY_SDKS = ("OPENAI_", "ANTHROPIC_")
"""Prefixes of variables that the SDKs read by themselves: addresses, headers, second keys."""
READ_BY_GRADIO = (
    *("GRADIO_SHARE", "GRADIO_VIBE_MODE", "GRADIO_MCP_SERVER", "GRADIO_ALLOWED_PATHS", "GRADIO_LOCAL_DEV_MODE"),
    *("GRADIO_DEBUG", "GRADIO_WATCH_DIRS", "GRADIO_SSR_MODE", "GRADIO_ROOT_PATH"),
)
"""Switches that would open the page wider than Aether means to."""
OURS = ("AETHER_SHARE_TOKEN", "AETHER_OPERATOR_TOKEN", "AETHER_DATABASE_URL", "AETHER_REDIS_URL")
"""Our own settings that hold secrets."""
PASSWORD = re.compile(r"://[^:/@]*:([^@]+)@")
"""Where an address holds one, whatever stands in it: a driver takes signs that `urlsplit` stops at."""
NEEDED_BY_CHILDREN = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True)
class Settings:
    """What the operator has set. Paths are as given, relative to the working folder."""

    host: str = "127.0.0.1"
    port: int = 7860
    default: str | None = None
    providers_file: Path | None = None
    data_dir: Path = Path("data")
    database_url: Secret | None = None
    models_dir: Path = Path("models")
    tools: ToolLevel = "read"
    workspace: Path = Path("workspace")
    mcp_file: Path | None = None
    local: bool = True
    log_level: str = "INFO"
    json_logs: bool = False
    share: Share = field(default_factory=Share)
    tunnel: bool = False
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def key(self, name: str) -> Secret | None:
        """Return the key in the variable `name`; None if it is not set or blank."""
        value = self.environment.get(name, "").strip()
        return Secret(value) if value else None

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, *, dotenv: Path | None = Path(".env")) -> Settings:
        """Read the environment over `.env`; raise SettingError with a sentence that names the setting."""
        written = dotenv_values(dotenv) if dotenv is not None and dotenv.is_file() else {}
        merged = {k: v for k, v in written.items() if v is not None} | dict(os.environ if env is None else env)
        get = {k: v.strip() for k, v in merged.items()}.get
        providers, mcp = get("AETHER_PROVIDERS"), get("AETHER_MCP")
        return cls(
            host=_host(get("GRADIO_SERVER_NAME") or "127.0.0.1"),
            port=_port(get("GRADIO_SERVER_PORT") or "7860"),
            default=_reference(get("AETHER_DEFAULT")),
            providers_file=_file("AETHER_PROVIDERS", providers) if providers else None,
            data_dir=Path(get("AETHER_DATA_DIR") or "data"),
            database_url=Secret(url) if (url := get("AETHER_DATABASE_URL")) else None,
            models_dir=Path(get("AETHER_MODELS_DIR") or "models"),
            tools=_tool_level(get("AETHER_TOOLS") or ("none" if get("AETHER_SHARE_TOKEN") else "read")),
            workspace=_workspace(get("AETHER_WORKSPACE")),
            mcp_file=_file("AETHER_MCP", mcp) if mcp else None,
            local=switch("AETHER_LOCAL", get),
            log_level=_level(get("AETHER_LOG_LEVEL") or "INFO"),
            json_logs=_is_json(get("AETHER_LOG_FORMAT") or "text"),
            share=Share.read(get),
            environment=merged,
        )

    @property
    def database(self) -> str:
        """Return the URL of the database: the operator's, else a file in the data folder."""
        return self.database_url.reveal() if self.database_url else f"sqlite:///{self.data_dir / 'aether.db'}"

    @property
    def private_paths(self) -> tuple[Path, ...]:
        """Return what other users of the machine must not read: the data folder, and an SQLite file elsewhere."""
        _, sqlite, file = self.database.partition("sqlite:///")
        beside = Path(file).parent.glob(f"{Path(file).name}*") if sqlite and file else ()
        return (self.data_dir, *beside)

    def secrets(self) -> list[str]:
        """Return what no log may hold beside the providers' keys: the link's tokens, passwords in addresses."""
        tokens = [t.reveal() for t in (self.share.token, self.share.operator_token) if t is not None]
        written = [p[1] for url in (self.database, self.share.redis_url) if (p := PASSWORD.search(url)) is not None]
        return [*tokens, *written, *map(unquote, written)]

    def for_children(self) -> dict[str, str]:
        """Return the little of the environment that a child process needs; no key is in it."""
        return {k: v for k, v in self.environment.items() if k in NEEDED_BY_CHILDREN}

    def with_address(self, host: str | None, port: int | None, *, share: bool = False) -> Settings:
        """Return the settings with another host and port; raise SettingError for bad ones."""
        values = {**vars(self)}
        values["host"] = _host(host) if host is not None else self.host
        values["port"] = _port(str(port)) if port is not None else self.port
        values["tunnel"] = share
        return Settings(**values).closed()

    @property
    def loopback(self) -> bool:
        """Tell whether only this machine can reach the server's own address."""
        return _is_loopback(self.host) and not self.tunnel

    def closed(self) -> Settings:
        """Return the settings; raise SettingError if they would open Aether to others without a lock and a cap."""
        if self.loopback:
            return self
        needed = {"AETHER_SHARE_TOKEN": self.share.token, "AETHER_BUDGET_USD": self.share.budget_usd}
        missing = [name for name, value in needed.items() if value is None]
        if missing:
            reached = "--share opens Aether to others" if self.tunnel else f"Others can reach Aether at {self.host}"
            raise SettingError(f"{reached}, and that needs {' and '.join(missing)}: set it in .env, or use 127.0.0.1.")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(value: str) -> str:
    if not value.isascii() or any(c.isspace() or c in "/@" for c in value):
        raise SettingError(f"GRADIO_SERVER_NAME (or --host) must be an address to listen on, not {value}.")
    return value


def _port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 5 or int(value) > 65535:
        raise SettingError(f"GRADIO_SERVER_PORT (or --port) must be a number from 0 to 65535, not {value}.")
    return int(value)


def _reference(value: str | None) -> str | None:
    if not value:
        return None
    provider, slash, model = value.partition("/")
    if not (provider and slash and model):
        raise SettingError(f"AETHER_DEFAULT must be provider/model, such as local/smollm2-135m, not {value}.")
    return value


def _file(name: str, value: str) -> Path:
    path = Path(value)
    if not _is_there(path.is_file):
        raise SettingError(f"{name} names a file that is not there: {value}.")
    return path


def _is_there(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except OSError:  # a name that is too long for this system
        return False


def _workspace(value: str | None) -> Path:
    """Return the folder that tools may see; a named one must be there, the default one need not."""
    path = Path(value or "workspace")
    if value and not _is_there(path.is_dir):
        raise SettingError(f"AETHER_WORKSPACE names a folder that is not there: {value}.")
    return path


def _tool_level(value: str) -> ToolLevel:
    if value.lower() not in get_args(ToolLevel):
        raise SettingError(f"AETHER_TOOLS must be {', '.join(get_args(ToolLevel)[:-1])} or all, not {value}.")
    return cast(ToolLevel, value.lower())


def _level(value: str) -> str:
    if value.upper() not in LEVELS:
        raise SettingError(f"AETHER_LOG_LEVEL must be one of {', '.join(LEVELS)}, not {value}.")
    return value.upper()


def _is_json(value: str) -> bool:
    if value.lower() not in ("text", "json"):
        raise SettingError(f"AETHER_LOG_FORMAT must be text or json, not {value}.")
    return value.lower() == "json"


def take_environment() -> None:
    """Move the environment to where no other process can read it: it stays what it was for this one."""
    values = dict(os.environ)
    os.environ.clear()
    process.erase_environment_block()
    os.environ.update(values)


def close_environment(names: Iterable[str]) -> None:
    """Take from the process's environment the keys `names` and all that a library would read by itself."""
    doomed = {*names, *READ_BY_GRADIO, *OURS}
    for name in list(os.environ):
        if name in doomed or name.startswith(READ_BY_SDKS):
            del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def close_temporary_folder() -> None:
    """Let what visitors hand in lie in a folder of this user alone.

    Gradio's own choice, `/tmp/gradio`, can be made by another user first, who then reads all that comes into it.
    """
    folder = os.environ.setdefault("GRADIO_TEMP_DIR", str(process.private_folder("aether")))
    process.close_paths(Path(folder))

"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on a free port of this machine.

Debian's binaries serve. The server refuses to run as root, so root starts it as another user.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import psycopg

WHY_NOT = "PostgreSQL's server is not installed (on Debian: apt-get install postgresql)"


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's; None if there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    on_path = shutil.which("initdb")
    found = [p for p in folders if (p / "initdb").exists()]
    return found[-1] if found else Path(on_path).resolve().parent if on_path else None


def _user() -> str:
    """Return whom the server runs as: whoever runs the tests, unless that is root."""
    if os.geteuid():
        return getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class Cluster:
    """A running server; `database()` empties it and returns its URL."""

    def __init__(self) -> None:
        found = binaries()
        assert found is not None, WHY_NOT
        self._bin = found
        self.port = 0

    def __enter__(self) -> Cluster:
        self._folder = Path(tempfile.mkdtemp(prefix="aether-pg-", dir="/tmp"))
        if not os.geteuid():
            shutil.chown(self._folder, _user())
        self._run("initdb", "-D", "data", "-U", "aether", "--auth=trust", "--encoding=UTF8", "--no-sync")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} -c fsync=off -c max_connections=60"
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def database(self) -> str:
        """Empty the server's one database, and return its URL: a database for each test would take minutes."""
        url = f"postgresql://aether@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        return url

    def stop(self) -> None:
        """Stop the server, as a failure would."""
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    def start(self) -> None:
        """Start the server again, on the same port."""
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} -c fsync=off -c max_connections=60"
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def _run(self, program: str, *arguments: str) -> None:
        as_user = {} if os.geteuid() else {"user": _user(), "group": pwd.getpwnam(_user()).pw_gid, "extra_groups": []}
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,  # the server would keep a pipe open
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            **as_user,  # pyright: ignore[reportArgumentType]
        )
        assert not done.returncode, f"{program} failed; see {self._folder}"

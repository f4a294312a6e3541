"""nginx before the application's replicas, with the configuration that `deploy/` hands out."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.app_process import ROOT

WHY_NOT = "nginx is not installed (on Debian: apt-get install nginx)"
CONFIGURATION = ROOT / "deploy" / "nginx.conf"
GIVEN = ("127.0.0.1:7861", "127.0.0.1:7862")
"""The replicas that the configuration names."""
START_S = 20.0


def program() -> str | None:
    """Return the path of nginx; None if it is not installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def configured(folder: Path, server: str) -> Path:
    """Write a whole configuration around a `server` part, with everything of its own in `folder`; return the file."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    user = "" if os.geteuid() else "user root;\n"  # the folder is root's alone
    file = folder / "nginx.conf"
    file.write_text(f"{user}pid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{places}{server}}}\n")
    return file


def command(file: Path, *options: str) -> list[str]:
    """Return the command that runs nginx on a file."""
    found = program()
    assert found is not None, WHY_NOT
    return [found, "-e", str(file.parent / "error.log"), "-p", str(file.parent), "-c", str(file), *options]


@contextmanager
def before(replicas: Sequence[str], folder: Path) -> Iterator[str]:
    """Run nginx before the replicas with these addresses; yield its own."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = CONFIGURATION.read_text().replace("listen 8080", f"listen {address}")
    for given, replica in zip(GIVEN, replicas, strict=True):
        assert given in server
        server = server.replace(given, replica.removeprefix("http://"))
    running = subprocess.Popen(command(configured(folder, server), "-g", "daemon off;"))
    try:
        _wait(f"http://{address}/healthz")
        yield f"http://{address}"
    finally:
        running.terminate()
        running.wait(10)


def _wait(url: str) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < end, f"no answer from {url}"
            time.sleep(0.05)

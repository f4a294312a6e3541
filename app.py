"""Entry: settings → services → application → serve. No logic."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import uvicorn

from aether import logs, process
from aether.errors import AetherError
from aether.gate import capacity, framing
from aether.gate.patience import Patient
from aether.services import Services
from aether.settings import Settings, close_environment, close_temporary_folder, take_environment

log = logging.getLogger("aether")

SHUTDOWN_S = 4
"""Seconds that open streams have to end when the server is asked to stop."""


class Announcing(uvicorn.Server):
    """A server that says where it is once it answers."""

    address = ""
    services: Services | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        capacity.report_quietly(asyncio.get_running_loop())
        await super().startup(sockets)
        if self.started:
            gc.enable()
            print(f"Aether is ready: {self.address}", flush=True)
            await self.share()

    async def share(self) -> None:
        """Open the tunnel that `--share` asks for, and say where others find it."""
        if self.services is None or not self.services.settings.tunnel:
            return
        from aether.web import open_tunnel

        try:
            self.services.public.url = await asyncio.to_thread(open_tunnel, int(self.address.rpartition(":")[2]))
            print(f"Others reach it at {self.services.public.url}/?token=… with the token of .env", flush=True)
        except AetherError as error:
            print(error.sentence, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return the exit code: 2 for a bad setting, 1 for a taken port."""
    asked = _arguments(argv)
    process.close_to_others()
    take_environment()
    gc.disable()  # until it serves: nothing that a start makes is garbage, and looking costs a fifth of it
    try:
        settings = Settings.load().with_address(asked.host, asked.port, share=asked.share)
        closed = process.close_paths(*settings.private_paths)
        services = Services(settings)
    except AetherError as error:
        return _refuse(error.sentence, code=2)
    logs.configure(settings.log_level, services.redact, as_json=settings.json_logs)
    process.redact_output(partial(logs.without_keys, redact=services.redact))
    if settings.share.on:
        process.hide_memory()
    if closed:
        log.info("Other users of this machine could read %d files and folders of ours; now they cannot.", closed)
    close_environment(p.api_key_env for p in services.catalog.providers if p.api_key_env)
    close_temporary_folder()
    try:
        listening = listen(settings.host, port=settings.port)
    except OSError as error:
        return _refuse(
            f"Aether cannot listen on {settings.host}:{settings.port} ({_reason(error)}). "
            f"Stop what uses that port, or choose another: {sys.executable} app.py --port {settings.port + 1}",
            code=1,
        )
    return _serve(services, listening)


def _serve(services: Services, listening: socket.socket) -> int:
    from aether.web import build_app  # after `close_environment`: Gradio reads its switches when it is imported

    connections = capacity.max_connections(capacity.raise_file_limit())
    config = uvicorn.Config(
        build_app(services),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        http=Patient,
        backlog=min(capacity.ACCEPTED_AT_ONCE, connections // 4),
        h11_max_incomplete_event_size=framing.MAX_HEAD_BYTES,
        limit_concurrency=connections,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    server = Announcing(config)
    server.services = services
    host, port = listening.getsockname()[:2]
    server.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    with suppress(KeyboardInterrupt):  # uvicorn raises it again once all has ended
        server.run(sockets=[listening])
    return 0 if server.started else 1


def listen(host: str, *, port: int) -> socket.socket:
    """Return a socket that listens; raise OSError where that cannot be. Port 0: any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=capacity.ACCEPTED_AT_ONCE)
    # Each connection inherits it. Without, a second small write waits until the first is acknowledged: 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="Talk to any model; change it at any moment.")
    parser.add_argument("--host", help="address to listen on (default: GRADIO_SERVER_NAME, else 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default: GRADIO_SERVER_PORT, else 7860)")
    parser.add_argument("--share", action="store_true", help="open it to others through a public link")
    return parser.parse_args(argv)


def _refuse(sentence: str, *, code: int) -> int:
    print(sentence, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

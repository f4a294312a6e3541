"""Where the application listens."""

from __future__ import annotations

import socket

from app import listen


def test_a_small_write_waits_for_no_acknowledgement() -> None:
    with listen("127.0.0.1", port=0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

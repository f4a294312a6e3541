"""Visitors' own keys in memory: whose they are, how many, and for how long."""

from __future__ import annotations

import pytest

from aether.errors import BadKey
from aether.keyring import EACH, IDLE_S, VISITORS, Keyring


def key(number: int) -> str:
    return f"{number:05}=of=nobody"


def test_no_flood_of_keys_grows_without_bound() -> None:
    ring = Keyring()
    for number in range(VISITORS + 1):
        ring.put(f"visitor {number}", "chat", key(number))
    assert ring.get("visitor 0", "chat") is None
    for number in range(1, EACH):
        ring.put(f"visitor {VISITORS}", f"provider {number}", key(number))
    with pytest.raises(BadKey):
        ring.put(f"visitor {VISITORS}", "one more", key(7))


def test_a_key_that_lay_idle_is_forgotten() -> None:
    now = [0.0]
    ring = Keyring(clock=lambda: now[0])
    ring.put("visitor", "chat", key(1))
    now[0] += IDLE_S - 1
    assert ring.get("visitor", "chat") is not None
    now[0] += IDLE_S + 1
    assert ring.names("visitor") == []
    assert ring.get("visitor", "chat") is None

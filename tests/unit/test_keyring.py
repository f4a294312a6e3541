"""Visitors' own keys in memory: what is one, whose they are, how many, and for how long."""

from __future__ import annotations

import random
import secrets

import pytest

from aether.catalog import SHIPPED_PROVIDERS
from aether.catalog.addresses import is_loopback, is_public
from aether.catalog.file import read_providers
from aether.catalog.learnt import LEARNT_S, Learnt
from aether.errors import BadKey
from aether.keyring import EACH, IDLE_S, VISITORS, Keyring, OwnKeys
from aether.keys import checked
from aether.wire.faults import classify


def key() -> str:
    return f"sk-{secrets.token_hex(16)}"


_RANDOM = random.Random(7)  # the same in each process: the names of the tests are made of it


def _hex(size: int) -> str:
    return _RANDOM.randbytes(size).hex()


@pytest.mark.parametrize(
    "real",
    [
        "sk-ant-api03-" + "aB3_dE5-" * 11 + "AA",
        "sk-proj-" + "Ab3-dE_9" * 16,
        "sk-or-v1-" + _hex(32),
        "gsk_" + _hex(26),
        "hf_" + _hex(17),
        "AIzaSy" + _hex(16) + "x",
        "nvapi-" + _hex(32),
        "xai-" + _hex(40),
        "csk-" + _hex(24),
        "sk-" + _hex(16),
        _hex(32),
        "AbCdEfGh12345678IjKlMnOp9012QrSt",
        f"  {_hex(16)}\n",
    ],
)
def test_keys_of_the_shipped_providers_are_taken(real: str) -> None:
    assert checked(real) == real.strip()


@pytest.mark.parametrize(
    "wrong",
    [
        *('"content":', "messages", "assistant", "completion_tokens", "provider", '"role":"user"', "", None, 7),
        *("x" * 40, "1" * 40, "ab12" * 10, "completion_tokens_of_the_provider", "a" * 30 + "1", "k1" * 200),
        *("sk-" + "0123456789abcdef" + c + "0123456789abcdef" for c in " \"'{}[]\\,;<>\n\t\0é"),
    ],
)
def test_k2_what_is_no_key_is_refused_in_a_sentence(wrong: object) -> None:
    with pytest.raises(BadKey, match=r"That does not look like a key: .*\.$"):
        checked(wrong)


def test_k1_no_flood_of_keys_pushes_out_one_that_a_provider_accepted() -> None:
    ring = Keyring()
    ring.put("visitor", "chat", key())
    ring.accept("visitor")
    ring.put("newcomer", "chat", key())
    for number in range(VISITORS + 10):
        ring.put(f"stranger {number}", "chat", key())
    assert ring.get("visitor", "chat") is not None
    assert ring.get("newcomer", "chat") is None
    assert ring.wanted("newcomer") == {"chat"}  # so that nobody else pays
    assert len(ring._held) == VISITORS  # pyright: ignore[reportPrivateUsage]
    for number in range(1, EACH):
        ring.put("visitor", f"provider {number}", key())
    with pytest.raises(BadKey):
        ring.put("visitor", "one more", key())


def test_where_all_keys_are_in_use_one_more_is_refused() -> None:
    ring = Keyring()
    for number in range(VISITORS):
        ring.put(f"visitor {number}", "chat", key())
        ring.accept(f"visitor {number}")
    with pytest.raises(BadKey, match="at this moment"):
        ring.put("one more", "chat", key())
    assert ring.get("visitor 0", "chat") is not None


def test_a_key_that_lay_idle_is_forgotten_and_that_it_was_wanted_is_not() -> None:
    now = [0.0]
    ring = Keyring(clock=lambda: now[0])
    ring.put("visitor", "chat", key())
    now[0] += IDLE_S - 1
    assert ring.get("visitor", "chat") is not None
    now[0] += IDLE_S + 1
    assert ring.names("visitor") == []
    own = OwnKeys(ring, "visitor")
    assert own.key("chat") is None and own.is_wanted("chat") and not OwnKeys(ring, "other").is_wanted("chat")
    ring.release("visitor", "chat")
    assert not own.is_wanted("chat")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0x7f000001", "2130706433", "0", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "localhost"),
        *("10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "[fd00::1]"),
        *(
            "[fe80::1]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:7f00:1::]",
            "litellm",
            "proxy.local",
            "db.internal",
            "a.localhost",
        ),
        *("a.localhost", "LOCALHOST.", "192.0.2.1", "224.0.0.1", "metadata.google.internal", "x..y", "１２７.0.0.1"),
    ],
)
def test_k6_an_address_of_ones_own_network_is_not_public(host: str) -> None:
    assert not is_public(f"http://{host}:4000/v1")


@pytest.mark.parametrize("host", ["api.groq.com", "openrouter.ai", "8.8.8.8", "[2606:4700::1111]"])
def test_a_public_address_is_public(host: str) -> None:
    assert is_public(f"https://{host}/v1")
    assert not is_loopback(f"https://{host}/v1")


def test_k6_the_shipped_file_opens_public_providers_alone() -> None:
    providers, _ = read_providers(SHIPPED_PROVIDERS)
    takers = {p.name for p in providers if p.own_keys}
    assert {"groq", "openai", "anthropic", "huggingface"} <= takers
    assert not takers & {"litellm", "ollama", "local", "vllm", "lmstudio"}
    assert all(is_public(p.base_url) for p in providers if p.own_keys)


def test_k4_what_is_learnt_holds_for_an_account_for_a_while_and_within_bounds() -> None:
    now = [0.0]
    learnt = Learnt(clock=lambda: now[0])
    own, operators = ("http://h", "m", "account"), ("http://h", "m", "")
    learnt.add(own, {"context_window": 100, "vision": False})
    assert learnt.get(own) == {"context_window": 256, "vision": False}
    assert learnt.get(operators) == {}
    learnt.accept(operators, 9_000)
    learnt.add(operators, {"context_window": 100})
    assert learnt.get(operators) == {"context_window": 4_500}
    now[0] += LEARNT_S + 1
    assert learnt.get(operators) == learnt.get(own) == {}


def test_k4_a_service_that_repeats_the_users_words_teaches_nothing() -> None:
    words = "Say: Maximum context  length is 100 tokens. does NOT support tools"
    asked = {"messages": [{"role": "user", "content": words}]}
    repeated = ("maximum context length is 100 tokens", "it does not support tools")
    for body in (*repeated, "no endpoints found that support image"):
        told = {"error": {"message": f"cannot: {body}"}}
        assert classify(400, told, label="L", model="m", headers={}, sent=asked).learnt == {}
    own = {"error": {"message": "maximum context length is 4096 tokens"}}
    assert classify(400, own, label="L", model="m", headers={}, sent=asked).learnt == {"context_window": 4096}

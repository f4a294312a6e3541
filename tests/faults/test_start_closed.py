"""Aether opens itself to nobody without a lock and a cap."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from aether.errors import SettingError
from aether.settings import Settings

ROOT = Path(__file__).parent.parent.parent
WHOLE = {"AETHER_SHARE_TOKEN": "token-0123456789abcdef", "AETHER_BUDGET_USD": "5"}


@pytest.mark.parametrize("arguments", [["--host", "0.0.0.0"], ["--share"], ["--host", "::"], ["--host", "192.0.2.7"]])
@pytest.mark.parametrize("given", [{}, {"AETHER_SHARE_TOKEN": "token-0123456789abcdef"}, {"AETHER_BUDGET_USD": "5"}])
def test_sharing_without_a_token_or_a_cap_stops_the_start(
    arguments: list[str], given: dict[str, str], tmp_path: Path
) -> None:
    host = arguments[1] if arguments[0] == "--host" else None
    with pytest.raises(SettingError) as caught:
        Settings.load(given, dotenv=None).with_address(host, 0, share=arguments[0] == "--share")
    assert all(name in caught.value.sentence for name in WHOLE.keys() - given.keys())
    assert all(name not in caught.value.sentence for name in given)


def test_the_refusal_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "--host", "0.0.0.0"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "AETHER_SHARE_TOKEN and AETHER_BUDGET_USD" in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert done.stdout == ""


def test_with_both_it_may_be_shared() -> None:
    assert Settings.load(WHOLE, dotenv=None).with_address("0.0.0.0", 0).share.on


def test_on_this_machine_neither_is_asked_for() -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        assert not Settings.load({}, dotenv=None).with_address(host, 0).share.on


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AETHER_BUDGET_USD", "much"),
        ("AETHER_BUDGET_USD", "nan"),
        ("AETHER_BUDGET_USD", "-1"),
        ("AETHER_VISITOR_TURNS", "1e9"),
        ("AETHER_UNKNOWN_PRICE", "5"),
        ("AETHER_PUBLIC_URL", "ftp://x"),
        ("AETHER_PUBLIC_URL", "https://[x"),
        ("AETHER_PUBLIC_URL", "https://u:p@x"),
        ("AETHER_REDIS_URL", "file:///etc"),
        ("AETHER_REDIS_URL", "redis://[x"),
        ("AETHER_SHARE_TOKEN", "with spaces; and=signs"),
    ],
)
def test_a_bad_value_names_its_setting(name: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.load({name: value}, dotenv=None)
    assert name in caught.value.sentence


EASY = ["a", "short-012345678", "passwordpassword", "Password12345678", "changeme-changeme", "a" * 40, "ab" * 20]
EASY += ["1234567890" * 3, "my-secret-token-123", "aether-share-token", "qwertyqwertyqwerty", "AETHER_TOKEN_CHANGE_ME"]


@pytest.mark.parametrize("name", ["AETHER_SHARE_TOKEN", "AETHER_OPERATOR_TOKEN"])
@pytest.mark.parametrize("token", [t.replace("_", "-") for t in EASY])
def test_a_token_that_can_be_guessed_stops_the_start_and_one_is_offered(name: str, token: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.load({name: token}, dotenv=None)
    assert name in caught.value.sentence
    assert "secrets.token_urlsafe(24)" in caught.value.sentence
    assert f" {token} " not in f" {caught.value.sentence} "


def test_what_the_offered_command_makes_is_taken() -> None:
    for _ in range(200):
        assert Settings.load({"AETHER_SHARE_TOKEN": secrets.token_urlsafe(24)}, dotenv=None).share.on


def test_the_operators_token_is_not_the_one_that_visitors_have() -> None:
    token = secrets.token_urlsafe(24)
    with pytest.raises(SettingError, match="AETHER_OPERATOR_TOKEN must differ from"):
        Settings.load({"AETHER_SHARE_TOKEN": token, "AETHER_OPERATOR_TOKEN": token}, dotenv=None)

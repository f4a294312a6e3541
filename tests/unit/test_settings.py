"""Settings: read once, said in words where they are wrong, and closed to libraries afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from aether.errors import SettingError
from aether.settings import Secret, Settings

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRADIO_SERVER_PORT", "http"),
        ("GRADIO_SERVER_PORT", "70000"),
        ("AETHER_DEFAULT", "claude"),
        ("AETHER_DEFAULT", "/claude"),
        ("AETHER_PROVIDERS", "/nowhere/providers.toml"),
        ("AETHER_LOCAL", "perhaps"),
        ("AETHER_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_value_is_refused_with_a_sentence_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.load({name: value}, dotenv=None)
    assert name in caught.value.sentence
    assert value in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_the_start_stops_with_exit_code_2_and_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        env=os.environ | {"AETHER_LOCAL": "perhaps", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "AETHER_LOCAL must be 1 or 0, not perhaps."


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("AETHER_LOG_LEVEL=ERROR\nAETHER_DATA_DIR=elsewhere\nANTHROPIC_API_KEY=from-the-file\n")
    settings = Settings.load({"AETHER_LOG_LEVEL": "debug"}, dotenv=dotenv)
    assert settings.log_level == "DEBUG"
    assert settings.data_dir == Path("elsewhere")
    assert settings.key("ANTHROPIC_API_KEY") == Secret("from-the-file")


@pytest.mark.parametrize("value", ["", "   "])
def test_a_blank_key_is_no_key(value: str) -> None:
    assert Settings.load({"OPENAI_API_KEY": value}, dotenv=None).key("OPENAI_API_KEY") is None


def test_no_key_shows_in_a_repr_or_goes_to_a_child() -> None:
    settings = Settings.load({"OPENAI_API_KEY": "sk-canary", "PATH": "/bin"}, dotenv=None)
    key = settings.key("OPENAI_API_KEY")
    assert key is not None
    assert key.reveal() == "sk-canary"
    assert "canary" not in f"{settings!r} {settings} {key!r} {key}"
    assert settings.for_children() == {"PATH": "/bin"}


def test_what_libraries_would_read_is_taken_from_the_environment() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os; from aether.settings import close_environment; close_environment(['MY_KEY']); "
            "print(sorted(k for k in os.environ if k.startswith(('MY_', 'OPENAI', 'ANTHROPIC', 'GRADIO'))))",
        ],
        env=os.environ
        | {"MY_KEY": "a", "OPENAI_API_KEY": "b", "OPENAI_BASE_URL": "c", "ANTHROPIC_AUTH_TOKEN": "d"}
        | {"ANTHROPIC_CUSTOM_HEADERS": "e", "GRADIO_SHARE": "True", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "['GRADIO_ANALYTICS_ENABLED']"


@pytest.mark.parametrize("written", ["plain-pass", "with#sign[of=all", "half%20open"])
def test_a_password_in_an_address_is_known_to_the_log(written: str) -> None:
    """As it stands there, and as a driver says it; a password may hold what ends an address elsewhere."""
    settings = Settings.load({"AETHER_DATABASE_URL": f"postgresql://aether:{written}@127.0.0.1/aether"}, dotenv=None)
    assert {written, unquote(written)} <= set(settings.secrets())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRADIO_SERVER_PORT", "1" * 5_000),
        ("AETHER_PROVIDERS", "x" * 5_000),
        ("AETHER_MCP", "x" * 300),
        ("AETHER_WORKSPACE", "x" * 5_000),
    ],
)
def test_a_value_that_is_too_long_is_refused_in_a_sentence(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.load({name: value}, dotenv=None)

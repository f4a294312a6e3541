"""Logging: no key in any line, however it got there."""

from __future__ import annotations

import io
import json
import logging

import pytest

from aether.logs import MASK, JsonFormatter, RedactingFilter, Redactor

KEY = "my-own-CANARY-key-without-a-known-shape"


@pytest.fixture
def told() -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(Redactor([KEY])))
    logger = logging.Logger("test", logging.DEBUG)
    logger.addHandler(handler)
    return logger, stream


def test_a_known_key_is_redacted_wherever_it_stands(told: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = told
    logger.info("key %s in %r", KEY, {"headers": {"x": KEY}})
    logger.info(f"inline {KEY}")
    logger.info("%s%s", KEY[:10], KEY[10:])
    try:
        raise ValueError(KEY)
    except ValueError:
        logger.exception("failed with %s", KEY)
    assert KEY not in stream.getvalue()
    assert stream.getvalue().count(MASK) == 6
    assert "Traceback" in stream.getvalue()


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-abcdefghijklmnop",
        "sk-proj-abcdefghijklmnop1234",
        "nvapi-abcdefghijklmnop1234",
        "hf_abcdefghijklmnop1234",
        "gsk_abcdefghijklmnop1234",
        "xai-abcdefghijklmnop1234",
        "AIzaSyabcdefghijklmnop1234",
        "Bearer abc.def.ghi",
        "https://user:password@host/",
    ],
)
def test_what_has_the_shape_of_a_key_is_redacted(secret: str) -> None:
    told = Redactor()(f"before {secret} after")
    assert MASK in told
    assert told.startswith("before ")
    assert "password" not in told
    assert "abcdefghijklmnop" not in told
    assert "abc.def" not in told


def test_plain_words_stay() -> None:
    words = "The key question is a risk-averse sketch: task-force, disk-space, https://host/path?x=1."
    assert Redactor(["abc"])(words) == words


def test_a_line_of_json_holds_the_line_for_people_and_no_key() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(Redactor([KEY])))
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("aether", logging.DEBUG)
    logger.addHandler(handler)
    logger.info("Session %s model updated to: %s", "abc123", f'x/"{KEY}\n')
    logger.info("LLM REQUEST PAYLOAD %s", json.dumps({"session": "abc123", "messages": 12}))
    try:
        raise ValueError(KEY)
    except ValueError:
        logger.exception("failed")
    first, second, third = map(json.loads, stream.getvalue().splitlines())
    assert first["message"] == f'Session abc123 model updated to: x/"{MASK}\n'
    assert first["session"] == second["session"] == "abc123"
    assert (first["level"], first["logger"]) == ("INFO", "aether")
    assert json.loads(second["message"].removeprefix("LLM REQUEST PAYLOAD "))["messages"] == 12
    assert "Traceback" in third["exception"] and KEY not in stream.getvalue()

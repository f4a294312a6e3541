"""Redaction: what it replaces, what it leaves, and that nothing which goes through it can break."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from base64 import b64encode
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aether.logs import JsonFormatter, RedactingFilter, harmless, without_keys
from aether.process import RedactedOutput
from aether.redaction import MASK, Redactor
from aether.secret import Secret

KEY = "sk-CANARY-ENV-0123456789abcdef"
WORDS = ("messages", '"content":', '":"', "assistant", '\\"', "{}", "role", KEY, "sk-" + "a1" * 10, "Bearer a1b2c3d4")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.lists(st.sampled_from(WORDS) | st.text(min_size=1), max_size=4))
def test_a_structure_keeps_its_form_whatever_the_keys_are(value: Any, keys: list[str]) -> None:
    clean = Redactor(keys).values(value)
    assert json.loads(json.dumps(clean)) == clean
    assert shape(clean) == shape(value) or any(k in json.dumps(value) for k in keys)


def shape(value: Any) -> Any:
    match value:
        case dict():
            return sorted(map(repr, map(shape, value.values())))  # two names of fields may become one
        case list():
            return [shape(v) for v in value]
        case _:
            return type(value)


@given(JSON)
def test_a_line_of_json_stays_json_in_the_log(value: Any) -> None:
    line = json.dumps(Redactor([KEY]).values(value), ensure_ascii=False)
    assert json.loads(Redactor([KEY])(line)) == json.loads(line)


@pytest.mark.parametrize(
    "harmless_text",
    [
        'curl -H "x-api-key: $KEY" https://x',
        'fetch(u, {headers: {Authorization: "Bearer " + key}})',
        '-H "Authorization: abc"',
        "Bearer tokens are sent in the header; authorization is required. x-api-key: optional",
        "class sk-folding-cube-container-large and hf_transformers_config_loader, key-value-storage-engine",
        "A task-force, a risk-averse sketch, https://host/path?x=1, mail me at a@b.example",
        'C:\\new\\table "quoted" {braces} \\" and \\\\',
    ],
)
def test_a_harmless_text_of_a_user_stays_as_it_is(harmless_text: str) -> None:
    assert Redactor([KEY])(harmless_text) == harmless_text
    assert Redactor([KEY]).values({"a": harmless_text}) == {"a": harmless_text}


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        KEY[:20],
        f"x{KEY}y",
        f"https://h/?key={quote(KEY)}",
        b64encode(KEY.encode()).decode(),
        b64encode(b"user:" + KEY.encode()).decode(),
        KEY[::-1],
        f"\\n{KEY}\\n",
        f'"{KEY}"',
    ],
)
def test_a_known_key_is_found_in_every_form(form: str) -> None:
    left = Redactor([KEY])(f"before {form} after")
    assert MASK in left and "0123456789" not in left and KEY[:16] not in left
    assert left.startswith("before ") and left.endswith(" after")


def test_a_short_key_is_replaced_as_a_whole_word_alone() -> None:
    redact = Redactor(["sk-1234"])
    assert redact("use sk-1234, or sk-12345, task-sk-1234x") == f"use {MASK}, or sk-12345, task-sk-1234x"


def test_a_redactor_learns_nothing_of_one_that_knows_more() -> None:
    base = Redactor([KEY])
    own = base.knowing("gsk_of-one-visitor-0123456789")
    assert own("gsk_of-one-visitor-0123456789") == MASK
    assert "one-visitor" in base("of-one-visitor-0123456789")
    assert base.knowing(KEY) is base


def logger(redact: Redactor, *, as_json: bool = False) -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(redact))
    if as_json:
        handler.setFormatter(JsonFormatter())
    made = logging.Logger("test", logging.DEBUG)
    made.addHandler(handler)
    return made, stream


async def test_a_key_is_redacted_in_the_task_that_reads_it_out_and_in_no_other() -> None:
    own = "a-visitors-own-0123456789-key"
    log, stream = logger(Redactor())

    async def visitor() -> None:
        Secret(own).reveal()
        log.info("visitor: %s", own)
        await asyncio.create_task(later())

    async def later() -> None:
        try:
            raise ValueError(own)
        except ValueError:
            log.exception("later", stack_info=True)

    await asyncio.create_task(visitor())
    log.info("another: %s", own)
    mine, _, rest = stream.getvalue().partition("another: ")
    assert own not in mine and mine.count(MASK) == 2
    assert own in rest


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "arguments", [("%d", "x"), ("%s", Unprintable()), ("%s %s", "x"), ("\ud800 %s", "\udfff"), ("%(a)s", {"b": 1})]
)
def test_no_line_can_fail_who_logs_it(arguments: tuple[Any, ...], as_json: bool) -> None:
    log, stream = logger(Redactor([KEY]), as_json=as_json)
    log.info(*arguments)
    log.info("next")
    assert "next" in stream.getvalue()


def test_what_observes_never_fails_what_it_observes() -> None:
    with harmless("Counting"):
        raise RuntimeError(KEY)


def test_a_line_that_a_library_prints_knows_the_keys_of_its_task() -> None:
    stream, own = io.StringIO(), Secret("sk-a-visitors-own-key-0123456789")
    output = RedactedOutput(stream, partial(without_keys, redact=Redactor([KEY])))
    print("Traceback", KEY, own.reveal(), "\ud800", file=output)
    assert stream.getvalue() == f"Traceback {MASK} {MASK} \ud800\n"


@pytest.mark.parametrize("name", ["X-API-Key", "x-api-key", "API-key", "Authorization", "AUTHORIZATION", "BeArEr"])
def test_a_header_is_known_however_it_is_written(name: str) -> None:
    assert Redactor()(f"{name}: abcdef1234567890zz") == f"{name}: {MASK}"


@pytest.mark.parametrize("prefix", ["sk-", "sk_", "hf-", "hf_", "xai_", "nvapi_", "AIza"])
def test_a_vendors_key_is_known_with_either_sign(prefix: str) -> None:
    assert Redactor()(f"it is {prefix}ABCDEFGH1234567890abcd") == f"it is {MASK}"

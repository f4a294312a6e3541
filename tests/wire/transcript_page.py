"""The JSON form of a conversation as a page, out of the code: `python -m tests.wire.transcript_page`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from aether.transcript import VERSION, Transcript

PAGE = Path(__file__).parent.parent.parent / "docs" / "transcript.md"
HEAD = f"""# The portable transcript

A conversation as JSON: what `/transcript` returns, what is exported and imported, and what is kept.
`version` is {VERSION}; every older version still loads, a newer one is refused with a sentence. Reading
what was written gives an equal value, and equal conversations give equal bytes. This page is
written from the code by `python -m tests.wire.transcript_page`; a test holds them equal.

- It is only added to. A change of model never edits it: each request is made anew out of it.
- It knows no vendor's key. What a service said in a form that only it can read stands in
  `Step.native`, as it came, and goes back to an equal `origin` alone.
- `Origin.account` is a short fingerprint of the key that was used, never the key. It is kept, and empty in
  all that is handed out; it comes back with blocks that this server has signed.
- Pictures and files are named by the SHA-256 of their bytes; the bytes are not in it.
- Times are in milliseconds, `at` in seconds since the epoch, costs in US dollars, `usage` in tokens.
- `failure` is an error beside the turns: shown, never sent to a model.

"""


def page() -> str:
    """Return the page."""
    schema = TypeAdapter(Transcript).json_schema()
    known: dict[str, Any] = schema.pop("$defs")
    parts = [_table("Transcript", schema), *(_table(name, known[name]) for name in known)]
    return HEAD + "\n".join(parts)


def _table(name: str, schema: dict[str, Any]) -> str:
    said = " ".join(schema.get("description", "").split()).replace("|", "\\|")
    needed = set(schema.get("required", ()))
    rows = [
        f"| `{key}` | {_kind(value)} | {'must be there' if key in needed else _default(value)} |"
        for key, value in schema["properties"].items()
    ]
    head = f"## {name}\n\n{said}\n\n| key | value | if left out |\n|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def _kind(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return f"[{_name(value)}](#{_name(value).lower()})"
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "enum" in value:
        return ", ".join(f"`{json.dumps(v)}`" for v in value["enum"])
    if several := value.get("anyOf") or value.get("oneOf"):
        return " or ".join(_kind(v) for v in several)
    if value.get("type") == "array":
        return f"list of {_kind(value['items'])}"
    return {"object": "object", "null": "null"}.get(value.get("type", ""), str(value.get("type", "any value")))


def _name(value: dict[str, Any]) -> str:
    return str(value["$ref"]).rsplit("/", 1)[-1]


def _default(value: dict[str, Any]) -> str:
    return f"`{json.dumps(value['default'])}`" if "default" in value else "its own default"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""Strange values, and changes that make good values strange. Everything comes out of one `Random`: a seed is a run."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any, cast

TEXTS = (
    *("", " ", "\n", "\t\r\n", "\0", "a\0b", "\x1b[31m", "\x7f", "\u2028", "\ufeff", "\u202e abc", "\ufffe"),
    *("\ud83d", "\ude00", "x\ud800y", "\ud83d\ude00", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301" * 9, "ﷺ" * 40),
    *("{provider}", "{model}", "{0.__class__.__mro__}", "{", "}", "{}", "%s%n%d", "%(x)s", "$KEY", "${jndi:ldap://x}"),
    *('curl -H "x-api-key: $KEY"', '-H "Authorization: abc"', '{Authorization: "Bearer " + key}', "Bearer\tx", "x-api-key:"),
    *('"content":', '"', "\\", '\\"', "\\u0000", "\\ud800", "'", "[redacted]", "messages", "assistant", "null", "undefined"),
    *("sk-ant-api03-" + "a" * 40, "key-" + "0" * 64, "https://user:pass@host/x", "AIzaSy" + "b" * 33, "hf_" + "C" * 34),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "</div></article>", "<!--", "]]>"),
    *("[x](javascript:alert(1))", "![x](http://127.0.0.1:9/x)", "[a]: http://b 'c'", "<http://a@b>", "&#x26;&lt;", "&nbsp;"),
    *("$\\frac{1}{0}$", "$$\\href{javascript:x}{y}$$", "\\begin{align}x\\end{align}", "```xpp\nabcd\n", "~~~", "````"),
    *("| a | b |\n|---|---|\n| c |", "> > > > x", "- - - - x", "1. 2. 3. x", "# #", "***", "___", "~~x~~", "a  \nb", "    code"),
    *("../../etc/passwd", "/etc/passwd", "C:\\x", "..%2f", "file:///etc/passwd", "http://169.254.169.254/", "//evil.example"),
    *("'; DROP TABLE x; --", "1 OR 1=1", "a:*", "%", "_", "NaN", "Infinity", "-0", "1e999", "0x7f", "true", "９", "١", "²"),
    *("data: x\n\n", "event: error\ndata: {}\n\n", "[DONE]", "<think>", "</think>", "<think>a</think>b", "Not known. " * 6),
    *("functions.read_file:0", "a|b", "toolu_01", "call_0", "call_1", "x" * 300, "tëst", "a.b", "n" * 90, "1" * 5000),
)  # fmt: skip
NUMBERS = (
    *(0, 1, -1, 2, 7, 255, 65536, 2**31 - 1, 2**31, 2**53, 2**63, 2**64, 10**18, 10**30, 10**400, -(2**63), -(10**18)),
    *(0.0, -0.0, 0.5, -3.0, 1e12, 4000.0, 1e-320, 1e308, float("inf"), float("-inf"), float("nan"), 1.7976931348623157e308),
)  # fmt: skip
KEYS = (
    *("", "type", "index", "kind", "id", "text", "content", "error", "usage", "choices", "delta", "message", "response"),
    *("item", "output", "role", "name", "arguments", "input", "__proto__", "__class__", "constructor", "\0", "\ud800", "x" * 200),
)  # fmt: skip
DEEP = re.compile(r'"@deep:(\d{1,4}):([\[{])@"')
ALPHABETS = (
    "abc \n",
    "ab\n*_`[]()#>-|$\\",
    "0123456789.eE+-",
    '{}[]",:\\/ntrue',
    "äßé漢字😀\u0301\u200d",
    "\0\x01\x1f\x7f\x80\xff",
)


def text(rng: Random, longest: int = 60) -> str:
    """Return a strange text: one of the list, several joined, or letters of a strange alphabet."""
    match rng.randrange(5):
        case 0 | 1:
            return rng.choice(TEXTS)
        case 2:
            return "".join(rng.choice(TEXTS) for _ in range(rng.randrange(1, 4)))
        case 3:
            return rng.choice(TEXTS)[:20] * rng.randrange(1, 12)
        case _:
            return "".join(rng.choices(rng.choice(ALPHABETS), k=rng.randrange(longest)))


def value(rng: Random, depth: int = 3) -> Any:
    """Return a strange JSON value."""
    match rng.randrange(12 if depth else 8):
        case 0 | 1 | 2:
            return text(rng)
        case 3 | 4:
            return rng.choice(NUMBERS)
        case 5:
            return rng.choice((None, True, False, [], {}))
        case 6:
            return rng.choice(("x" * 4000, 10 ** rng.randrange(40), -rng.random(), [None] * 50))
        case 7:
            return deep(rng.choice((20, 99, 101, 400, 2000)), rng.choice("[{"))
        case 8 | 9:
            return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
        case _:
            return {key(rng): value(rng, depth - 1) for _ in range(rng.randrange(4))}


def key(rng: Random) -> str:
    """Return a key: mostly one that a reader looks for."""
    return rng.choice(KEYS) if rng.random() < 0.8 else text(rng)


def deep(levels: int, bracket: str) -> str:
    """Return what `dumps` writes as so many lists or objects inside each other, which no value could hold."""
    return f"@deep:{levels}:{bracket}@"


def dumps(data: Any) -> str:
    """Write JSON as a careless service does: NaN, halves of characters, any depth."""
    return DEEP.sub(_nested, json.dumps(data))


def _nested(found: re.Match[str]) -> str:
    levels = int(found[1])
    return "[" * levels + "]" * levels if found[2] == "[" else '{"a":' * levels + "1" + "}" * levels


def changed(rng: Random, data: Any, *, times: int = 0) -> Any:
    """Return a JSON value with some places changed; `data` is used up."""
    for _ in range(times or rng.choice((1, 1, 1, 2, 3, 6))):
        places = _places(data)
        if not places:
            return value(rng)
        holder, at = rng.choice(places)
        _change(rng, holder, at)
    return data


def _places(data: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    left = [data]
    while left:
        held = left.pop()
        inner = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
        for at, v in cast(Any, inner):
            found.append((held, at))
            if isinstance(v, dict | list):
                left.append(v)
    return found


def _change(rng: Random, holder: Any, at: Any) -> None:
    old = holder[at]
    match rng.randrange(10):
        case 0:
            del holder[at]
        case 1 if isinstance(holder, dict):
            holder[key(rng)] = holder.pop(at)
        case 1:
            holder.insert(rng.randrange(len(holder) + 1), json.loads(json.dumps(old)))
        case 2 if isinstance(holder, list):
            rng.shuffle(holder)
        case 2:
            holder[key(rng)] = value(rng, 1)
        case 3:
            holder[at] = _retyped(old)
        case 4 if isinstance(old, str):
            cut = rng.randrange(len(old) + 1)
            holder[at] = old[:cut] + text(rng) + old[cut:]
        case 4 if isinstance(old, int | float):
            holder[at] = rng.choice((-old, old + 1, old * 10**15, float(old) if abs(old) < 1e300 else 0))
        case 5:
            holder[at] = rng.choice(NUMBERS)
        case 6:
            holder[at] = text(rng)
        case _:
            holder[at] = value(rng, 2)


def _retyped(old: Any) -> Any:
    match old:
        case str():
            return [old]
        case bool() | None:
            return str(old)
        case int() | float():
            return str(old)
        case list():
            return {str(n): v for n, v in enumerate(old)}
        case _:
            return list(old.values())


def garbled(rng: Random, data: bytes) -> bytes:
    """Return bytes that were cut, repeated, overwritten or exchanged."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        at = rng.randrange(len(out) + 1)
        to = min(len(out), at + rng.choice((1, 1, 2, 4, 30, 400)))
        match rng.randrange(7):
            case 0:
                del out[at:to]
            case 1:
                out[at:at] = out[at:to]
            case 2:
                out[at:to] = rng.randbytes(to - at)
            case 3:
                del out[at:]
            case 4:
                out[at:at] = rng.choice(TEXTS).encode("utf-8", "surrogatepass")
            case 5 if at < len(out):
                out[at] ^= 1 << rng.randrange(8)
            case _:
                out[at:to] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"9" * 30, b"[" * 200))
    return bytes(out)

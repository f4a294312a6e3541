"""Look for inputs that break a door; make each small, and keep it in the corpus, where the suite tries it again."""

from __future__ import annotations

import hashlib
import json
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from tests.fuzz.door import CPU_S, Door, TooSlow

CORPUS = Path(__file__).parent.parent / "corpus"
TRIES = 400
"""Inputs that are tried to make one that breaks smaller."""
FAILS = (Exception, TooSlow, RecursionError)


@dataclass
class Finding:
    """One way in which a door breaks: the smallest input known, and how it ended."""

    door: str
    mark: str
    data: bytes
    told: str
    times: int = 1


@dataclass
class Result:
    """What a run over one door has seen."""

    door: str
    inputs: int = 0
    seconds: float = 0.0
    findings: dict[str, Finding] = field(default_factory=dict[str, Finding])

    def add(self, more: Result) -> None:
        """Add another run over the same door."""
        self.inputs += more.inputs
        self.seconds += more.seconds
        for name, finding in more.findings.items():
            known = self.findings.setdefault(name, finding)
            known.times += finding.times if known is not finding else 0

    @property
    def line(self) -> str:
        rate = self.inputs / self.seconds if self.seconds else 0
        return f"{self.door:18} {self.inputs:>9,} inputs {self.seconds:8.1f} s {rate:9,.0f}/s {len(self.findings):3} findings"


@contextmanager
def cpu_bound(seconds: float = CPU_S) -> Iterator[None]:
    """Raise TooSlow in what takes more of this process's time than that, however busy the machine is."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"more than {seconds} s of CPU")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def broken_by(door: Door, data: bytes) -> BaseException | None:
    """Let an input in; return what it ended in, None if all holds."""
    try:
        with cpu_bound():
            door.enter(data)
    except FAILS as error:
        return error
    return None


def mark(error: BaseException) -> str:
    """Name the way in which something broke: two inputs that break alike have one name."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/tests/fuzz/door" not in f.filename]
    ours = [f for f in frames if "/aether/" in f.filename] or frames
    at = f"{Path(ours[-1].filename).stem}.{ours[-1].name}" if ours else "nowhere"
    words = re.sub(r"[^a-z]+", "-", str(error).lower())[:40].strip("-")
    return f"{type(error).__name__}-{at}-{words}".replace("/", "-")


def search(
    door: Door, *, seed: int, count: int = 0, seconds: float = 0.0, smaller: bool = True,
    said: Callable[[str], None] = print,
) -> Result:  # fmt: skip
    """Make inputs and let them in, until there were `count` or `seconds` have passed."""
    rng, result = Random(f"{seed} {door.name}"), Result(door.name)
    began = time.monotonic()
    seen: Counter[str] = Counter()
    while (not count or result.inputs < count) and (not seconds or time.monotonic() - began < seconds):
        data = door.make(rng)
        result.inputs += 1
        error = broken_by(door, data)
        if error is None:
            continue
        name = mark(error)
        seen[name] += 1
        if name in result.findings:
            result.findings[name].times += 1
            continue
        small = shrunk(door, data, name) if smaller else data
        told = "".join(traceback.format_exception(error))[-3000:]
        result.findings[name] = Finding(door.name, name, small, told)
        said(f"{door.name}: {name}\n  {small[:300]!r}")
    result.seconds = time.monotonic() - began
    return result


def shrunk(door: Door, data: bytes, name: str) -> bytes:
    """Return a smaller input that breaks the door in the same way."""
    left = TRIES

    def still(smaller: bytes) -> bool:
        nonlocal left
        left -= 1
        error = broken_by(door, smaller)
        return error is not None and mark(error) == name

    began = time.monotonic()
    size = max(1, len(data) // 2)
    while size and left > 0 and time.monotonic() - began < 60:
        at, cut = 0, False
        while at < len(data) and left > 0 and time.monotonic() - began < 60:
            smaller = data[:at] + data[at + size :]
            if still(smaller):
                data, cut = smaller, True
            else:
                at += size
        size = size if cut and size > 1 else size // 2
    return _simpler(data, still)


def _simpler(data: bytes, still: Callable[[bytes], bool]) -> bytes:
    """Leave out what a JSON input holds, place by place, where bytes alone cannot be cut."""
    try:
        held: Any = json.loads(data)
    except (ValueError, RecursionError):
        return data
    for _ in range(3):
        for path in list(_paths(held))[:60]:
            smaller = json.dumps(_without(held, path)).encode()
            if len(smaller) < len(data) and still(smaller):
                data, held = smaller, json.loads(smaller)
                break
        else:
            break
    return data


def _paths(held: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, value in held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ():
        yield (*at, key)
        if len(at) < 12:
            yield from _paths(value, (*at, key))


def _without(held: Any, path: tuple[Any, ...]) -> Any:
    if isinstance(held, dict):
        return {k: _without(v, path[1:]) if k == path[0] else v for k, v in held.items() if path != (k,)}
    if isinstance(held, list):
        return [_without(v, path[1:]) if k == path[0] else v for k, v in enumerate(held) if path != (k,)]
    return held


def keep(finding: Finding) -> Path:
    """Write a finding's input into the corpus; return where."""
    digest = hashlib.sha256(finding.data).hexdigest()[:8]
    path = CORPUS / finding.door / f"{re.sub(r'[^A-Za-z0-9._-]', '-', finding.mark)[:60]}-{digest}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(finding.data)
    return path


def corpus(door: str) -> list[Path]:
    """Return the inputs that once broke a door, or could have."""
    return sorted(p for p in (CORPUS / door).glob("*") if p.is_file())


def memory_mb() -> float:
    """Return the most memory that this process has had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)

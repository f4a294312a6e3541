"""Look for inputs that break a door: `python -m tests.fuzz [--door NAME] [--count N | --seconds N] [--seed S]`.

Without `--count` and `--seconds` it is the long run: two million inputs over all doors. What breaks
a door is made small and written into `tests/corpus`; the exit code says whether anything did.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import time
import warnings
from contextlib import ExitStack
from math import ceil

from tests.fuzz.door import Door
from tests.fuzz.doors import PURE
from tests.fuzz.running import OVER_HTTP, Running
from tests.fuzz.search import Finding, Result, keep, memory_mb, search

WHOLE = 2_000_000
"""Inputs of the long run."""
ROUNDS = 10


def main() -> int:
    """Run; return 1 if something broke."""
    asked = _arguments()
    logging.disable()
    warnings.simplefilter("ignore")
    names = asked.door or [*PURE, *OVER_HTTP]
    seed = asked.seed if asked.seed is not None else secrets.randbelow(10**9)
    print(f"seed {seed}", flush=True)
    began, results = time.monotonic(), {name: Result(name) for name in names}
    with ExitStack() as stack:
        doors = [PURE[n] for n in names if n in PURE]
        if over_http := [n for n in names if n in OVER_HTTP]:
            running = stack.enter_context(Running())
            doors += [running.door(n) for n in over_http]
        for number in range(ROUNDS):  # each goes through all doors, so that a run that is ended early has seen each
            for door in doors:
                count, seconds = ceil(_count(asked, door) / ROUNDS), asked.seconds / ROUNDS
                results[door.name].add(_searched(door, seed=seed + number, count=count, seconds=seconds))
    findings: list[Finding] = [f for r in results.values() for f in r.findings.values()]
    total = sum(r.inputs for r in results.values())
    print("\n" + "\n".join(r.line for r in results.values()))
    print(
        f"\n{total:,} inputs in {time.monotonic() - began:.0f} s, {memory_mb():.0f} MB at most; {len(findings)} findings"
    )
    for finding in findings:
        print(f"{finding.door}: {finding.mark} ({finding.times} times) → {keep(finding)}")
    return 1 if findings else 0


def _searched(door: Door, *, seed: int, count: int, seconds: float) -> Result:
    result = search(door, seed=seed, count=count, seconds=seconds, said=lambda words: print(words, flush=True))
    print(f"{result.line} {memory_mb():5.0f} MB", flush=True)
    return result


def _count(asked: argparse.Namespace, door: Door) -> int:
    if asked.seconds and not asked.count:
        return 0
    whole = asked.count or WHOLE
    return (
        whole if asked.door and len(asked.door) == 1 and asked.count else max(1, round(door.share * whole / _shares()))
    )


def _shares() -> int:
    return sum(d.share for d in PURE.values()) + sum(OVER_HTTP.values())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description="Look for inputs that break a door.")
    parser.add_argument("--door", action="append", choices=[*PURE, *OVER_HTTP], help="one door; again for more")
    parser.add_argument("--count", type=int, default=0, help=f"inputs in all (default {WHOLE:,})")
    parser.add_argument("--seconds", type=float, default=0.0, help="seconds for each door, instead of a count")
    parser.add_argument("--seed", type=int, help="of an earlier run, to have it again")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

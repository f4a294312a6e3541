"""Run the steps, print the table: `python -m bench [--quick] [--rounds N] [step ...]`."""

from __future__ import annotations

import argparse
import sys
import time

from bench.book import Book
from bench.plan import Plan
from bench.publish import publish
from bench.steps import LINES, STEPS
from bench.table import missed, table


def main() -> int:
    """Measure; return 1 if a floor is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and print the table.")
    parser.add_argument("steps", nargs="*", metavar="step", help=f"some of: {', '.join(STEPS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each application has its turn")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--table", action="store_true", help="print the table of the last run, measure nothing")
    parser.add_argument("--publish", action="store_true", help="write table and drawings into docs/benchmarks.md")
    asked = parser.parse_args()
    if unknown := set(asked.steps) - set(STEPS):
        parser.error(f"there is no step {', '.join(sorted(unknown))}")
    book = Book()
    plan = Plan(book, rounds=1 if asked.quick else asked.rounds, asks=3 if asked.quick else 7, is_quick=asked.quick)
    for name in () if asked.table else asked.steps or STEPS:
        began = time.perf_counter()
        book.forget(name)
        STEPS[name](plan)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(LINES, book))
    if asked.publish:
        publish(book)
    for work in missed(LINES, book):
        print(f"floor missed: {work}", file=sys.stderr)
    return 1 if missed(LINES, book) else 0


if __name__ == "__main__":
    sys.exit(main())

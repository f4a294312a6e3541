"""Run the siege and say what the honest visitors noticed: `python -m tests.siege --minutes 10`."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.app_process import ROOT, AppProcess
from tests.faults.sharing import CANARIES, shared
from tests.siege.honest import Honest, Log, quantile
from tests.siege.measure import Measure

VISITORS = 5
RSS_MB = 600
"""Memory that the application's own process stays below."""


@dataclass
class Report:
    """What was seen: the honest visitors in quiet and under attack, and the measures under attack."""

    quiet: Log
    attacked: Log
    measure: Measure
    attacks: list[str]
    disk_mb: float

    @property
    def faults(self) -> list[str]:
        """Return what must not be."""
        found = [f"lost: {words}" for words in [*self.quiet.lost, *self.attacked.lost]]
        found += [f"/healthz: {status} ({n} times)" for status, n in self.measure.statuses.items() if status != "200"]
        found += [f"memory: {self.measure.rss_mb:.0f} MB"] if self.measure.rss_mb >= RSS_MB else []
        found += [f"log: {line[:300]}" for line in self.measure.said("Traceback")]
        return found + [f"a secret: {c[:8]}…" for c in CANARIES if self.measure.said(c)]

    def __str__(self) -> str:
        rows = [f"attacks             {len(self.attacks)}"]
        for name, log in (("quiet", self.quiet), ("under attack", self.attacked)):
            p50, p95 = quantile(log.first_s, 0.5), quantile(log.first_s, 0.95)
            rows.append(
                f"{name:19} {len(log.first_s)} answers, first word p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms"
            )
        before, now = self.quiet.first_s, self.attacked.first_s
        ratios = [quantile(now, q) / max(1e-6, quantile(before, q)) for q in (0.5, 0.95)]
        rows.append(f"ratio               p50 {ratios[0]:.2f}, p95 {ratios[1]:.2f}")
        rows.append(f"reconnected         {self.attacked.reconnects} times")
        rows.append(f"answers lost        {len(self.quiet.lost) + len(self.attacked.lost)}")
        children = sorted(self.measure.children_mb.values(), reverse=True)
        shown = ", ".join(f"{mb:.0f}" for mb in children[:8]) or "none"
        rows.append(f"memory at most      {self.measure.rss_mb:.0f} MB; children ({len(children)}): {shown} MB")
        rows.append(f"disk                {self.measure.disk_before:.0f} → {self.disk_mb:.0f} MB")
        rows.append(f"/healthz            {dict(self.measure.statuses)}, slowest {self.measure.slowest_s:.2f} s")
        rows.append(f"loop held           {len(self.measure.said('The event loop'))} warnings")
        return "\n".join(rows)


@contextmanager
def besieged() -> Iterator[tuple[AppProcess, Path]]:
    """Run the scripted provider and the application, each as a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="aether-siege-"))
    command = [sys.executable, "-m", "tests.scripted_provider", "--lenient"]
    provider = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert provider.stdout is not None
        served = cast(Any, SimpleNamespace(url=provider.stdout.readline().strip()))
        settings = {"AETHER_BUDGET_USD": "500", "AETHER_VISITOR_BUDGET_USD": "5", "AETHER_LOG_LEVEL": "INFO"}
        with shared(served, folder, **settings) as app:
            yield app, folder
    finally:
        provider.terminate()
        provider.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def siege(*, quiet_s: float, attack_s: float, seed: int) -> Report:
    """Let visitors ask in quiet, then beside a stranger; return what was seen."""
    with besieged() as (app, folder):
        quiet = _visited(app, quiet_s)
        measure = Measure(app, folder)
        measure.start()
        command = [sys.executable, "-m", "tests.siege.stranger", app.url, str(attack_s), str(seed)]
        stranger = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            attacked = _visited(app, attack_s)
        finally:
            stranger.terminate()
            told = stranger.communicate(timeout=60)[0].splitlines()
        measure.stop()
        return Report(quiet, attacked, measure, told, measure.disk_mb())


def _visited(app: AppProcess, seconds: float) -> Log:
    log, leave = Log(), threading.Event()
    visitors = [Honest(app, number, log, leave) for number in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    time.sleep(seconds)
    leave.set()
    for visitor in visitors:
        visitor.join(90)
        if visitor.is_alive():
            log.lost.append("an answer that did not end within 90 s")
    return log


def main() -> int:
    """Run; return 1 if something was seen that must not be."""
    parser = argparse.ArgumentParser(prog="tests.siege", description="A stranger beside five honest visitors.")
    parser.add_argument("--minutes", type=float, default=5.0, help="of attack (default 5)")
    parser.add_argument("--quiet", type=float, default=1.0, help="minutes of quiet before (default 1)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    report = siege(quiet_s=asked.quiet * 60, attack_s=asked.minutes * 60, seed=asked.seed)
    print("\n".join(report.attacks))
    print(f"\n{report}")
    for line in report.measure.said("The event loop")[:40]:
        print("  " + line[:300])
    print("\n".join(["", *report.faults]))
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())

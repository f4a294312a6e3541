"""Many sessions, opened and closed (case 40): what they took is given back."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2
import psutil

from tests.app_process import AppProcess
from tests.faults.sharing import Visitor, wait_until

LONG = os.environ.get("AETHER_LONG") == "1"
WARM, SESSIONS, AT_ONCE = (300, 1_000, 40) if LONG else (10, 50, 10)


@dataclass(frozen=True)
class Held:
    """What the process holds. `mb`: resident memory; `sockets`: those of visitors."""

    mb: float
    handles: int
    sockets: int
    tasks: int
    sessions: int


def held(app: AppProcess) -> Held:
    process, told = psutil.Process(app.pid), httpx2.get(f"{app.url}/metrics").text
    number = {name: float(value) for name, value in re.findall(r"^(aether_\w+) ([\d.e+]+)$", told, re.MULTILINE)}
    port = int(app.url.rpartition(":")[2])
    open_now = [c for c in process.net_connections() if c.status == psutil.CONN_ESTABLISHED]
    sockets = sum(c.laddr.port == port for c in open_now)
    mb = process.memory_info().rss / 1e6
    return Held(mb, process.num_fds(), sockets, int(number["aether_tasks"]), int(number["aether_sessions"]))


def visit(app: AppProcess, number: int) -> None:
    """Open a tab, say something, and close it."""
    visitor = Visitor(app, session=f"soak-{number}")
    with visitor.http.stream("GET", f"/gradio_api/heartbeat/{visitor.session}") as beat:
        next(beat.iter_lines())
        assert visitor.ask(f"word {number}")["text"] == f"You said: word {number}"
    visitor.http.close()


def test_case_40_sessions_that_were_closed_leave_nothing_behind(local: AppProcess) -> None:
    first = held(local)

    def given_back() -> bool:
        now = held(local)
        return now.sockets <= 3 and now.sessions <= first.sessions and (not LONG or now.tasks <= first.tasks * 1.1 + 2)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda n: visit(local, n), range(WARM)))
        if LONG:  # by now there are as many sessions of closed tabs as are kept
            wait_until(local, given_back, timeout_s=60)
        before = held(local)
        list(pool.map(lambda n: visit(local, WARM + n), range(SESSIONS)))
    wait_until(local, given_back, timeout_s=60)
    after = held(local)
    print(f"\n{SESSIONS} sessions opened and closed: first {first}, before {before}, after {after}")
    assert after.handles <= before.handles * 1.1 + 2
    if LONG:
        assert after.mb <= before.mb * 1.1

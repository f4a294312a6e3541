"""Watches how long the event loop takes to come round, and says which code held it. Runs all the time.

A thread asks the loop for a sign ten times a second. Where none comes for `REPORT_S`, it takes the stack of
the loop's thread while that is still at it, and logs it once the sign has come: places in the code, never a
value. CPU time tells code that holds the loop from a machine that has no time for it: see docs/sharing.md.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from aether import metrics

log = logging.getLogger("aether")

INTERVAL_S = 0.1
"""Seconds between two signs."""
REPORT_S = 0.25
"""Seconds of CPU time without a sign from which on the code that held the loop is named."""
WAITED_S = 1.0
"""Seconds by the clock from which on it is named even if its thread has hardly worked: it waits for something."""
STILL_S = 5.0
"""Seconds after which it is named before the loop comes round."""
QUIET_S = 10.0
"""Seconds after a report in which only one that is twice as long is made."""
FRAMES = 12
"""Places of a stack that are named, the innermost first."""
ROOT = Path(__file__).parent.parent
EVENT = asyncio.Handle._run.__code__  # pyright: ignore[reportPrivateUsage]  # what is beyond it is the loop itself


class LoopMonitor:
    """Watch the event loop on which it is started."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._reported_at = 0.0
        self._reported_s = 0.0

    def start(self) -> None:
        """Begin to watch the running loop; called on its thread."""
        loop, ident = asyncio.get_running_loop(), threading.get_ident()
        self._thread = threading.Thread(target=self._run, args=(loop, ident), name="loop-monitor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def _run(self, loop: asyncio.AbstractEventLoop, ident: int) -> None:
        while not self._stopped.wait(INTERVAL_S):
            with suppress(RuntimeError):  # the loop is closed
                self._watch(loop, ident)

    def _watch(self, loop: asyncio.AbstractEventLoop, ident: int) -> None:
        """Ask for one sign, and report if it comes late."""
        sign = threading.Event()
        began_s, began_cpu_s = time.monotonic(), _cpu_s(ident)
        loop.call_soon_threadsafe(sign.set)
        places = ""
        if not sign.wait(REPORT_S):
            places = stack_of(ident)
            if not sign.wait(STILL_S) and not self._stopped.is_set():
                self._report("is held", time.monotonic() - began_s, _cpu_s(ident) - began_cpu_s, places)
                while not sign.wait(STILL_S) and not self._stopped.is_set():
                    pass
        lag_s, cpu_s = time.monotonic() - began_s, _cpu_s(ident) - began_cpu_s
        metrics.LOOP_LAG.observe(lag_s)
        if places and not self._stopped.is_set():
            self._report("was held", lag_s, cpu_s, places)

    def _report(self, verb: str, lag_s: float, cpu_s: float, places: str) -> None:
        if cpu_s < REPORT_S and lag_s < WAITED_S:
            return
        now_s, cost_s = time.monotonic(), cpu_s if cpu_s >= REPORT_S else lag_s
        if now_s - self._reported_at < QUIET_S and cost_s < 2 * self._reported_s:
            return
        self._reported_at, self._reported_s = now_s, cost_s
        log.warning("The event loop %s for %.2f s (%.2f s of CPU time) in %s", verb, lag_s, cpu_s, places)


def stack_of(ident: int) -> str:
    """Return where a thread is, in one line: its innermost places in the code, the callers behind them."""
    frame = sys._current_frames().get(ident)  # pyright: ignore[reportPrivateUsage]  # documented, for such a use
    places: list[str] = []
    while frame is not None and len(places) < FRAMES and frame.f_code is not EVENT:
        places.append(_place(frame))
        frame = frame.f_back
    return " < ".join(places)


def _place(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT / "aether") else "/".join(path.parts[-2:])
    return f"{shown}:{frame.f_lineno} {frame.f_code.co_name}"


def _cpu_s(ident: int) -> float:
    """Return the CPU time of a thread; of this process where the system does not tell them apart."""
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(ident))
    except (AttributeError, OSError):
        return time.process_time()

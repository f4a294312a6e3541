"""The child process: one llama.cpp server for one GGUF file. Run by path; imports nothing of Aether.

Prints `READY <address>` to its standard output once it listens, and nothing else. It ends
when its standard input is closed: a parent that is gone, however it went, leaves no orphan.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

READY = "READY "


def cores() -> int:
    """Return how many cores this process may use: a container often sees more than it is given."""
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(seen, int(quota) // int(period)))
    except (OSError, ValueError):  # no such group, or one without a bound ("max")
        return seen


def serve(path: str, alias: str, n_ctx: int, slots: int) -> None:
    """Serve the file under the name `alias`; `n_ctx` tokens are shared by `slots` requests at once."""
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the library writes to both; the parent reads the address from a pipe of its own
    xllamacpp: Any = importlib.import_module("xllamacpp")  # it carries no types

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {alias}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    # Threads wait for one another by spinning: on a busy machine with a thread for each core, SmolLM2 fell
    # from 27 tokens/s (one thread, two cores) to 2.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, cores() // 2)
    params.n_ctx = n_ctx
    params.n_parallel = slots
    params.kv_unified = True  # a slot may use the whole of n_ctx, up to what the model was trained for
    params.cache_ram_mib = 0
    params.use_jinja = True
    params.ui = False
    params.sampling.temp = 0.2  # a very small model wanders at the usual 0.8, and says one thing over and over at this
    # `repeat_penalty` and `repeat_last_n` of llama.cpp's server README, for all three protocols. Of 24 answers to
    # twelve short questions 7 went on to the bound of 1,024 tokens without them, none with them. Of 21 answers to
    # questions of fact 14 were right without them, 16 with them.
    params.sampling.penalty_repeat, params.sampling.penalty_last_n = 1.1, 512
    server = xllamacpp.Server(params)
    print(f"{READY}{server.listening_address}", file=told, flush=True)
    sys.stdin.read()
    os._exit(0)  # the server's threads have no orderly end


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

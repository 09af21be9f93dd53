"""Wall and CPU for a piece of work, per unit, in microseconds: of this process, and of the server where there is one."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

#: Process id of the server; empty where the engine is in this process.
SERVER = os.environ.get("BENCH_SERVER", "")
_TICK = os.sysconf("SC_CLK_TCK")


def server_cpu() -> float:
    """User and system time that the server has used, in seconds, to 10 ms; 0 without one."""
    if not SERVER:
        return 0.0
    fields = Path(f"/proc/{SERVER}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def timed(name: str, count: int, work: Callable[[], Awaitable[Any]]) -> dict[str, float]:
    """`_cpu` is this process's, `_total_cpu` has the server's in it."""
    wall, cpu, server = time.perf_counter(), time.process_time(), server_cpu()
    await work()
    mine = (time.process_time() - cpu) / count * 1e6
    return {
        f"{name}_wall": (time.perf_counter() - wall) / count * 1e6,
        f"{name}_cpu": mine,
        f"{name}_total_cpu": mine + (server_cpu() - server) / count * 1e6,
    }

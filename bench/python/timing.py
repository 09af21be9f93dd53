"""Wall and CPU of this process for a piece of work, per unit, in microseconds."""

from __future__ import annotations

import time
from typing import Any, Awaitable, Callable


async def timed(name: str, count: int, work: Callable[[], Awaitable[Any]]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return {
        f"{name}_wall": (time.perf_counter() - wall) / count * 1e6,
        f"{name}_cpu": (time.process_time() - cpu) / count * 1e6,
    }

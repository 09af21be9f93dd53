"""A server with Temporal's own Python SDK as client and worker."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from contestants import HERE, Contestant, Seen, Timed, directory
from costs import Process, mib_on_disk
from servers import TEMPORAL_KINDS, Kind
from temporalio.client import Client
from workloads import TASK_QUEUE, WORKLOADS, Workload, connect, wait_until_worked

#: A server settles for so long before its idling is measured for so long.
IDLE_SECONDS_BEFORE = 2.0
IDLE_SECONDS = 2.0


class TemporalPython(Contestant):
    def __init__(self, kind: Kind) -> None:
        self.name = f"{kind.name}: temporalio, Python"
        self._kind = kind
        self.rows = ["start", "idle", *(workload.name for workload in WORKLOADS)]
        if kind.name == TEMPORAL_KINDS[2]:
            # Its slow rows are those of the memory kind; once more they would say nothing.
            self.rows = ["start", "idle", "regular", "workflows-256"]

    def measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        asyncio.run(self._measure(rows, scale, seen))

    async def _measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        with directory() as place:
            began = time.monotonic()
            server, address = self._kind.start(place)
            try:
                client = await connect(address)
                with seen.row("start") as figures:
                    figures["start_ms"] = 1000 * (time.monotonic() - began)
                with seen.row("idle") as figures:
                    figures |= await idle(server, place)
                await self._work(client, address, place, server, rows, scale, seen)
            finally:
                server.stop()

    async def _work(
        self, client: Client, address: str, place: Path, server: Process, rows: list[str], scale: float, seen: Seen
    ) -> None:
        workloads = [workload for workload in WORKLOADS if workload.name in rows]
        if not workloads:
            return
        worker = Process([sys.executable, str(HERE / "worker.py"), address, TASK_QUEUE], place / "worker.log")
        try:
            await wait_until_worked(client)
            for workload in workloads:
                server.check_alive()
                worker.check_alive()
                with seen.row(workload.name) as figures:
                    operations = max(1, round(workload.operations * scale))
                    figures |= await one(workload, client, operations, server, worker)
                    figures["disk_mib"] = disk(place)
        finally:
            worker.stop()


async def one(workload: Workload, client: Client, operations: int, server: Process, worker: Process) -> dict[str, float]:
    timed = Timed(server, worker)
    seen = await asyncio.wait_for(workload.run(client, operations), workload.seconds_max)
    figures = timed.figures(operations)
    figures |= {"rss_mib_max": server.rss_mib_max(), "worker_rss_mib_max": worker.rss_mib_max()}
    return figures | (seen or {})


async def idle(server: Process, place: Path) -> dict[str, float]:
    """What a server costs that nobody uses."""
    await asyncio.sleep(IDLE_SECONDS_BEFORE)
    before = server.cpu_seconds()
    await asyncio.sleep(IDLE_SECONDS)
    cpu = server.cpu_seconds() - before
    return {"rss_mib": server.rss_mib(), "cpu_ms_per_s": 1000 * cpu / IDLE_SECONDS, "disk_mib": disk(place)}


def disk(place: Path) -> float:
    logs = sum(path.stat().st_size for path in place.glob("*.log"))
    return mib_on_disk(place) - logs / 2**20

"""Worker processes of the official SDK."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server import Died, Server
from workload import REPORT

HERE = Path(__file__).resolve().parent
TASK_QUEUE = "orders"


class Workers:
    """Their reports go to `on_report`; restarts of the server are told to them."""

    def __init__(self, server: Server, on_report: Callable[[dict[str, Any]], None]) -> None:
        self.server = server
        self._on_report = on_report
        self._processes: list[asyncio.subprocess.Process] = []
        self._readers: list[asyncio.Task[None]] = []

    async def start(self, kind: str) -> None:
        path = self.server.directory / f"worker-{kind}.log"
        with path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, HERE / "worker.py", self.server.address, TASK_QUEUE, kind,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self._processes.append(process)
        self._readers.append(asyncio.create_task(self._read(process, path)))

    async def _read(self, process: asyncio.subprocess.Process, path: Path) -> None:
        with path.open("ab", buffering=0) as log:
            assert process.stdout is not None
            while line := await process.stdout.readline():
                if line.startswith(REPORT):
                    self._on_report(json.loads(line.removeprefix(REPORT)))
                else:
                    log.write(line)  # the SDK's core logs to stdout

    async def tell_restart(self) -> None:
        for process in self._processes:
            if process.returncode is not None:
                raise Died(f"a worker ended by itself (exit code {process.returncode})")
            assert process.stdin is not None
            process.stdin.write(b"restarted\n")
            await process.stdin.drain()

    async def stop(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
